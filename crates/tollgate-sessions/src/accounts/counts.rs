//! [`LoginCounts`]: what logins have come to.

use super::{Accounts, DenialReason, LoginError};
use crate::support::Counter;

/// How often somebody has tried to log in since the process began, by what came of it, for a dashboard.
///
/// It tells more than a client may know: which names exist, for one. It is for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginCounts {
    /// The password was right.
    pub succeeded: u64,
    /// Denied: what was given cannot be a login name.
    pub malformed_name: u64,
    /// Denied: what was given cannot be a password.
    pub malformed_password: u64,
    /// Denied: nobody has that login name.
    pub unknown_user: u64,
    /// Denied: it was another password.
    pub wrong_password: u64,
    /// Denied: the user may not log in.
    pub disabled: u64,
    /// Denied: the user has no password.
    pub no_password: u64,
    /// Denied: the hash that is stored cannot be compared with.
    pub unusable_hash: u64,
    /// Denied although the password was right, which is counted as `succeeded` too: the user has changed meanwhile.
    pub overtaken: u64,
    /// Refused: too many attempts, for a name or from an address.
    pub throttled: u64,
    /// Refused: too many passwords were being checked.
    pub busy: u64,
    /// Questions about users that the store did not answer, whatever they were asked for.
    pub store_failures: u64,
}

/// What is counted.
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
    /// What logins have come to. Clones count together, also those that have other settings. How busy the hashing of
    /// passwords is, [`Passwords::counts`](crate::Passwords::counts) say.
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
    /// Counts why somebody is not logged in, and gives it back.
    pub(super) fn refused(&self, error: LoginError) -> LoginError {
        match &error {
            LoginError::Denied(denial) => self.denied(denial),
            LoginError::Throttled { .. } => self.throttled.count(),
            LoginError::HashPoolBusy { .. } => self.busy.count(),
            // Counted where the store is asked.
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
