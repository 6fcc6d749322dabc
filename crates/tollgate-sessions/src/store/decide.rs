//! [`decide`]: what presenting a refresh token does. A pure function, and the only place where that is decided.

use std::time::Duration;

use crate::session::{SessionRecord, SessionState, UnixMillis};
use crate::session::EndReason;
use super::command::{Renewed, Rotate, Rotation};

/// What the operator has chosen about renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationPolicy {
    /// For how long after a renewal the token before it, and the new one, give the same answer again.
    pub window: Duration,
    /// For how long after a renewal the token before it may still displace the new one. Zero: never.
    pub recover_lost_for: Duration,
    /// Whether a token that is ahead of the store is believed. It is when a store lost writes.
    pub accept_ahead: bool,
}

/// Thirty seconds; nothing displaced; tokens ahead of the store believed.
impl Default for RotationPolicy {
    fn default() -> Self {
        Self { window: Duration::from_secs(30), recover_lost_for: Duration::ZERO, accept_ahead: true }
    }
}

impl RotationPolicy {
    /// The longest window: a minute.
    pub const MAX_WINDOW: Duration = Duration::from_secs(60);
    /// The longest time to recover a lost answer in: a week.
    pub const MAX_RECOVERY: Duration = Duration::from_secs(7 * 24 * 3600);

    /// The window, at most [`MAX_WINDOW`](Self::MAX_WINDOW). Zero is the letter of the specifications: every token is
    /// good once, and two tabs of a browser that renew at once log their user out.
    #[must_use]
    pub fn with_window(self, window: Duration) -> Self {
        Self { window: window.min(Self::MAX_WINDOW), ..self }
    }

    /// Lets the token before the current one displace it for that long, at most [`MAX_RECOVERY`](Self::MAX_RECOVERY).
    ///
    /// For mobile clients that lose answers and come back hours later. Theft is noticed one renewal later.
    #[must_use]
    pub fn with_recovery(self, recover_lost_for: Duration) -> Self {
        Self { recover_lost_for: recover_lost_for.min(Self::MAX_RECOVERY), ..self }
    }

    /// Takes a token that is ahead of the store for a stolen one. After a failover that lost writes, everybody who
    /// renewed in that time is logged out.
    #[must_use]
    pub fn without_accepting_ahead(self) -> Self {
        Self { accept_ahead: false, ..self }
    }
}

/// What presenting a refresh token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The same answer again; nothing is written.
    Replay {
        /// The current generation.
        generation: u32,
    },
    /// The session moves on, if its generation is still `expect`.
    Advance {
        /// The generation it has.
        expect: u32,
        /// The generation it gets.
        generation: u32,
        /// The generation that is answered for a while.
        grace: u32,
        /// Why.
        kind: RenewalKind,
    },
    /// A token that was used before: two parties have the session. It ends, if its generation is still `expect`.
    Reuse {
        /// The generation it has.
        expect: u32,
    },
    /// The session was ended.
    Ended(EndReason),
    /// The session is over.
    Expired(Expiry),
}

/// How a session was renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenewalKind {
    /// It moved on.
    Rotated,
    /// It had moved on a moment ago; the answer is the same one.
    Replayed,
    /// It moved on from a generation that the store does not know: the store has lost writes.
    Ahead,
    /// It moved on from the generation before the current one, which nobody is to use now.
    Displaced,
}

/// Which limit a session has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// The one that renewing does not move.
    Absolute,
    /// It was not renewed for too long.
    Idle,
}

/// What presenting the token of generation `presented` does at `now`, `subject_epoch` being that of the session's subject.
///
/// The order is what makes it safe: an ended session is ended even within the window, and a token that is too old is a
/// sign of theft at any age (RFC 9700 §4.14.2).
#[must_use]
pub fn decide(
    record: &SessionRecord,
    subject_epoch: i64,
    presented: u32,
    now: UnixMillis,
    policy: &RotationPolicy,
) -> Decision {
    if let SessionState::Ended(reason) = record.state {
        return Decision::Ended(reason);
    }
    if record.epoch < subject_epoch {
        return Decision::Ended(EndReason::SubjectRevoked);
    }
    if now >= record.absolute_expiry {
        return Decision::Expired(Expiry::Absolute);
    }
    if now >= record.idle_expiry {
        return Decision::Expired(Expiry::Idle);
    }
    let since = now.since(record.rotated_at);
    let current = presented == record.generation;
    let previous = Some(presented) == record.grace;
    if (current || previous) && since < policy.window {
        return Decision::Replay { generation: record.generation };
    }
    let kind = if current {
        RenewalKind::Rotated
    } else if presented > record.generation && policy.accept_ahead {
        RenewalKind::Ahead
    } else if previous && since < policy.recover_lost_for {
        RenewalKind::Displaced
    } else {
        return Decision::Reuse { expect: record.generation };
    };
    advance(record.generation, presented, kind)
}

/// The generation after both. A session that has used up its generations is over.
fn advance(expect: u32, presented: u32, kind: RenewalKind) -> Decision {
    expect.max(presented).checked_add(1).map_or(Decision::Expired(Expiry::Absolute), |generation| {
        Decision::Advance { expect, generation, grace: presented, kind }
    })
}

impl SessionRecord {
    /// Does what [`decide`] has decided, and says what came of it. Only [`Decision::Advance`] and [`Decision::Reuse`] change
    /// anything.
    pub fn settle(&mut self, decision: &Decision, command: &Rotate, now: UnixMillis) -> Rotation {
        match *decision {
            Decision::Replay { .. } => {
                Rotation::Live(Renewed { kind: RenewalKind::Replayed, session: self.view() })
            }
            Decision::Advance { generation, grace, kind, .. } => {
                self.generation = generation;
                self.grace = Some(grace);
                self.rotated_at = now;
                self.idle_expiry = now.saturating_add(command.idle).min(self.absolute_expiry);
                self.fingerprint = command.fingerprint;
                Rotation::Live(Renewed { kind, session: self.view() })
            }
            Decision::Reuse { .. } => {
                self.end(EndReason::Reuse, now);
                Rotation::Reuse(self.view())
            }
            Decision::Ended(reason) => Rotation::Ended(reason),
            Decision::Expired(expiry) => Rotation::Expired(expiry),
        }
    }

    /// Ends the session, if it was not ended before.
    pub fn end(&mut self, reason: EndReason, now: UnixMillis) {
        if self.state == SessionState::Live {
            self.state = SessionState::Ended(reason);
            self.ended_at = Some(now);
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
