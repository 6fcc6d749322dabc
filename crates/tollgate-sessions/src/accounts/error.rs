//! What can go wrong with accounts.

use std::time::Duration;

use crate::passwords::{Busy, HashError, UnusableHash};
use crate::store::StoreError;
use crate::throttle::Throttled;
use crate::users::ParseLoginNameError;

/// Why somebody is not logged in.
///
/// A client is to hear the same of every [`Denied`](Self::Denied): which of them it was is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// This name and this password do not belong together, or not to anybody who may log in.
    #[error("login denied")]
    Denied(#[source] Denial),
    /// Too many attempts, for this name or from this address. The password was not looked at.
    #[error("too many attempts to log in")]
    Throttled {
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// Too many passwords are being checked. This one was not.
    #[error("too many passwords are being checked")]
    Busy {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The store could not answer. It says nothing about the user.
    #[error("user store failed")]
    Store(#[source] StoreError),
}

impl LoginError {
    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied(_) => None,
            Self::Throttled { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(StoreError::RETRY_AFTER),
        }
    }
}

/// Why a login was denied, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// What was given cannot be a login name.
    #[error("malformed login name")]
    MalformedName(#[source] ParseLoginNameError),
    /// Nobody has that login name.
    #[error("no such user")]
    UnknownUser,
    /// It is another password.
    #[error("wrong password")]
    WrongPassword,
    /// The user may not log in.
    #[error("user is disabled")]
    Disabled,
    /// The user has no password.
    #[error("user has no password")]
    NoPassword,
    /// The hash that is stored cannot be compared with.
    #[error("stored hash of the password cannot be used")]
    UnusableHash(#[source] UnusableHash),
}

/// Why an account was not made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// What was given cannot be a login name.
    #[error("malformed login name")]
    Name(#[source] ParseLoginNameError),
    /// The password will not do.
    #[error("password refused")]
    Password(#[source] NewPasswordError),
    /// Too many accounts were asked for from this address, or too many logins.
    #[error("too many attempts")]
    Throttled {
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The store could not do it, or did not say that it did.
    #[error("user store failed")]
    Store(#[source] StoreError),
    /// The system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl RegisterError {
    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Name(_) | Self::Password(_) | Self::Crypto => None,
            Self::Throttled { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(StoreError::RETRY_AFTER),
        }
    }
}

/// Why a password was not changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The old password is not the one of the user, or the user may not log in.
    #[error("login denied")]
    Denied(#[source] Denial),
    /// The new password will not do.
    #[error("password refused")]
    Password(#[source] NewPasswordError),
    /// Too many attempts with a wrong old password.
    #[error("too many attempts")]
    Throttled {
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The store could not do it, or did not say that it did.
    #[error("user store failed")]
    Store(#[source] StoreError),
    /// The system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl ChangePasswordError {
    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied(_) | Self::Password(_) | Self::Crypto => None,
            Self::Throttled { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Store(_) => Some(StoreError::RETRY_AFTER),
        }
    }
}

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NewPasswordError {
    /// It is too short.
    #[error("password has fewer than {minimum} characters")]
    TooShort {
        /// The fewest characters.
        minimum: usize,
    },
    /// It is too long.
    #[error("password is longer than {maximum} bytes")]
    TooLong {
        /// The most bytes.
        maximum: usize,
    },
}

impl From<Throttled> for LoginError {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled { retry_after: throttled.retry_after }
    }
}

impl From<Busy> for LoginError {
    fn from(busy: Busy) -> Self {
        Self::Busy { retry_after: busy.retry_after }
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
            HashError::Busy(Busy { retry_after, .. }) => Self::Busy { retry_after },
            HashError::Crypto => Self::Crypto,
        }
    }
}

impl From<LoginError> for ChangePasswordError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Denied(denial) => Self::Denied(denial),
            LoginError::Throttled { retry_after } => Self::Throttled { retry_after },
            LoginError::Busy { retry_after } => Self::Busy { retry_after },
            LoginError::Store(error) => Self::Store(error),
        }
    }
}

impl From<HashError> for ChangePasswordError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy(Busy { retry_after, .. }) => Self::Busy { retry_after },
            HashError::Crypto => Self::Crypto,
        }
    }
}
