//! [`State`]: decides which keys to look up, and which values to use meanwhile. It has no task, clock or network: time
//! and outcomes are arguments.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::bucket::Bucket;
use super::limits::Limits;
use crate::moment::Moment;
use crate::negative_cache::NegativeCache;

/// The values that requests read without a lock.
pub(crate) type Slots<K, V> = HashMap<K, Arc<Slot<V>>>;

/// A value, and until when it is used. A lookup replaces the whole slot.
#[derive(Debug)]
pub(crate) struct Slot<V> {
    pub(crate) value: V,
    /// When the lookup that returned the value began.
    found: Moment,
    /// When the last good lookup began.
    confirmed: Moment,
    /// From when on the value is looked up again in the background.
    refresh_from: Moment,
    usable_until: Moment,
    /// Whether a request has demanded the lookup.
    is_demanded: AtomicBool,
    /// The latest use in milliseconds since the start.
    used: AtomicU64,
}

impl<V> Slot<V> {
    pub(crate) fn is_usable(&self, now: Moment) -> bool {
        now < self.usable_until
    }

    /// Records a use. Returns whether a lookup is to begin in the background, once for each slot.
    pub(crate) fn touch(&self, now: Moment) -> bool {
        let millis = u64::try_from(now.since(Moment::START).as_millis()).unwrap_or(u64::MAX);
        // A write for every request would make all threads share a cache line.
        if millis.saturating_sub(self.used.load(Ordering::Relaxed)) >= 1000 {
            self.used.store(millis, Ordering::Relaxed);
        }
        self.demand(now)
    }

    /// Returns whether a lookup is to begin in the background, once for each slot.
    pub(crate) fn demand(&self, now: Moment) -> bool {
        now >= self.refresh_from && !self.is_demanded.swap(true, Ordering::Relaxed)
    }

    /// Returns when [`demand`](Self::demand) or [`is_usable`](Self::is_usable) will change, or `None` for never.
    pub(crate) fn changes_at(&self, now: Moment) -> Option<Moment> {
        let demanded = (!self.is_demanded.load(Ordering::Relaxed)).then_some(self.refresh_from);
        let expires = self.is_usable(now).then_some(self.usable_until);
        demanded.into_iter().chain(expires).min()
    }
}

/// A lookup that has begun, and ends with [`State::finish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flight<K> {
    pub(crate) key: K,
    /// The time since the lookup that returned the current value, if there is one.
    pub(crate) age: Option<Duration>,
    id: u64,
    began: Moment,
    /// Whether there was no value, so that the limits for unknown keys apply.
    is_unknown: bool,
}

impl<K> Flight<K> {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// What a request for a key without a usable value does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Demand<K> {
    /// Begin this lookup, and wait for it.
    Begin(Flight<K>),
    /// Wait for the pending lookup.
    Join,
    /// Decide again: the value has arrived meanwhile.
    Known,
    /// Do not wait: a lookup would not change the result, or there are too many.
    Refused,
}

/// The outcome of a lookup.
#[derive(Debug)]
pub(crate) enum Outcome<V> {
    Found(V),
    Unchanged,
    Unknown,
    Failed,
}

#[derive(Debug)]
pub(crate) struct State<K, V> {
    limits: Limits,
    slots: Slots<K, V>,
    /// The ID of the pending lookup of each key.
    flights: HashMap<K, u64>,
    next_id: u64,
    /// The number of pending lookups of keys without a value.
    unknown_in_flight: usize,
    bucket: Bucket,
    absent: NegativeCache<K>,
    /// Keys that a lookup did not find just now. Requests that waited for it are rejected, also without a negative
    /// cache.
    denied: NegativeCache<K>,
    /// Keys whose last lookup failed, until the next one may begin.
    failed: NegativeCache<K>,
    /// The number of failed lookups since the last good one, of any key.
    failures: u32,
}

