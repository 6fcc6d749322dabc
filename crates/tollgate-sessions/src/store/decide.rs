//! [`decide`]: what a presented refresh token does to its session. It is a pure function, and no other code decides.

use super::command::{ExpiryKind, RefreshKind, Refreshed, RotateMode, RotateOutcome, RotateRequest};
use crate::session::{RevokeReason, SessionRecord, SessionState, UnixMillis};

/// What a store does with a session when a client presents a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshDecision {
    /// The store gives the same answer again and writes nothing.
    Replay {
        /// The current generation of the session.
        generation: u32,
    },
    /// The session rotates, if its generation is still `expect`.
    Rotate {
        /// The generation that the session has.
        expect: u32,
        /// The generation that the session gets.
        generation: u32,
        /// The previous generation, which the store still accepts during the grace period.
        previous: u32,
        /// How the session was refreshed.
        kind: RefreshKind,
    },
    /// The token was used before, so two parties have it. The session is revoked, if its generation is still `expect`.
    Reuse {
        /// The generation that the session has.
        expect: u32,
    },
    /// The session was revoked for this reason.
    Revoked(RevokeReason),
    /// The session has reached this limit.
    Expired(ExpiryKind),
}

/// Decides what `request` does to the session of `record` at `now`. `subject_epoch` is the epoch of the session's
/// subject.
///
/// The order makes it safe: a revoked session is revoked even during the grace period, and a token that is too old is a
/// sign of theft at any age (RFC 9700 §4.14.2).
///
/// A [preview](RotateMode::Preview) of the current token, or of the one before it, is a replay, whatever the commit
/// will decide. Everything else is decided as for a commit.
#[must_use]
pub fn decide(
    record: &SessionRecord,
    subject_epoch: i64,
    request: &RotateRequest,
    now: UnixMillis,
) -> RefreshDecision {
    if let SessionState::Revoked(reason) = record.state {
        return RefreshDecision::Revoked(reason);
    }
    if record.epoch < subject_epoch {
        return RefreshDecision::Revoked(RevokeReason::SubjectRevoked);
    }
    if now >= record.absolute_expiry {
        return RefreshDecision::Expired(ExpiryKind::Absolute);
    }
    if now >= record.idle_expiry {
        return RefreshDecision::Expired(ExpiryKind::Idle);
    }

    let (policy, presented) = (&request.policy, request.generation);
    let since_rotation = now.since(record.rotated_at);
    let current = presented == record.generation;
    let previous = Some(presented) == record.previous_generation;
    let replays = request.mode == RotateMode::Preview || since_rotation < policy.grace_period();
    if (current || previous) && replays {
        return RefreshDecision::Replay { generation: record.generation };
    }

    let kind = if current {
        RefreshKind::Rotated
    } else if presented > record.generation && policy.accepts_newer() {
        RefreshKind::StoreBehind
    } else if previous && since_rotation < policy.recovery_period() {
        RefreshKind::Recovered
    } else {
        return RefreshDecision::Reuse { expect: record.generation };
    };
    rotate(record.generation, presented, kind)
}

/// The next generation comes after both. A session without a next generation has expired.
fn rotate(expect: u32, presented: u32, kind: RefreshKind) -> RefreshDecision {
    expect.max(presented).checked_add(1).map_or(
        RefreshDecision::Expired(ExpiryKind::Absolute),
        |generation| RefreshDecision::Rotate { expect, generation, previous: presented, kind },
    )
}

impl RefreshDecision {
    /// Changes `record` as decided, and returns the answer to `request`. Only [`Rotate`](Self::Rotate) and
    /// [`Reuse`](Self::Reuse) change the record.
    pub fn apply(
        self,
        record: &mut SessionRecord,
        request: &RotateRequest,
        now: UnixMillis,
    ) -> RotateOutcome {
        match self {
            Self::Replay { .. } => RotateOutcome::Live(Refreshed::new(RefreshKind::Replayed, record.info())),
            Self::Rotate { generation, previous, kind, .. } => {
                record.rotate_to(generation, previous, request.idle, now);
                record.fingerprint = request.fingerprint;
                RotateOutcome::Live(Refreshed::new(kind, record.info()))
            }
            Self::Reuse { .. } => {
                record.revoke(RevokeReason::Reuse, now);
                RotateOutcome::Reuse(record.info())
            }
            Self::Revoked(reason) => RotateOutcome::Revoked(reason),
            Self::Expired(expiry) => RotateOutcome::Expired(expiry),
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
