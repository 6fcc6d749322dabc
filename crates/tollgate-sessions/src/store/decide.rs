//! [`decide`]: what presenting a refresh token does. A pure function, and the only place that decides it.

use std::time::Duration;

use super::command::{RefreshKind, Refreshed, RotateMode, RotateOutcome, RotateRequest};
use crate::session::{RevokeReason, SessionRecord, SessionState, UnixMillis};
use crate::support::SettingError;

/// The settings of refresh-token rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    grace_period: Duration,
    recovery_period: Duration,
    accept_newer: bool,
}

/// A grace period of 30 seconds, no recovery, and tokens that are newer than the store are accepted.
impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { grace_period: Duration::from_secs(30), recovery_period: Duration::ZERO, accept_newer: true }
    }
}

impl RefreshPolicy {
    /// The longest grace period: a minute.
    pub const MAX_GRACE_PERIOD: Duration = Duration::from_secs(60);
    /// The longest recovery period: a week.
    pub const MAX_RECOVERY_PERIOD: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Sets how long after a rotation the store gives the same answer again, for the current token and for the one
    /// before it.
    ///
    /// With a grace period of zero every token can be used once, as RFC 9700 §4.14.2 describes it. Two tabs of a browser
    /// that refresh at the same time then log their user out.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is longer than [`MAX_GRACE_PERIOD`](Self::MAX_GRACE_PERIOD).
    pub fn with_grace_period(self, grace_period: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_GRACE_PERIOD;
        SettingError::check_duration("grace period", grace_period, Duration::ZERO, max)?;
        Ok(Self { grace_period, ..self })
    }

    /// Sets how long after a rotation the previous token may still rotate the session, in place of its successor.
    ///
    /// This helps mobile clients that lose an answer and return hours later. An attacker with a copied token is then
    /// detected one refresh later.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is longer than [`MAX_RECOVERY_PERIOD`](Self::MAX_RECOVERY_PERIOD).
    pub fn with_recovery_period(self, recovery_period: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_RECOVERY_PERIOD;
        SettingError::check_duration("recovery period", recovery_period, Duration::ZERO, max)?;
        Ok(Self { recovery_period, ..self })
    }

    /// Treats a token that is newer than the store as stolen. After a failover that lost writes, every user who refreshed
    /// in that time is then logged out.
    #[must_use]
    pub fn without_accepting_newer(self) -> Self {
        Self { accept_newer: false, ..self }
    }

    /// Returns how long after a rotation the same answer is given again.
    #[must_use]
    pub const fn grace_period(&self) -> Duration {
        self.grace_period
    }

    /// Returns how long after a rotation the previous token may rotate the session. Zero means never.
    #[must_use]
    pub const fn recovery_period(&self) -> Duration {
        self.recovery_period
    }

    /// Returns whether a token with a later generation than the store's is accepted.
    #[must_use]
    pub const fn accepts_newer(&self) -> bool {
        self.accept_newer
    }

    /// Makes the grace period at least `shortest`, also beyond the longest that can be set.
    pub(crate) fn with_grace_period_of_at_least(self, shortest: Duration) -> Self {
        Self { grace_period: self.grace_period.max(shortest), ..self }
    }
}

/// What presenting a refresh token does.
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
        /// The generation that is answered during the grace period.
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

/// The limit that a session has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpiryKind {
    /// The absolute lifetime, which a refresh does not extend.
    Absolute,
    /// The idle lifetime: the session was not refreshed for too long.
    Idle,
}

/// Decides what `request` does to the session of `record` at `now`. `subject_epoch` is the epoch of the session's subject.
///
/// The order makes it safe: a revoked session is revoked even during the grace period, and a token that is too old is a
/// sign of theft at any age (RFC 9700 §4.14.2).
///
/// A [preview](RotateMode::Preview) of a token that may still rotate the session, or may replay, is a replay. Everything
/// else is decided as for a commit.
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
    let replays = request.mode == RotateMode::Preview || since_rotation < policy.grace_period;
    if (current || previous) && replays {
        return RefreshDecision::Replay { generation: record.generation };
    }

    let kind = if current {
        RefreshKind::Rotated
    } else if presented > record.generation && policy.accept_newer {
        RefreshKind::StoreBehind
    } else if previous && since_rotation < policy.recovery_period {
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
