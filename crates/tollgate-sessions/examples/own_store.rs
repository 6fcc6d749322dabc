//! A session store in a hash map.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tollgate_sessions::session::{
    MAX_ABSOLUTE_LIFETIME, NewSession, SessionId, SessionInfo, SessionRecord, SessionState, StoreClock,
    UnixMillis,
};
use tollgate_sessions::sessions::TokenTransport;
use tollgate_sessions::store::{
    Durability, FeedCursor, FeedPage, PurgeOutcome, RefreshDecision, Revocation, RevocationEntry,
    RevocationFeed, RevokeOutcome, RevokeRequest, RevokeScope, RotateOutcome, RotateRequest, SessionStore,
    StoreError, StoreErrorKind, StoreFuture, decide,
};
use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions};

/// Sessions in a hash map. Each call holds the lock, which makes it one atomic step.
#[derive(Debug)]
pub struct MapStore {
    state: Mutex<State>,
    clock: StoreClock,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionId, SessionRecord>,
    /// The epoch of each subject. The global epoch is stored under the empty subject.
    epochs: HashMap<Box<str>, i64>,
    announced: Vec<RevocationEntry>,
}

impl MapStore {
    /// Returns an empty store that judges all times by `clock`.
    #[must_use]
    pub fn new(clock: StoreClock) -> Self {
        Self { state: Mutex::default(), clock }
    }

    fn step<'a, T: Send + 'a>(
        &self,
        step: impl FnOnce(&mut State, UnixMillis) -> Result<T, StoreError>,
    ) -> StoreFuture<'a, T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(step(&mut state, self.clock.now())))
    }
}

impl SessionStore for MapStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        self.step(|state, now| {
            let epoch = state.epoch(&new.subject);
            let record =
                state.sessions.entry(new.session).or_insert_with(|| SessionRecord::begin(new, epoch, now));
            if record.secret_hash == new.secret_hash && record.subject == new.subject {
                Ok(record.info())
            } else {
                Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same ID"))
            }
        })
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        self.step(|state, now| {
            let found = state.sessions.get(&request.session);
            let Some(mut record) = found.filter(|found| found.secret_hash == request.secret_hash).cloned()
            else {
                return Ok(RotateOutcome::Unknown);
            };
            let decision = decide(&record, state.epoch(&record.subject), request, now);
            let outcome = decision.apply(&mut record, request, now);
            state.sessions.insert(request.session, record);
            if let RefreshDecision::Reuse { .. } = decision {
                state.announce(Revocation::Session(request.session), now, request.announce_for);
            }
            Ok(outcome)
        })
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.step(|state, now| {
            let revocation = match &request.scope {
                RevokeScope::Session { session, owner } => {
                    let found = state.sessions.get_mut(session);
                    let owned =
                        |record: &SessionRecord| owner.as_ref().is_none_or(|owner| *owner == record.subject);
                    let Some(record) =
                        found.filter(|found| found.state == SessionState::Live && owned(found))
                    else {
                        return Ok(RevokeOutcome::new(false, Durability::Durable));
                    };
                    record.revoke(request.reason, now);
                    Revocation::Session(*session)
                }
                RevokeScope::Subject { subject, keep } => {
                    let before = state.epoch(subject);
                    let min_epoch = state.raise_epoch(subject, now);
                    let kept = keep.and_then(|keep| state.sessions.get_mut(&keep));
                    if let Some(record) = kept.filter(|kept| kept.subject == *subject)
                        && record.is_live(before, now)
                    {
                        record.epoch = min_epoch;
                    }
                    Revocation::Subject { subject: subject.clone(), min_epoch }
                }
                RevokeScope::Everything => Revocation::Everything { min_epoch: state.raise_epoch("", now) },
                // A later release may add a scope. A store must never ignore a revocation.
                other => {
                    let message = format!("cannot revoke {other:?}");
                    return Err(StoreError::new(StoreErrorKind::Misconfigured, message));
                }
            };
            state.announce(revocation, now, request.announce_for);
            // Memory is as durable as this store gets.
            Ok(RevokeOutcome::new(true, Durability::Durable))
        })
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.step(|state, now| {
            let epoch = state.epoch(subject);
            let records = state.sessions.values();
            let live = records.filter(|record| *record.subject == *subject && record.is_live(epoch, now));
            let mut sessions: Vec<_> = live.map(SessionRecord::info).collect();
            sessions.sort_by_key(|info| Reverse(info.last_used_at));
            sessions.truncate(limit);
            Ok(sessions)
        })
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.step(|state, now| {
            let expired = state.sessions.values().filter(|record| now >= record.idle_expiry);
            let expired: Vec<_> = expired.map(|record| record.session).take(budget).collect();
            for id in &expired {
                state.sessions.remove(id);
            }
            state.announced.retain(|entry| now < entry.until);
            // No session lives long enough to need an older epoch.
            let oldest = now.saturating_sub(MAX_ABSOLUTE_LIFETIME).as_millis();
            state.epochs.retain(|_, epoch| *epoch > oldest);
            Ok(PurgeOutcome::new(u64::try_from(expired.len()).unwrap_or(u64::MAX)))
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }
}

impl RevocationFeed for MapStore {
    /// Returns every announcement each time, which a feed may do. A larger store continues after the cursor.
    fn revocations<'a>(&'a self, _after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.step(|state, _now| Ok(FeedPage::last(state.announced.clone(), FeedCursor::new(""))))
    }
}

impl State {
    fn epoch(&self, subject: &str) -> i64 {
        let own = self.epochs.get(subject).max(self.epochs.get(""));
        own.copied().unwrap_or(0)
    }

    /// Raises an epoch above all epochs, and thus above the copy in every session.
    fn raise_epoch(&mut self, subject: &str, now: UnixMillis) -> i64 {
        let highest = self.epochs.values().copied().max().unwrap_or(0);
        let raised = highest.saturating_add(1).max(now.as_millis());
        self.epochs.insert(subject.into(), raised);
        raised
    }

    fn announce(&mut self, revocation: Revocation, now: UnixMillis, announce_for: Duration) {
        self.announced.push(RevocationEntry::new(revocation, now.saturating_add(announce_for)));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    let store = MapStore::new(StoreClock::server());
    let sessions = Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600));

    let login = sessions.create(&Login::new("alice")).await?;
    let refreshed = sessions.refresh(&login.refresh_token.expose(), TokenTransport::Body, None).await?;
    sessions.logout(&refreshed.refresh_token.expose()).await?;
    assert!(sessions.list("alice").await?.is_empty());
    Ok(())
}
