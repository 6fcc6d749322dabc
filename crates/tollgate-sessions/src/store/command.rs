//! The requests to a session store, and its answers.

use std::time::Duration;

use super::refresh_policy::RefreshPolicy;
use crate::session::{Fingerprint, RevokeReason, SecretHash, SessionId, SessionInfo, UnixMillis};

/// A request to refresh a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RotateRequest {
    /// The session of the presented token.
    pub session: SessionId,
    /// The generation of the presented token.
    pub generation: u32,
    /// The hash of the secret in the presented token.
    pub secret_hash: SecretHash,
    /// Whether the store rotates the session, or only previews the outcome.
    pub mode: RotateMode,
    /// The fingerprint of the client.
    pub fingerprint: Option<Fingerprint>,
    /// The settings of rotation.
    pub policy: RefreshPolicy,
    /// How long the session lives from now on without another refresh. Its absolute expiry stays the same.
    pub idle: Duration,
    /// How long a revocation for reuse is announced: until the last access token of the session has expired.
    pub announce_for: Duration,
}

impl RotateRequest {
    /// Returns a request to rotate the session under the default policy, for a client without a fingerprint.
    #[must_use]
    pub fn new(
        session: SessionId,
        generation: u32,
        secret_hash: SecretHash,
        lifetimes: RotateLifetimes,
    ) -> Self {
        let RotateLifetimes { idle, announce_for } = lifetimes;
        Self {
            session,
            generation,
            secret_hash,
            mode: RotateMode::Commit,
            fingerprint: None,
            policy: RefreshPolicy::default(),
            idle,
            announce_for,
        }
    }

    /// Sets whether the store rotates the session, or only previews the outcome.
    #[must_use]
    pub fn with_mode(self, mode: RotateMode) -> Self {
        Self { mode, ..self }
    }

    /// Sets the fingerprint of the client.
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: Option<Fingerprint>) -> Self {
        Self { fingerprint, ..self }
    }

    /// Sets how the session rotates.
    #[must_use]
    pub fn with_policy(self, policy: RefreshPolicy) -> Self {
        Self { policy, ..self }
    }
}

/// The two durations of a [`RotateRequest`], by name, so that no caller can swap them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers name both fields")]
pub struct RotateLifetimes {
    /// How long the session lives from now on without another refresh.
    pub idle: Duration,
    /// How long a revocation for reuse is announced.
    pub announce_for: Duration,
}

/// Whether a [`RotateRequest`] rotates the session, or only previews the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RotateMode {
    /// The store returns the outcome without rotating the session. For a token that may rotate the session or replay an
    /// answer, it writes nothing, and the outcome is [`RefreshKind::Replayed`].
    ///
    /// For every other token it does the same as `Commit`: it revokes the session of a reused token, and accepts a
    /// token that is newer than the store.
    Preview,
    /// The store rotates the session.
    Commit,
}

/// The answer to a [`RotateRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotateOutcome {
    /// The session is live.
    Live(Refreshed),
    /// The token was used before, so two parties have it. The session was revoked.
    Reuse(SessionInfo),
    /// The session had been revoked before, for this reason.
    Revoked(RevokeReason),
    /// The session has reached this limit.
    Expired(ExpiryKind),
    /// The store has no such session, or the secret is not the one of the session.
    Unknown,
}

/// The limit that a session has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpiryKind {
    /// The absolute lifetime, which a refresh does not extend.
    Absolute,
    /// The idle lifetime: the session was not refreshed for too long.
    Idle,
}

/// A live session, and how it was refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// How the session was refreshed.
    pub kind: RefreshKind,
    /// The session after the refresh. Its generation is that of the client's new token. After
    /// [`RefreshKind::Replayed`], its fingerprint is that of the refresh whose answer the store gives again.
    pub session: SessionInfo,
}

impl Refreshed {
    /// Returns the answer for a session that was refreshed in this way.
    #[must_use]
    pub fn new(kind: RefreshKind, session: SessionInfo) -> Self {
        Self { kind, session }
    }
}

/// How a session was refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshKind {
    /// The session rotated.
    Rotated,
    /// The session had rotated a moment before, and the store gives the same answer again.
    Replayed,
    /// The session rotated from a generation that is newer than the store's: the store has lost writes.
    StoreBehind,
    /// The session rotated from the generation before the current one, whose token is invalid from now on.
    Recovered,
}

