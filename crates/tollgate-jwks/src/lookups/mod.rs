//! [`Lookups`]: a cache of values that are looked up by key. Requests share lookups, which are limited in number and
//! rate; absent keys are cached, and known values bridge failures.

mod bucket;
mod counts;
mod limits;
mod state;
mod waiting;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tollgate::KeyRefresh;

use crate::moment::Moment;
use counts::LookupCounts;
use waiting::Waiting;

pub(crate) use counts::LookupStatus;
pub(crate) use limits::Limits;
pub(crate) use state::{Demand, Flight, Outcome, Slots, State};

/// Looks a key up. An error says why this failed.
pub(crate) type Lookup<K, V> = Arc<dyn Fn(Asked<K, V>) -> LookupFuture<V> + Send + Sync>;
pub(crate) type LookupFuture<V> = Pin<Box<dyn Future<Output = Result<Outcome<V>, String>> + Send>>;

/// Writes the outcome of a lookup to the log: whether there is a new value, or the cause of a failure.
pub(crate) type Log<K> = Box<dyn Fn(&K, Result<bool, &str>) + Send + Sync>;

/// A key to look up.
pub(crate) struct Asked<K, V> {
    pub(crate) key: K,
    /// The current value, and the time since the lookup that returned it.
    pub(crate) known: Option<(V, Duration)>,
}

/// A cache of lookups. Dropping it ends them.
pub(crate) struct Lookups<K, V> {
    origin: Instant,
    lookup: Lookup<K, V>,
    log: Log<K>,
    runtime: Handle,
    limits: Limits,
    /// The state that requests read without a lock.
    slots: ArcSwap<Slots<K, V>>,
    /// Locked by requests without a usable value, at the end of lookups, and by calls of `status`. The lock is never
    /// held across an await.
    inner: Mutex<Inner<K, V>>,
    /// The requests that wait for keys without a value.
    waiting_for_unknown: Waiting,
    /// The requests that wait for keys whose value has expired. They have places of their own, so that made-up keys do
    /// not take them.
    waiting_for_known: Waiting,
    counts: LookupCounts,
    last_failure: Mutex<Option<(Moment, String)>>,
}

struct Inner<K, V> {
    state: State<K, V>,
    /// The pending lookup of each key.
    pending: HashMap<K, Pending>,
    /// Dropping the set ends the lookups.
    tasks: JoinSet<()>,
}

/// A pending lookup.
#[derive(Clone)]
struct Pending {
    /// The ID of its flight.
    id: u64,
    /// A channel that closes when the lookup ends.
    end: watch::Receiver<()>,
    /// The requests that wait for this lookup.
    waiting: Waiting,
}

