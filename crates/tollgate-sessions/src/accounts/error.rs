//! The errors of [`Accounts`](super::Accounts).

use std::time::Duration;

use crate::accounts::passwords::{HashError, HashPoolBusy, HashUnusable};
use crate::accounts::throttle::Throttled;
use crate::accounts::users::ParseLoginNameError;
use crate::store::StoreError;
use crate::support::RETRY_AFTER;

/// Why a login failed.
///
/// # Security
/// Give clients the same answer for every [`Denied`](Self::Denied). The reason inside is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The name or the password is wrong, or the user may not log in.
    #[error("login denied")]
    Denied(#[source] DenialReason),
    /// There were too many attempts for this name or from this address. The password was not checked.
    #[error("too many attempts to log in")]
    Throttled {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The threads that hash passwords are overloaded. The password was not checked.
    #[error("password hashing is overloaded")]
    HashPoolBusy {
        /// The time after which a retry makes sense.
        retry_after: Duration,
    },
    /// The store did not answer. This says nothing about the user.
    #[error("user store failed")]
    Store(#[source] StoreError),
}

impl LoginError {
    /// Returns the time after which a retry makes sense, or `None` if a retry would fail the same way.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied(_) => None,
            Self::Throttled { retry_after } | Self::HashPoolBusy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(RETRY_AFTER),
        }
    }
}

/// The reason why a login was denied, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DenialReason {
    /// The text is not a valid login name.
    #[error("malformed login name")]
    MalformedName(#[source] ParseLoginNameError),
    /// No user has this login name.
    #[error("no such user")]
    UnknownUser,
    /// The password is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The user is disabled.
    #[error("user is disabled")]
    Disabled,
    /// The user has no password.
    #[error("user has no password")]
    NoPassword,
    /// The stored hash cannot be used to verify a password.
    #[error("stored password hash cannot be used")]
    HashUnusable(#[source] HashUnusable),
}

/// Why an account was not created.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The text is not a valid login name.
    #[error("malformed login name")]
    Name(#[source] ParseLoginNameError),
    /// The password is too short or too long.
    #[error("password rejected")]
    Password(#[source] NewPasswordError),
    /// There were too many registrations or logins from this address.
    #[error("too many attempts")]
    Throttled {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The threads that hash passwords are overloaded.
    #[error("password hashing is overloaded")]
    HashPoolBusy {
        /// The time after which a retry makes sense.
        retry_after: Duration,
    },
    /// The store failed, or did not confirm the change.
    #[error("user store failed")]
    Store(#[source] StoreError),
    /// The operating system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl RegisterError {
    /// Returns the time after which a retry makes sense, or `None` if a retry would fail the same way.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Name(_) | Self::Password(_) | Self::Crypto => None,
            Self::Throttled { retry_after } | Self::HashPoolBusy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(RETRY_AFTER),
        }
    }
}

/// Why a password was not changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The old password is wrong, or the user may not log in.
    #[error("login denied")]
    Denied(#[source] DenialReason),
    /// The new password is too short or too long.
    #[error("password rejected")]
    Password(#[source] NewPasswordError),
    /// There were too many attempts with a wrong password.
    #[error("too many attempts")]
    Throttled {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The threads that hash passwords are overloaded.
    #[error("password hashing is overloaded")]
    HashPoolBusy {
        /// The time after which a retry makes sense.
        retry_after: Duration,
    },
    /// The store failed, or did not confirm the change.
    #[error("user store failed")]
    Store(#[source] StoreError),
    /// The operating system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl ChangePasswordError {
    /// Returns the time after which a retry makes sense, or `None` if a retry would fail the same way.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied(_) | Self::Password(_) | Self::Crypto => None,
            Self::Throttled { retry_after } | Self::HashPoolBusy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(RETRY_AFTER),
        }
    }
}

/// Why a new password is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NewPasswordError {
    /// The password is too short.
    #[error("password has fewer than {minimum} characters")]
    TooShort {
        /// The smallest number of characters allowed.
        minimum: usize,
    },
    /// The password is too long.
    #[error("password is longer than {maximum} bytes")]
    TooLong {
        /// The largest number of bytes allowed.
        maximum: usize,
    },
}

impl From<Throttled> for LoginError {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled { retry_after: throttled.retry_after }
    }
}

impl From<HashPoolBusy> for LoginError {
    fn from(busy: HashPoolBusy) -> Self {
        Self::HashPoolBusy { retry_after: busy.retry_after }
    }
}

impl From<Throttled> for RegisterError {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled { retry_after: throttled.retry_after }
    }
}

impl From<HashError> for RegisterError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::HashPoolBusy(HashPoolBusy { retry_after, .. }) => Self::HashPoolBusy { retry_after },
            HashError::Crypto => Self::Crypto,
        }
    }
}

impl From<LoginError> for ChangePasswordError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Denied(denial) => Self::Denied(denial),
            LoginError::Throttled { retry_after } => Self::Throttled { retry_after },
            LoginError::HashPoolBusy { retry_after } => Self::HashPoolBusy { retry_after },
            LoginError::Store(error) => Self::Store(error),
        }
    }
}

impl From<HashError> for ChangePasswordError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::HashPoolBusy(HashPoolBusy { retry_after, .. }) => Self::HashPoolBusy { retry_after },
            HashError::Crypto => Self::Crypto,
        }
    }
}
