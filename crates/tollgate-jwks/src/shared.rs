//! [`Shared`]: the state that the refreshing task and the requests share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tollgate::{KeyRefresh, KeySet, KeySetId, KeysUnavailable};

use crate::cache::{Demand, Freshness, KeySetCache, Outcome, Step};
use crate::error::FetchError;
use crate::fetch::{Fetched, Fetcher};
use crate::moment::Moment;
use crate::outcome::FetchOutcome;
use crate::settings::RefreshSettings;
use crate::status::{KeySetStatus, LastFailure};
use crate::wanted_key::WantedKey;

#[derive(Debug)]
pub(crate) struct Shared {
    origin: Instant,
    fetcher: Fetcher,
    max_waiting: usize,
    /// The state that requests read without a lock.
    snapshot: ArcSwap<Snapshot>,
    /// Locked by the task, by requests that find no key, and by calls of `status`. The lock is never held
    /// across an await.
    cache: Mutex<KeySetCache>,
    /// Wakes the task when a request demands a key.
    demand: Notify,
    /// The number of refreshes that have ended. Waiting requests subscribe to it.
    rounds: watch::Receiver<u64>,
    /// The sender that `rounds` returns, until the task takes it.
    sender: Mutex<Option<Rounds>>,
    waiting: AtomicUsize,
    counts: Counts,
    last_failure: Mutex<Option<(Moment, FetchOutcome, String)>>,
}

/// Notifies waiting requests that a refresh has ended. When it is dropped, all of them stop waiting.
pub(crate) type Rounds = watch::Sender<u64>;

#[derive(Debug, Default)]
struct Snapshot {
    keys: Option<KeySet>,
    usable_until: Moment,
    due: Moment,
}

#[derive(Debug, Default)]
struct Counts {
    outcomes: [AtomicU64; FetchOutcome::ALL.len()],
    waited: AtomicU64,
    refused: AtomicU64,
}

impl Shared {
    pub(crate) fn new(fetcher: Fetcher, settings: RefreshSettings) -> Self {
        let (sender, rounds) = watch::channel(0);
        Self {
            origin: Instant::now(),
            fetcher,
            max_waiting: settings.max_waiting,
            snapshot: ArcSwap::default(),
            cache: Mutex::new(KeySetCache::new(settings, fastrand::Rng::new())),
            demand: Notify::new(),
            rounds,
            sender: Mutex::new(Some(sender)),
            waiting: AtomicUsize::new(0),
            counts: Counts::default(),
            last_failure: Mutex::default(),
        }
    }

    pub(crate) fn location(&self) -> String {
        self.fetcher.location().shown()
    }

    /// Returns the sender. There is only one, so call this once.
    pub(crate) fn rounds(&self) -> Rounds {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.unwrap_or_else(|| watch::channel(0).0)
    }

    /// Returns the current keys, without a lock.
    pub(crate) fn keys(&self) -> Result<KeySet, KeysUnavailable> {
        self.usable(KeySet::clone)
    }

    /// Returns the ID of the current keys. It writes no shared memory, not even a reference count, so requests
    /// do not contend.
    pub(crate) fn key_set_id(&self) -> Result<KeySetId, KeysUnavailable> {
        self.usable(KeySet::id)
    }

    fn usable<T>(&self, take: impl FnOnce(&KeySet) -> T) -> Result<T, KeysUnavailable> {
        let snapshot = self.snapshot.load();
        let now = self.now();
        match &snapshot.keys {
            Some(keys) if now < snapshot.usable_until => Ok(take(keys)),
            keys => {
                let reason = match keys {
                    Some(_) => "the keys are too old, and the issuer is unreachable",
                    None => "no keys have been fetched yet",
                };
                let retry_after = snapshot.due.since(now).max(Duration::from_secs(1));
                Err(KeysUnavailable::new(reason, retry_after))
            }
        }
    }