impl<K, V> Lookups<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Creates an empty cache. Lookups run on `runtime`.
    pub(crate) fn new(limits: Limits, runtime: Handle, lookup: Lookup<K, V>, log: Log<K>) -> Self {
        Self {
            origin: Instant::now(),
            lookup,
            log,
            runtime,
            limits,
            slots: ArcSwap::from_pointee(HashMap::new()),
            inner: Mutex::new(Inner {
                state: State::new(limits),
                pending: HashMap::new(),
                tasks: JoinSet::new(),
            }),
            waiting_for_unknown: Waiting::default(),
            waiting_for_known: Waiting::default(),
            counts: LookupCounts::default(),
            last_failure: Mutex::default(),
        }
    }

    /// Returns all values, also those that are not usable, without a lock.
    pub(crate) fn slots(&self) -> Guard<Arc<Slots<K, V>>> {
        self.slots.load()
    }

    /// Returns a usable value, without a lock, except once per lifetime to begin its background lookup.
    pub(crate) fn usable<Q: Eq + Hash + ?Sized>(self: &Arc<Self>, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let slots = self.slots.load();
        let (key, slot) = slots.get_key_value(key)?;
        let now = self.now();
        if !slot.is_usable(now) {
            return None;
        }
        if slot.touch(now) {
            self.refresh(key, now);
        }
        Some(slot.value.clone())
    }

    /// Begins the background lookup of a key, if it is due.
    pub(crate) fn refresh(self: &Arc<Self>, key: &K, now: Moment) {
        let mut inner = self.inner();
        if let Some(flight) = inner.state.refresh(key, now) {
            self.spawn(&mut inner, flight);
        }
    }

    /// Starts or joins the lookup of a key.
    pub(crate) fn join(self: &Arc<Self>, key: &K) -> Option<KeyRefresh> {
        let refused = || {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            None
        };
        let ready = || Some(KeyRefresh::new(std::future::ready(())));
        let max = self.limits.max_waiting;
        let (pending, place) = {
            let mut inner = self.inner();
            let is_known = inner.state.slots().contains_key(key);
            let all = if is_known { &self.waiting_for_known } else { &self.waiting_for_unknown };
            // Without a request that waits, the lookup of an unknown key would waste the rate. A known key is looked up
            // nevertheless, for the requests to come.
            if !is_known && all.count() >= max {
                return refused();
            }
            let pending = match inner.state.ask(key, self.now()) {
                Demand::Refused => return refused(),
                Demand::Known => return ready(),
                Demand::Join => inner.pending.get(key).cloned(),
                Demand::Begin(flight) => Some(self.spawn(&mut inner, flight)),
            };
            let Some(pending) = pending else { return ready() };
            let place = pending.waiting.enter(self.limits.max_waiting_for_key()).zip(all.enter(max));
            (pending, place)
        };
        let Some(place) = place else { return refused() };
        self.counts.waited.fetch_add(1, Ordering::Relaxed);
        let (mut end, shared) = (pending.end, Arc::clone(self));
        Some(KeyRefresh::new(async move {
            let _held = (place, shared);
            // Nothing is ever sent: the channel closes when the lookup has ended.
            while end.changed().await.is_ok() {}
        }))
    }

    /// Returns when to retry, if no lookup has shown that the key is absent.
    pub(crate) fn why_unavailable(&self, key: &K) -> Option<Duration> {
        self.inner().state.why_unavailable(key, self.now())
    }

    pub(crate) fn invalidate(&self, key: &K) {
        let mut inner = self.inner();
        let has_changed = inner.state.invalidate(key);
        inner.pending.remove(key);
        self.publish(&inner, has_changed);
    }

    /// Runs the lookup in a task of its own.
    fn spawn(self: &Arc<Self>, inner: &mut Inner<K, V>, flight: Flight<K>) -> Pending {
        let (sender, end) = watch::channel(());
        let pending = Pending { id: flight.id(), end, waiting: Waiting::default() };
        inner.pending.insert(flight.key.clone(), pending.clone());
        while inner.tasks.try_join_next().is_some() {}
        let value = inner.state.slots().get(&flight.key).map(|slot| slot.value.clone());
        let asked = Asked { key: flight.key.clone(), known: value.zip(flight.age) };
        let (lookup, timeout, shared) = (Arc::clone(&self.lookup), self.limits.timeout, Arc::downgrade(self));
        let task = async move {
            // Created here, because a runtime that shuts down drops the task at once, under the lock of the caller.
            let mut landing = Landing { shared, flight: Some(flight), _end: sender };
            let outcome = tokio::time::timeout(timeout, async { lookup(asked).await }).await;
            landing.land(
                outcome
                    .unwrap_or_else(|_elapsed| Err(format!("no answer within {} ms", timeout.as_millis()))),
            );
        };
        inner.tasks.spawn_on(task, &self.runtime);
        pending
    }

    fn finish(&self, flight: Flight<K>, outcome: Result<Outcome<V>, String>) {
        let now = self.now();
        let key = flight.key.clone();
        let (count, outcome) = match outcome {
            Ok(outcome @ Outcome::Found(_)) => (&self.counts.found, outcome),
            Ok(outcome @ Outcome::Unchanged) if flight.age.is_some() => (&self.counts.unchanged, outcome),
            Ok(outcome @ Outcome::Unknown) => (&self.counts.unknown, outcome),
            failed => {
                let cause =
                    failed.err().unwrap_or_else(|| "unchanged, but there is no earlier value".to_owned());
                (self.log)(&key, Err(&cause));
                *self.last_failure() = Some((now, cause));
                (&self.counts.failed, Outcome::Failed)
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        if !matches!(outcome, Outcome::Failed) {
            (self.log)(&key, Ok(matches!(outcome, Outcome::Found(_))));
        }
        let mut inner = self.inner();
        let id = flight.id();
        let has_changed = inner.state.finish(flight, outcome, now);
        if inner.pending.get(&key).is_some_and(|pending| pending.id == id) {
            inner.pending.remove(&key);
        }
        self.publish(&inner, has_changed);
    }

    /// Publishes the values if they have changed, under the lock, so that the latest state wins.
    fn publish(&self, inner: &Inner<K, V>, has_changed: bool) {
        // Made-up keys change nothing that requests read, so their lookups do not copy it.
        if has_changed {
            self.slots.store(Arc::new(inner.state.slots().clone()));
        }
    }

    pub(crate) fn status(&self) -> LookupStatus {
        let now = self.now();
        let last_failure = self.last_failure().as_ref().map(|(at, cause)| (cause.clone(), now.since(*at)));
        let inner = self.inner();
        LookupStatus {
            values: inner.state.slots().len(),
            absent: inner.state.absent(),
            in_flight: inner.state.in_flight(),
            waiting: self.waiting_for_known.count().saturating_add(self.waiting_for_unknown.count()),
            consecutive_failures: inner.state.failures(),
            counted: self.counts.read(),
            last_failure,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::after_start(Instant::now().saturating_duration_since(self.origin))
    }

    fn inner(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<(Moment, String)>> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a lookup, also when it panics or is dropped.
struct Landing<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    shared: Weak<Lookups<K, V>>,
    flight: Option<Flight<K>>,
    /// Dropped last, so that waiting requests find the outcome.
    _end: watch::Sender<()>,
}

impl<K, V> Landing<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn land(&mut self, outcome: Result<Outcome<V>, String>) {
        if let (Some(shared), Some(flight)) = (self.shared.upgrade(), self.flight.take()) {
            shared.finish(flight, outcome);
        }
    }
}

impl<K, V> Drop for Landing<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.land(Err("the lookup panicked".to_owned()));
    }
}

#[cfg(test)]
mod tests;
