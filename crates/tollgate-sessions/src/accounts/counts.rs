//! [`LoginCounts`]: how many logins succeeded and failed.

use super::{Accounts, DenialReason, LoginError};
use crate::support::Counter;

/// The number of login attempts since the process started, by outcome, for a dashboard.
///
/// # Security
/// The counts reveal more than a client may learn, for example whether names exist. Show them to the operator
/// only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginCounts {
    /// Logins with the right password.
    pub succeeded: u64,
    /// Logins denied because the text was not a valid login name.
    pub malformed_name: u64,
    /// Logins denied because the text was not a valid password.
    pub malformed_password: u64,
    /// Logins denied because no user has the login name.
    pub unknown_user: u64,
    /// Logins denied because the password was wrong.
    pub wrong_password: u64,
    /// Logins denied because the user is disabled.
    pub disabled: u64,
    /// Logins denied because the user has no password.
    pub no_password: u64,
    /// Logins denied because the stored hash cannot be used.
    pub unusable_hash: u64,
    /// Logins denied because the user's account changed during the login. They are counted in `succeeded` too.
    pub overtaken: u64,
    /// Logins refused because of too many attempts for a name or from an address.
    pub throttled: u64,
    /// Logins refused because the threads that hash passwords were overloaded.
    pub busy: u64,
    /// Store calls that failed, whether they belonged to a login or not.
    pub store_failures: u64,
}

/// The counters behind [`LoginCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(super) succeeded: Counter,
    malformed_name: Counter,
    pub(crate) malformed_password: Counter,
    unknown_user: Counter,
    wrong_password: Counter,
    disabled: Counter,
    no_password: Counter,
    unusable_hash: Counter,
    pub(super) overtaken: Counter,
    throttled: Counter,
    busy: Counter,
    pub(super) store_failures: Counter,
}

impl Accounts {
    /// Returns the number of login attempts by outcome. Clones share their counters, also those with other
    /// settings.
    ///
    /// [`Passwords::counts`](crate::Passwords::counts) returns the load of the threads that hash passwords.
    #[must_use]
    pub fn counts(&self) -> LoginCounts {
        let counters = self.counters();
        LoginCounts {
            succeeded: counters.succeeded.get(),
            malformed_name: counters.malformed_name.get(),
            malformed_password: counters.malformed_password.get(),
            unknown_user: counters.unknown_user.get(),
            wrong_password: counters.wrong_password.get(),
            disabled: counters.disabled.get(),
            no_password: counters.no_password.get(),
            unusable_hash: counters.unusable_hash.get(),
            overtaken: counters.overtaken.get(),
            throttled: counters.throttled.get(),
            busy: counters.busy.get(),
            store_failures: counters.store_failures.get(),
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }
}

impl Counters {
    /// Counts a failed login, and returns the error.
    pub(super) fn refused(&self, error: LoginError) -> LoginError {
        match &error {
            LoginError::Denied(denial) => self.denied(denial),
            LoginError::Throttled { .. } => self.throttled.count(),
            LoginError::HashPoolBusy { .. } => self.busy.count(),
            // `Accounts::query` counts these.
            LoginError::Store(_) => {}
        }
        error
    }

    fn denied(&self, denial: &DenialReason) {
        match denial {
            DenialReason::MalformedName(_) => self.malformed_name.count(),
            DenialReason::UnknownUser => self.unknown_user.count(),
            DenialReason::WrongPassword => self.wrong_password.count(),
            DenialReason::Disabled => self.disabled.count(),
            DenialReason::NoPassword => self.no_password.count(),
            DenialReason::HashUnusable(_) => self.unusable_hash.count(),
        }
    }
}
