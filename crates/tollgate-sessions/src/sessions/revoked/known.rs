//! [`Known`]: announcements, merged. The order in which they come, and how often, makes no difference.

use std::collections::HashMap;

use crate::session::{SessionId, UnixMillis};
use crate::store::{Revocation, RevocationEntry};

#[derive(Debug, Default)]
pub(super) struct Known {
    /// With the time until which it matters.
    sessions: HashMap<SessionId, UnixMillis>,
    /// The least epoch, and the time until which it matters. The empty subject stands for all.
    subjects: HashMap<Box<str>, (i64, UnixMillis)>,
}

impl Known {
    pub(super) fn add(&mut self, entry: RevocationEntry) {
        let until = entry.until;
        match entry.revocation {
            Revocation::Session(session) => {
                let known = self.sessions.entry(session).or_insert(until);
                *known = until.max(*known);
            }
            Revocation::Subject { subject, min_epoch } => self.raise(subject, min_epoch, until),
            Revocation::Everything { min_epoch } => self.raise("".into(), min_epoch, until),
        }
    }

    fn raise(&mut self, subject: Box<str>, min_epoch: i64, until: UnixMillis) {
        let (epoch, kept) = self.subjects.entry(subject).or_insert((min_epoch, until));
        *epoch = min_epoch.max(*epoch);
        *kept = until.max(*kept);
    }

    pub(super) fn forget(&mut self, now: UnixMillis) {
        self.sessions.retain(|_, until| *until > now);
        self.subjects.retain(|_, (_, until)| *until > now);
    }

    /// How many sessions and subjects.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.sessions.len(), self.subjects.len())
    }

    pub(super) fn session_ended(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// What a token about `subject` has to carry at least.
    pub(super) fn min_epoch(&self, subject: &str) -> i64 {
        let of = |subject: &str| self.subjects.get(subject).map_or(0, |(epoch, _)| *epoch);
        of(subject).max(of(""))
    }
}
