//! [`MemoryStore`]: sessions in the memory of one process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::command::{
    Durability, PurgeOutcome, Revocation, RevocationEntry, RevokeOutcome, RevokeRequest, RevokeScope,
    RotateOutcome, RotateRequest,
};
use super::decide::{RefreshDecision, decide};
use super::error::{StoreError, StoreErrorKind};
use super::feed::{FeedCursor, FeedPage, RevocationFeed};
use super::{SessionStore, StoreFuture};
use crate::session::{
    MAX_ABSOLUTE_LIFETIME, NewSession, RevokeReason, SessionId, SessionInfo, SessionRecord, SessionState,
    StoreClock, UnixMillis,
};

/// A store in memory, for tests, and for a single process whose restart may log out all users.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    clock: StoreClock,
    announced: Notify,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock that judges all times, instead of the machine's. For tests.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `step` on the state at one instant. The lock is held for that long only.
    fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut State, UnixMillis) -> Result<T, StoreError>,
    ) -> StoreFuture<'static, T> {
        let (answer, announced) = {
            let mut state = self.state();
            let before = state.sequence;
            let answer = step(&mut state, self.clock.now());
            (answer, state.sequence != before)
        };
        if announced {
            self.announced.notify_waiters();
        }
        Box::pin(std::future::ready(answer))
    }
}

impl SessionStore for MemoryStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        self.step(|state, now| state.create(new, now))
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        self.step(|state, now| Ok(state.rotate(request, now)))
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.step(|state, now| Ok(state.revoke(request, now)))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.step(|state, now| Ok(state.list(subject, limit, now)))
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.step(|state, now| Ok(state.purge(budget, now)))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl RevocationFeed for MemoryStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.step(|state, _now| {
            let after = after.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0_u64);
            let entries =
                state.announced.range(after.saturating_add(1)..).map(|(_, entry)| entry.clone()).collect();
            Ok(FeedPage { entries, cursor: FeedCursor::new(state.sequence.to_string()), more: false })
        })
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.announced.notified())
    }
}

/// The data of the store. Its methods do not wait, and take the time as an argument.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
struct State {
    sessions: HashMap<SessionId, SessionRecord>,
    by_subject: HashMap<Box<str>, BTreeSet<SessionId>>,
    /// The epoch of each subject. The global epoch is stored under the empty subject.
    epochs: BTreeMap<Box<str>, i64>,
    announced: BTreeMap<u64, RevocationEntry>,
    sequence: u64,
}

impl State {
    fn create(&mut self, new: &NewSession, now: UnixMillis) -> Result<SessionInfo, StoreError> {
        if let Some(known) = self.sessions.get(&new.session) {
            let same = known.secret_hash == new.secret_hash && known.subject == new.subject;
            return if same {
                Ok(known.info())
            } else {
                Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same ID"))
            };
        }
        let record = SessionRecord::begin(new, self.epoch(&new.subject), now);
        let info = record.info();
        self.by_subject.entry(new.subject.clone()).or_default().insert(new.session);
        self.sessions.insert(new.session, record);
        Ok(info)
    }

    fn rotate(&mut self, request: &RotateRequest, now: UnixMillis) -> RotateOutcome {
        let epochs = &self.epochs;
        let Some(record) = self
            .sessions
            .get_mut(&request.session)
            .filter(|record| record.secret_hash == request.secret_hash)
        else {
            return RotateOutcome::Unknown;
        };
        let epoch = epoch_of(epochs, &record.subject);
        let decision = decide(record, epoch, request, now);
        let outcome = decision.apply(record, request, now);
        if matches!(decision, RefreshDecision::Reuse { .. }) {
            self.announce(Revocation::Session(request.session), now.saturating_add(request.announce_for));
        }
        outcome
    }