impl<K: Clone + Eq + Hash, V: Clone> State<K, V> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            bucket: Bucket::new(limits.interval, limits.burst),
            limits,
            slots: HashMap::new(),
            flights: HashMap::new(),
            next_id: 0,
            unknown_in_flight: 0,
            absent: NegativeCache::default(),
            denied: NegativeCache::default(),
            failed: NegativeCache::default(),
            failures: 0,
        }
    }

    /// Registers that a token names a key without a usable value.
    pub(crate) fn ask(&mut self, key: &K, now: Moment) -> Demand<K> {
        let slot = self.slots.get(key);
        if slot.is_some_and(|slot| slot.is_usable(now)) {
            return Demand::Known;
        }
        if self.flights.contains_key(key) {
            return Demand::Join;
        }
        if self.absent.contains(key, now) || self.failed.contains(key, now) {
            return Demand::Refused;
        }
        let is_unknown = slot.is_none();
        if is_unknown && (self.unknown_in_flight >= self.limits.max_in_flight || !self.bucket.take(now)) {
            return Demand::Refused;
        }
        Demand::Begin(self.begin(key, is_unknown, now))
    }

    /// Begins the background lookup of a key whose value is in use, if it is due.
    pub(crate) fn refresh(&mut self, key: &K, now: Moment) -> Option<Flight<K>> {
        let slot = self.slots.get(key)?;
        if now < slot.refresh_from || self.flights.contains_key(key) {
            return None;
        }
        Some(self.begin(key, false, now))
    }

    fn begin(&mut self, key: &K, is_unknown: bool, now: Moment) -> Flight<K> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.flights.insert(key.clone(), id);
        self.denied.remove(key);
        self.unknown_in_flight = self.unknown_in_flight.saturating_add(usize::from(is_unknown));
        let age = self.slots.get(key).map(|slot| now.since(slot.found));
        Flight { key: key.clone(), age, id, began: now, is_unknown }
    }

    /// Ends a lookup. The outcome has no effect if the key was invalidated meanwhile. Returns whether the values have
    /// changed, or how long they are used.
    pub(crate) fn finish(&mut self, flight: Flight<K>, outcome: Outcome<V>, now: Moment) -> bool {
        self.unknown_in_flight = self.unknown_in_flight.saturating_sub(usize::from(flight.is_unknown));
        let Flight { key, id, began, .. } = flight;
        if self.flights.get(&key) != Some(&id) {
            return false;
        }
        self.flights.remove(&key);
        let known = self.slots.get(&key).map(|slot| (slot.value.clone(), slot.found));
        match (outcome, known) {
            (Outcome::Found(value), _) => {
                self.confirm(&key, value, began, began, now);
                true
            }
            (Outcome::Unchanged, Some((value, found))) => {
                self.confirm(&key, value, found, began, now);
                true
            }
            (Outcome::Unknown, _) => self.deny(key, now),
            (Outcome::Unchanged, None) | (Outcome::Failed, _) => self.fail(&key, now),
        }
    }

    fn deny(&mut self, key: K, now: Moment) -> bool {
        self.failures = 0;
        let has_changed = self.slots.remove(&key).is_some();
        let Limits { absent_for, max_absent, .. } = self.limits;
        self.denied.insert(key.clone(), now, DENIED_FOR, MAX_DENIED);
        self.absent.insert(key, now, absent_for, max_absent);
        has_changed
    }

    fn confirm(&mut self, key: &K, value: V, found: Moment, confirmed: Moment, now: Moment) {
        self.failures = 0;
        self.absent.remove(key);
        self.denied.remove(key);
        self.failed.remove(key);
        let lifetime = self.limits.lifetime;
        let refresh_from = confirmed.plus(lifetime.mul_f64(REFRESH_AHEAD));
        self.put(key.clone(), (value, found, confirmed), refresh_from, confirmed.plus(lifetime), now);
        while self.slots.len() > self.limits.max_values {
            // A pending lookup may confirm its value, so that one stays.
            let others =
                self.slots.iter().filter(|(other, _)| *other != key && !self.flights.contains_key(*other));
            let least_used = others.min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
            let Some(evicted) = least_used.map(|(key, _)| key.clone()) else { break };
            self.slots.remove(&evicted);
        }
    }

    fn fail(&mut self, key: &K, now: Moment) -> bool {
        self.failures = self.failures.saturating_add(1);
        let Limits { retry, max_age, max_absent, .. } = self.limits;
        // Also without a negative cache, the pauses are kept for some keys.
        self.failed.insert(key.clone(), now, retry, max_absent.max(LEAST_FAILED));
        let Some(slot) = self.slots.get(key) else { return false };
        let (value, found, confirmed) = (slot.value.clone(), slot.found, slot.confirmed);
        self.put(key.clone(), (value, found, confirmed), now.plus(retry), confirmed.plus(max_age), now);
        true
    }

    fn put(
        &mut self,
        key: K,
        (value, found, confirmed): (V, Moment, Moment),
        refresh_from: Moment,
        usable_until: Moment,
        now: Moment,
    ) {
        let now = u64::try_from(now.since(Moment::START).as_millis()).unwrap_or(u64::MAX);
        // The use of a known value stays: a background lookup is none.
        let used = self.slots.get(&key).map_or(now, |slot| slot.used.load(Ordering::Relaxed));
        let (is_demanded, used) = (AtomicBool::new(false), AtomicU64::new(used));
        let slot = Slot { value, found, confirmed, refresh_from, usable_until, is_demanded, used };
        self.slots.insert(key, Arc::new(slot));
    }

    /// Drops all that is cached about a key. A pending lookup has no effect. Returns whether there was a value.
    pub(crate) fn invalidate(&mut self, key: &K) -> bool {
        self.flights.remove(key);
        self.absent.remove(key);
        self.denied.remove(key);
        self.failed.remove(key);
        self.slots.remove(key).is_some()
    }

    /// Returns when to retry, or `None` if a lookup has shown that the key is absent. If the limits did not permit a
    /// lookup, the key may be good, and a client must not discard its token.
    pub(crate) fn why_unavailable(&self, key: &K, now: Moment) -> Option<Duration> {
        if self.absent.contains(key, now) || self.denied.contains(key, now) {
            return None;
        }
        let pause = self.failed.until(key, now).map_or(Duration::ZERO, |until| until.since(now));
        Some(pause.max(Duration::from_secs(1)))
    }

    pub(crate) fn slots(&self) -> &Slots<K, V> {
        &self.slots
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(crate) fn absent(&self) -> usize {
        self.absent.len()
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

/// The fraction of the lifetime after which a key is looked up again.
const REFRESH_AHEAD: f64 = 0.8;

/// How long requests that waited have to read that their key is absent.
const DENIED_FOR: Duration = Duration::from_secs(5);

/// The number of keys for which they can, without a negative cache.
const MAX_DENIED: usize = 256;

/// The number of failed keys whose pause is kept at least.
const LEAST_FAILED: usize = 64;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod simulation;
#[cfg(test)]
mod tests;