/// A request to revoke sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevokeRequest {
    /// The sessions to revoke.
    pub scope: RevokeScope,
    /// Why they are revoked.
    pub reason: RevokeReason,
    /// How long the revocation is announced: until the last access token of the sessions has expired.
    pub announce_for: Duration,
}

impl RevokeRequest {
    /// Returns a request that announces the revocation for `announce_for`.
    #[must_use]
    pub fn new(scope: RevokeScope, reason: RevokeReason, announce_for: Duration) -> Self {
        Self { scope, reason, announce_for }
    }
}

/// The sessions to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeScope {
    /// A single session.
    Session {
        /// The ID of the session.
        session: SessionId,
        /// Revokes the session only if it belongs to this subject.
        owner: Option<Box<str>>,
    },
    /// All sessions of a subject.
    Subject {
        /// The subject whose sessions to revoke.
        subject: Box<str>,
        /// A live session of the subject that stays. Its access tokens are revoked too; a refresh issues new ones.
        keep: Option<SessionId>,
    },
    /// All sessions of all subjects.
    Everything,
}

/// The answer to a [`RevokeRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeOutcome {
    /// Whether the store changed anything: `false` when the session had been revoked before, or does not exist.
    pub changed: bool,
    /// Whether the revocation survives the loss of a machine.
    pub durability: Durability,
}

impl RevokeOutcome {
    /// Returns the answer of a store.
    #[must_use]
    pub fn new(changed: bool, durability: Durability) -> Self {
        Self { changed, durability }
    }
}

/// What a store promises about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The write survives every failure that the store is set up to survive.
    Durable,
    /// A failover at this moment could lose the write.
    BestEffort,
}

/// How many records a store has purged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PurgeOutcome {
    /// The number of sessions that had expired or been revoked.
    pub sessions: u64,
    /// The number of epochs and announcements that no token needs any longer.
    pub others: u64,
}

impl PurgeOutcome {
    /// Returns the answer of a store that has purged this many sessions, and no other records yet.
    #[must_use]
    pub fn new(sessions: u64) -> Self {
        Self { sessions, others: 0 }
    }
}

/// A revocation, as the store announces it to the gates that verify access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// A single session was revoked.
    Session(SessionId),
    /// All sessions of the subject with a smaller epoch were revoked.
    Subject {
        /// The subject whose sessions were revoked.
        subject: Box<str>,
        /// The smallest epoch that a token may carry.
        min_epoch: i64,
    },
    /// All sessions with a smaller epoch were revoked.
    Everything {
        /// The smallest epoch that a token may carry.
        min_epoch: i64,
    },
}

/// An announced revocation, and when the announcement expires.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationEntry {
    /// The sessions that were revoked.
    pub revocation: Revocation,
    /// When the announcement expires: all access tokens that it concerns have then expired.
    pub until: UnixMillis,
}

impl RevocationEntry {
    /// Returns an announcement that expires at `until`.
    #[must_use]
    pub fn new(revocation: Revocation, until: UnixMillis) -> Self {
        Self { revocation, until }
    }

    /// Returns the columns that stores keep: the kind, the key and the smallest epoch.
    #[cfg(any(feature = "redis", feature = "sqlite"))]
    pub(crate) fn to_columns(&self) -> (u8, Vec<u8>, i64) {
        match &self.revocation {
            Revocation::Session(session) => (1, session.as_bytes().to_vec(), 0),
            Revocation::Subject { subject, min_epoch } => (2, subject.as_bytes().to_vec(), *min_epoch),
            Revocation::Everything { min_epoch } => (3, Vec::new(), *min_epoch),
        }
    }

    /// Reads what [`to_columns`](Self::to_columns) returned.
    #[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
    pub(crate) fn from_columns(kind: i64, key: &[u8], min_epoch: i64, until: i64) -> Option<Self> {
        let revocation = match kind {
            1 => Revocation::Session(SessionId::from_bytes(key.try_into().ok()?)),
            2 => Revocation::Subject { subject: std::str::from_utf8(key).ok()?.into(), min_epoch },
            3 => Revocation::Everything { min_epoch },
            _ => return None,
        };
        Some(Self { revocation, until: UnixMillis::from_millis(until) })
    }
}

#[cfg(test)]
mod tests {
    use crate::session::SessionState;

    #[test]
    fn session_state_survives_its_code() {
        for code in 0..=u8::MAX {
            let state = SessionState::from_code(code);
            assert_eq!(state == SessionState::Live, code == 0);
            if code <= 6 || code == 255 {
                assert_eq!(state.code(), code);
            }
        }
    }
}