    /// Joins the refresh that may find the key.
    pub(crate) fn refresh(self: &Arc<Self>, wanted: Option<WantedKey>) -> Option<KeyRefresh> {
        let Some(slot) = Slot::take(self) else {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let (demand, rounds) = {
            let mut cache = self.cache();
            let mut rounds = self.rounds.clone();
            rounds.mark_unchanged();
            (cache.ask(wanted.clone(), self.now()), rounds)
        };
        match demand {
            Demand::Pointless => {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
            Demand::Known => Some(KeyRefresh::new(std::future::ready(()))),
            Demand::Join => {
                self.counts.waited.fetch_add(1, Ordering::Relaxed);
                self.demand.notify_one();
                Some(KeyRefresh::new(wait(slot, wanted, rounds)))
            }
        }
    }

    pub(crate) fn why_unavailable(&self, wanted: &WantedKey) -> Option<KeysUnavailable> {
        let retry_after = self.cache().why_unavailable(wanted, self.now())?;
        Some(KeysUnavailable::new("cannot ask the issuer for the key", retry_after))
    }

    /// Runs the first refresh on the caller's task.
    pub(crate) async fn first_refresh(&self) -> Result<Rounds, FetchError> {
        let began = self.now();
        let _refresh = self.cache().poll(began);
        let fetched = self.fetcher.refresh(began).await?;
        let rounds = self.rounds();
        self.finish(&Ok(fetched), began, &rounds);
        Ok(rounds)
    }

    /// Refreshes by schedule and on demand, until the future is dropped.
    pub(crate) async fn keep_fresh(self: Arc<Self>, rounds: Rounds) {
        loop {
            let now = self.now();
            let step = self.cache().poll(now);
            match step {
                Step::Refresh => {
                    let fetched = self.fetch(now).await;
                    self.finish(&fetched, now, &rounds);
                }
                Step::Wait(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(self.instant(until)) => {}
                        () = self.demand.notified() => {}
                    }
                }
                // Unreachable in practice: only this loop begins and ends refreshes.
                Step::UnderWay => self.demand.notified().await,
            }
        }
    }

    /// Fetches in a separate task, so that a panicking client makes one refresh fail and does not end the loop.
    async fn fetch(self: &Arc<Self>, now: Moment) -> Result<Fetched, FetchError> {
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(self);
        tasks.spawn(async move { shared.fetcher.refresh(now).await });
        match tasks.join_next().await {
            Some(Ok(fetched)) => fetched,
            Some(Err(_)) | None => Err(FetchError::Client),
        }
    }

    /// Records the outcome of a refresh, and notifies waiting requests.
    fn finish(&self, fetched: &Result<Fetched, FetchError>, began: Moment, rounds: &Rounds) {
        let now = self.now();
        let (outcome, news) = match fetched {
            Ok(Fetched { keys: Some(keys), freshness }) => {
                (FetchOutcome::New, Outcome::New(keys.clone(), *freshness))
            }
            Ok(Fetched { keys: None, freshness }) => {
                (FetchOutcome::Unchanged, Outcome::Unchanged(*freshness))
            }
            Err(error) => (error.outcome(), Outcome::Failed { retry_after: error.retry_after() }),
        };
        if let Some(count) = self.counts.outcomes.get(outcome.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(error) = fetched {
            *self.last_failure() = Some((now, outcome, error.sentence()));
        }
        {
            let mut cache = self.cache();
            cache.finish(news, now);
            self.snapshot.store(Arc::new(Snapshot {
                keys: cache.keys().cloned(),
                usable_until: cache.usable_until(),
                due: cache.due(),
            }));
            // Under the lock, so that a request sees either the pending refresh or its result.
            rounds.send_modify(|rounds| *rounds = rounds.wrapping_add(1));
        }
        self.log(fetched, outcome, now.since(began));
    }

    fn log(&self, fetched: &Result<Fetched, FetchError>, outcome: FetchOutcome, took: Duration) {
        let KeySetStatus { age, freshness, next_refresh_in, failures, .. } = self.status();
        let (location, took_ms) = (self.location(), took.as_millis());
        let age_secs = age.map(|age| age.as_secs());
        let next_secs = next_refresh_in.as_secs();
        let outcome = outcome.name();
        match fetched {
            Ok(Fetched { keys: Some(keys), .. }) => {
                for key in keys.skipped() {
                    let key_id = key.key_id.as_ref().map(tracing::field::display);
                    let (index, reason) = (key.index, &key.reason);
                    tracing::warn!(location, index, key_id, %reason, "key of the set skipped");
                }
                let keys = keys.iter().count();
                tracing::info!(location, outcome, keys, took_ms, next_secs, "keys fetched");
            }
            Ok(_) => tracing::debug!(location, outcome, took_ms, next_secs, "keys confirmed"),
            Err(error) => {
                let cause = error.sentence();
                if freshness == Freshness::Unavailable {
                    tracing::error!(location, outcome, cause, failures, took_ms, next_secs, "no usable keys");
                } else {
                    tracing::warn!(
                        location,
                        outcome,
                        cause,
                        age_secs,
                        failures,
                        took_ms,
                        next_secs,
                        "refresh failed"
                    );
                }
            }
        }
    }

    pub(crate) fn status(&self) -> KeySetStatus {
        let now = self.now();
        let cache = self.cache();
        let outcomes = FetchOutcome::ALL.map(|outcome| {
            let count = self.counts.outcomes.get(outcome.index());
            (outcome, count.map_or(0, |count| count.load(Ordering::Relaxed)))
        });
        let last_failure = self.last_failure().as_ref().map(|(at, outcome, cause)| LastFailure {
            outcome: *outcome,
            cause: cause.clone(),
            ago: now.since(*at),
        });
        let keys = cache.keys();
        KeySetStatus {
            location: self.location(),
            freshness: cache.freshness(now),
            age: cache.age(now),
            usable: keys.map_or(0, |keys| keys.iter().count()),
            skipped: keys.map_or(0, |keys| keys.skipped().len()),
            next_refresh_in: cache.due().since(now),
            failures: cache.failures(),
            last_failure,
            outcomes,
            requests: self.fetcher.requests(),
            waited: self.counts.waited.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            absent: cache.absent(),
        }
    }

    fn now(&self) -> Moment {
        Moment::after_start(Instant::now().saturating_duration_since(self.origin))
    }

    /// Converts to Tokio's clock. A time that cannot be represented becomes one in the far future.
    fn instant(&self, moment: Moment) -> Instant {
        const FAR: Duration = Duration::from_secs(24 * 3600);
        let wait = moment.since(self.now()).min(FAR);
        Instant::now().checked_add(wait).unwrap_or(self.origin)
    }

    fn cache(&self) -> MutexGuard<'_, KeySetCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<(Moment, FetchOutcome, String)>> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the refresh for the key has ended, or the refreshing task has stopped.
async fn wait(slot: Slot, wanted: Option<WantedKey>, mut rounds: watch::Receiver<u64>) {
    while rounds.changed().await.is_ok() {
        let is_open = wanted.as_ref().is_some_and(|wanted| slot.0.cache().is_wanted(wanted));
        if !is_open {
            break;
        }
    }
}

/// A slot for one waiting request. Dropping it frees the slot.
struct Slot(Arc<Shared>);

impl Slot {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let taken = shared.waiting.fetch_add(1, Ordering::Relaxed);
        // Created first, so that its drop undoes the increment when the limit is exceeded.
        let slot = Self(Arc::clone(shared));
        (taken < shared.max_waiting).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
