//! [`SessionSettings`]: the settings of [`Sessions`](super::Sessions).

use std::time::Duration;

use super::tokens::RefreshTokenFlags;
use crate::session::{Lifetimes, SettingError};
use crate::store::RefreshPolicy;

/// The settings of [`Sessions`](super::Sessions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    pub(super) refresh_policy: RefreshPolicy,
    persistent: Lifetimes,
    transient: Lifetimes,
    pub(super) per_subject: usize,
    pub(super) client_mismatch: ClientMismatch,
    pub(super) store_timeout: Duration,
}

/// Persistent sessions live 14 days idle and 30 days at most, transient ones 12 and 24 hours. A subject may
/// have 100 sessions. The store has two seconds to answer.
impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            refresh_policy: RefreshPolicy::default(),
            persistent: Lifetimes::from_hours(14 * 24, 30 * 24),
            transient: Lifetimes::from_hours(12, 24),
            per_subject: 100,
            client_mismatch: ClientMismatch::Report,
            store_timeout: Duration::from_secs(2),
        }
    }
}

impl SessionSettings {
    /// The longest time that a store may have to answer: a minute.
    pub const MAX_STORE_TIMEOUT: Duration = Duration::from_secs(60);
    /// The largest number of sessions that a subject may have: 100,000.
    pub const MAX_SESSIONS_PER_SUBJECT: usize = 100_000;

    /// Sets how refresh tokens rotate. The default is [`RefreshPolicy::default`].
    #[must_use]
    pub fn with_refresh_policy(self, refresh_policy: RefreshPolicy) -> Self {
        Self { refresh_policy, ..self }
    }

    /// Sets how long persistent sessions live. The default is 14 days idle and 30 days at most.
    #[must_use]
    pub fn with_lifetimes(self, persistent: Lifetimes) -> Self {
        Self { persistent, ..self }
    }

    /// Sets how long transient sessions live, which end with the browser. The default is 12 hours idle and 24 hours
    /// at most.
    #[must_use]
    pub fn with_transient_lifetimes(self, transient: Lifetimes) -> Self {
        Self { transient, ..self }
    }

    /// Sets how many sessions a subject may have. A login beyond them revokes the session that was refreshed least
    /// recently. The default is 100.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is 0 or more than
    /// [`MAX_SESSIONS_PER_SUBJECT`](Self::MAX_SESSIONS_PER_SUBJECT).
    pub fn with_sessions_per_subject(self, per_subject: usize) -> Result<Self, SettingError> {
        let max = Self::MAX_SESSIONS_PER_SUBJECT;
        SettingError::check_number("sessions per subject", per_subject, 1, max)?;
        Ok(Self { per_subject, ..self })
    }

    /// Sets what happens when another client presents the same refresh token during the grace period. The default
    /// is [`ClientMismatch::Report`].
    #[must_use]
    pub fn with_client_mismatch(self, client_mismatch: ClientMismatch) -> Self {
        Self { client_mismatch, ..self }
    }

    /// Sets how long the store has to answer a call. The default is two seconds.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is shorter than a millisecond or longer than
    /// [`MAX_STORE_TIMEOUT`](Self::MAX_STORE_TIMEOUT).
    pub fn with_store_timeout(self, store_timeout: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_STORE_TIMEOUT;
        SettingError::check_duration("store timeout", store_timeout, Duration::from_millis(1), max)?;
        Ok(Self { store_timeout, ..self })
    }

    /// Returns how long a session with these flags lives.
    #[must_use]
    pub fn lifetimes(&self, flags: RefreshTokenFlags) -> Lifetimes {
        if flags.is_transient() { self.transient } else { self.persistent }
    }
}

/// What happens when a client with another [`Fingerprint`](crate::session::Fingerprint) replays a refresh token
/// during the grace period.
///
/// Reuse detection does not notice an attacker who copies a token and always uses it within the grace period of
/// its owner. This check narrows that gap: the attacker has to imitate the client too. A fingerprint is no proof, as
/// a client can describe itself as it likes. Only tokens that are bound to a key of the client would be a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientMismatch {
    /// Log the mismatch, as a client's description changes with an update. Revoke the session when the mismatch
    /// occurs in three generations in a row.
    ///
    /// Each process counts for itself, for the 4096 sessions with the latest mismatches. Several processes
    /// behind one address each see only some of the mismatches, and a restart resets the counts.
    Report,
    /// Revoke the session at the first mismatch.
    Revoke,
}

impl ClientMismatch {
    /// Returns the number of generations in a row with a mismatch that revokes the session.
    pub(super) const fn limit(self) -> u32 {
        match self {
            Self::Report => 3,
            Self::Revoke => 1,
        }
    }
}
