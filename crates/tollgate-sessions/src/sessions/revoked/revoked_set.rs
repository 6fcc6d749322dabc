//! [`RevokedSet`]: the announced revocations, merged. The result does not depend on the order of announcements, nor on
//! repetitions.

use std::collections::HashMap;

use crate::session::{SessionId, UnixMillis};
use crate::store::{Revocation, RevocationEntry};

/// The revocations that still matter to a gate.
#[derive(Debug, Default)]
pub(super) struct RevokedSet {
    /// When each revoked session may be evicted: its last access token has then expired.
    sessions: HashMap<SessionId, UnixMillis>,
    /// The smallest valid epoch of each subject, and when it may be evicted. The empty subject stands for all
    /// subjects.
    subjects: HashMap<Box<str>, (i64, UnixMillis)>,
}

impl RevokedSet {
    /// Adds an announced revocation.
    pub(super) fn add(&mut self, entry: RevocationEntry) {
        let until = entry.until;
        match entry.revocation {
            Revocation::Session(session) => {
                let current = self.sessions.entry(session).or_insert(until);
                *current = until.max(*current);
            }
            Revocation::Subject { subject, min_epoch } => self.raise_epoch(subject, min_epoch, until),
            Revocation::Everything { min_epoch } => self.raise_epoch("".into(), min_epoch, until),
        }
    }

    fn raise_epoch(&mut self, subject: Box<str>, min_epoch: i64, until: UnixMillis) {
        let (current_epoch, current_until) = self.subjects.entry(subject).or_insert((min_epoch, until));
        *current_epoch = min_epoch.max(*current_epoch);
        *current_until = until.max(*current_until);
    }

    /// Removes the revocations that no longer affect any token at `now`.
    pub(super) fn evict_expired(&mut self, now: UnixMillis) {
        self.sessions.retain(|_, until| *until > now);
        self.subjects.retain(|_, (_, until)| *until > now);
    }

    /// Returns the number of sessions, and the number of subjects.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.sessions.len(), self.subjects.len())
    }

    /// Returns whether `session` itself was revoked.
    pub(super) fn has_session(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Returns the smallest epoch that a token of `subject` may carry.
    pub(super) fn min_epoch(&self, subject: &str) -> i64 {
        let epoch_of = |subject: &str| self.subjects.get(subject).map_or(0, |(epoch, _)| *epoch);
        epoch_of(subject).max(epoch_of(""))
    }
}