    fn revoke(&mut self, request: &RevokeRequest, now: UnixMillis) -> RevokeOutcome {
        let until = now.saturating_add(request.announce_for);
        let changed = match &request.scope {
            RevokeScope::Session { session, owner } => {
                self.revoke_session(*session, owner.as_deref(), request.reason, now)
                    && self.announce(Revocation::Session(*session), until)
            }
            RevokeScope::Subject { subject, keep } => {
                let before = self.epoch(subject);
                let min_epoch = self.raise_epoch(subject, now);
                if let Some(record) = keep.and_then(|session| self.sessions.get_mut(&session))
                    && record.subject == *subject
                    && record.is_live(before, now)
                {
                    record.epoch = min_epoch;
                }
                self.announce(Revocation::Subject { subject: subject.clone(), min_epoch }, until)
            }
            RevokeScope::Everything => {
                let min_epoch = self.raise_epoch("", now);
                self.announce(Revocation::Everything { min_epoch }, until)
            }
        };
        RevokeOutcome { changed, durability: Durability::Durable }
    }

    fn revoke_session(
        &mut self,
        session: SessionId,
        owner: Option<&str>,
        reason: RevokeReason,
        now: UnixMillis,
    ) -> bool {
        let Some(record) = self.sessions.get_mut(&session) else { return false };
        let owned = owner.is_none_or(|owner| *record.subject == *owner);
        let changed = owned && record.state == SessionState::Live;
        if changed {
            record.revoke(reason, now);
        }
        changed
    }

    /// Raises the epoch of a subject above every epoch that a session of the subject can have.
    fn raise_epoch(&mut self, subject: &str, now: UnixMillis) -> i64 {
        let raised = self.highest_epoch(subject).saturating_add(1).max(now.as_millis());
        self.epochs.insert(subject.into(), raised);
        raised
    }

    /// Returns the highest epoch that a session of the subject can have; for the empty subject, of all subjects.
    fn highest_epoch(&self, subject: &str) -> i64 {
        if subject.is_empty() {
            self.epochs.values().copied().max().unwrap_or(0)
        } else {
            self.epoch(subject)
        }
    }

    fn epoch(&self, subject: &str) -> i64 {
        epoch_of(&self.epochs, subject)
    }

    fn announce(&mut self, revocation: Revocation, until: UnixMillis) -> bool {
        self.sequence = self.sequence.saturating_add(1);
        self.announced.insert(self.sequence, RevocationEntry { revocation, until });
        true
    }

    fn list(&self, subject: &str, limit: usize, now: UnixMillis) -> Vec<SessionInfo> {
        let epoch = self.epoch(subject);
        let records =
            self.by_subject.get(subject).into_iter().flatten().filter_map(|id| self.sessions.get(id));
        let mut sessions: Vec<_> =
            records.filter(|record| record.is_live(epoch, now)).map(SessionRecord::info).collect();
        sessions.sort_by_key(|info| std::cmp::Reverse((info.last_used_at, info.session)));
        sessions.truncate(limit);
        sessions
    }

    /// A revoked session stays until it would have expired, so that its client gets the reason.
    fn purge(&mut self, budget: usize, now: UnixMillis) -> PurgeOutcome {
        let expired = |record: &&SessionRecord| now >= record.absolute_expiry || now >= record.idle_expiry;
        let ids: Vec<_> =
            self.sessions.values().filter(expired).take(budget).map(|record| record.session).collect();
        for id in &ids {
            self.remove(*id);
        }
        let before = self.announced.len().saturating_add(self.epochs.len());
        self.announced.retain(|_, entry| entry.until > now);
        let oldest = now.saturating_sub(MAX_ABSOLUTE_LIFETIME).as_millis();
        self.epochs.retain(|_, epoch| *epoch > oldest);
        let after = self.announced.len().saturating_add(self.epochs.len());
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        PurgeOutcome { sessions: count(ids.len()), others: count(before.saturating_sub(after)) }
    }

    fn remove(&mut self, id: SessionId) {
        let Some(record) = self.sessions.remove(&id) else { return };
        if let Some(ids) = self.by_subject.get_mut(&record.subject) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_subject.remove(&record.subject);
            }
        }
    }
}

fn epoch_of(epochs: &BTreeMap<Box<str>, i64>, subject: &str) -> i64 {
    let of = |subject: &str| epochs.get(subject).copied().unwrap_or(0);
    of(subject).max(of(""))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
