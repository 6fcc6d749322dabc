//! [`Lookups`]: a cache of values that are looked up by key. Requests share lookups, which are limited in number and
//! rate; absent keys are cached, and known values bridge failures.

mod bucket;
mod counts;
mod limits;
mod state;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    waiting: AtomicUsize,
    counts: LookupCounts,
    last_failure: Mutex<Option<(Moment, String)>>,
}

struct Inner<K, V> {
    state: State<K, V>,
    /// The ID of the pending lookup of each key, and a channel that closes when it ends.
    ends: HashMap<K, (u64, watch::Receiver<()>)>,
    /// Dropping the set ends the lookups.
    tasks: JoinSet<()>,
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
                ends: HashMap::new(),
                tasks: JoinSet::new(),
            }),
            waiting: AtomicUsize::new(0),
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
        let Some(waiting) = Waiting::take(self) else { return refused() };
        let end = {
            let mut inner = self.inner();
            match inner.state.ask(key, self.now()) {
                Demand::Refused => return refused(),
                Demand::Known => return Some(KeyRefresh::new(std::future::ready(()))),
                Demand::Join => inner.ends.get(key).map(|(_, end)| end.clone()),
                Demand::Begin(flight) => Some(self.spawn(&mut inner, flight)),
            }
        };
        self.counts.waited.fetch_add(1, Ordering::Relaxed);
        Some(KeyRefresh::new(async move {
            let _waiting = waiting;
            if let Some(mut end) = end {
                // Nothing is ever sent: the channel closes when the lookup has ended.
                while end.changed().await.is_ok() {}
            }
        }))
    }

    /// Returns when to retry, if the key could not be looked up.
    pub(crate) fn why_unavailable(&self, key: &K) -> Option<Duration> {
        self.inner().state.why_unavailable(key, self.now())
    }

    pub(crate) fn invalidate(&self, key: &K) {
        let mut inner = self.inner();
        inner.state.invalidate(key);
        inner.ends.remove(key);
        self.publish(&inner);
    }

    /// Runs the lookup in a task of its own. Returns the channel that closes at its end.
    fn spawn(self: &Arc<Self>, inner: &mut Inner<K, V>, flight: Flight<K>) -> watch::Receiver<()> {
        let (sender, end) = watch::channel(());
        inner.ends.insert(flight.key.clone(), (flight.id(), end.clone()));
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
        end
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
        inner.state.finish(flight, outcome, now);
        if inner.ends.get(&key).is_some_and(|(known, _)| *known == id) {
            inner.ends.remove(&key);
        }
        self.publish(&inner);
    }

    /// Publishes the values, under the lock, so that the latest state wins.
    fn publish(&self, inner: &Inner<K, V>) {
        let is_empty = inner.state.slots().is_empty() && self.slots.load().is_empty();
        // Made-up keys change nothing that requests read.
        if !is_empty {
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
            waiting: self.waiting.load(Ordering::Relaxed),
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

/// A waiting request. Dropping it frees its place.
struct Waiting<K, V>(Arc<Lookups<K, V>>);

impl<K, V> Waiting<K, V> {
    fn take(shared: &Arc<Lookups<K, V>>) -> Option<Self> {
        let taken = shared.waiting.fetch_add(1, Ordering::Relaxed);
        // Created first, so that its drop undoes the increment when the limit is exceeded.
        let waiting = Self(Arc::clone(shared));
        (taken < shared.limits.max_waiting).then_some(waiting)
    }
}

impl<K, V> Drop for Waiting<K, V> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
