//! What a store is asked, and what it answers.

use std::time::Duration;

use super::decide::{Expiry, RenewalKind, RotationPolicy};
use crate::session::{EndReason, Fingerprint, SecretHash, SessionId, SessionView, UnixMillis};

/// Renew a session.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests of stores outside this crate make it")]
pub struct Rotate {
    /// The session.
    pub session: SessionId,
    /// The generation that was presented.
    pub generation: u32,
    /// The hash of the secret that was presented.
    pub secret_hash: SecretHash,
    /// What the client looks like.
    pub fingerprint: Option<Fingerprint>,
    /// What the operator has chosen.
    pub policy: RotationPolicy,
    /// How long the session may now live without being renewed.
    pub idle: Duration,
    /// How long an end is announced: until the last access token of the session has expired.
    pub announce_for: Duration,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// The session goes on.
    Live(Renewed),
    /// Two parties have the session. It was ended.
    Reuse(SessionView),
    /// It had been ended.
    Ended(EndReason),
    /// It is over.
    Expired(Expiry),
    /// There is no such session, or the secret is not its secret.
    Unknown,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct Renewed {
    /// How it was renewed.
    pub kind: RenewalKind,
    /// The session afterwards. Its generation is that of the token to hand out; after
    /// [`RenewalKind::Replayed`] its fingerprint is that of the renewal whose answer is given again.
    pub session: SessionView,
}

/// End sessions.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests of stores outside this crate make it")]
pub struct Revoke {
    /// Which.
    pub scope: RevokeScope,
    /// Why.
    pub reason: EndReason,
    /// How long the end is announced.
    pub announce_for: Duration,
}

/// Which sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeScope {
    /// One.
    Session {
        /// It.
        session: SessionId,
        /// Only if it belongs to this subject.
        owner: Option<Box<str>>,
    },
    /// All of a subject.
    Subject {
        /// Whose.
        subject: Box<str>,
        /// But not this one, if it is a live session of that subject. Its access tokens end all the same; renewing
        /// it brings new ones.
        keep: Option<SessionId>,
    },
    /// All.
    Everything,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct Revoked {
    /// Whether anything was changed: not when the session had been ended before, or is not there.
    pub changed: bool,
    /// Whether the end survives the loss of a machine.
    pub durability: Durability,
}

/// What a store promises about something it has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// It survives what the store is set up to survive.
    Durable,
    /// A failover at this moment could lose it.
    BestEffort,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct Purged {
    /// Sessions that were over.
    pub sessions: u64,
    /// Epochs and announcements that no token needs any longer.
    pub others: u64,
}

/// An end as it is announced to those who verify access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// A session.
    Session(SessionId),
    /// The sessions of a subject whose epoch is below.
    Subject {
        /// Whose.
        subject: Box<str>,
        /// The epoch that a token has to carry at least.
        min_epoch: i64,
    },
    /// All sessions whose epoch is below.
    Everything {
        /// The epoch that a token has to carry at least.
        min_epoch: i64,
    },
}

/// An announcement, and when it can be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct RevocationEntry {
    /// What ended.
    pub revocation: Revocation,
    /// When all access tokens that it concerns have expired.
    pub until: UnixMillis,
}

impl RevocationEntry {
    /// The number and the key under which stores keep the kind of an announcement and what it is about.
    #[cfg(any(feature = "redis", feature = "sqlite"))]
    pub(crate) fn to_columns(&self) -> (u8, Vec<u8>, i64) {
        match &self.revocation {
            Revocation::Session(session) => (1, session.as_bytes().to_vec(), 0),
            Revocation::Subject { subject, min_epoch } => (2, subject.as_bytes().to_vec(), *min_epoch),
            Revocation::Everything { min_epoch } => (3, Vec::new(), *min_epoch),
        }
    }

    /// The opposite of [`to_columns`](Self::to_columns).
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
    fn codes_stand_for_what_they_are_made_from() {
        for code in 0..=u8::MAX {
            let state = SessionState::from_code(code);
            assert_eq!(state == SessionState::Live, code == 0);
            if code <= 6 || code == 255 {
                assert_eq!(state.code(), code);
            }
        }
    }
}
