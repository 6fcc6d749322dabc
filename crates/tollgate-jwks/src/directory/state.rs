//! [`State`]: decides which issuers to look up, and which verifiers to use meanwhile. It has no task, clock or
//! database: time and outcomes are arguments.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tollgate::Issuer;

use super::bucket::Bucket;
use super::settings::VerifierDirectorySettings;
use crate::moment::Moment;
use crate::negative_cache::NegativeCache;

/// The verifiers that requests read without a lock.
pub(super) type Slots<V> = HashMap<Issuer, Arc<Slot<V>>>;

/// A verifier, and until when it is used. A lookup replaces the whole slot.
#[derive(Debug)]
pub(super) struct Slot<V> {
    pub(super) verifier: V,
    /// When the lookup that returned the verifier began.
    found: Moment,
    /// When the last good lookup began.
    confirmed: Moment,
    /// From when on the issuer is looked up in the background.
    refresh_from: Moment,
    usable_until: Moment,
    /// Whether a request has demanded the lookup.
    is_demanded: AtomicBool,
    /// The latest use in milliseconds since the start.
    used: AtomicU64,
}

impl<V> Slot<V> {
    pub(super) fn is_usable(&self, now: Moment) -> bool {
        now < self.usable_until
    }

    /// Records a use. Returns whether the issuer is to be looked up in the background, once for each slot.
    pub(super) fn touch(&self, now: Moment) -> bool {
        let millis = u64::try_from(now.since(Moment::START).as_millis()).unwrap_or(u64::MAX);
        // A write for every request would make all threads share a cache line.
        if millis.saturating_sub(self.used.load(Ordering::Relaxed)) >= 1000 {
            self.used.store(millis, Ordering::Relaxed);
        }
        now >= self.refresh_from && !self.is_demanded.swap(true, Ordering::Relaxed)
    }
}

/// A lookup that has begun, and ends with [`State::finish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) issuer: Issuer,
    /// The time since the lookup that returned the current verifier, if there is one.
    pub(super) age: Option<Duration>,
    id: u64,
    began: Moment,
    /// Whether there was no verifier, so that the limits for unknown issuers apply.
    is_unknown: bool,
}

impl Flight {
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

/// What a request for an issuer without a usable verifier does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Begin this lookup, and wait for it.
    Begin(Flight),
    /// Wait for the pending lookup.
    Join,
    /// Decide again: the verifier has arrived meanwhile.
    Known,
    /// Do not wait: a lookup would not change the result, or there are too many.
    Refused,
}

/// The outcome of a lookup.
#[derive(Debug)]
pub(super) enum Outcome<V> {
    Found(V),
    Unchanged,
    Unknown,
    Failed,
}

#[derive(Debug)]
pub(super) struct State<V> {
    settings: VerifierDirectorySettings,
    slots: Slots<V>,
    /// The ID of the pending lookup of each issuer.
    flights: HashMap<Issuer, u64>,
    next_id: u64,
    /// The number of pending lookups of issuers without a verifier.
    unknown_in_flight: usize,
    bucket: Bucket,
    absent: NegativeCache<Issuer>,
    /// Issuers whose last lookup failed, until the next one may begin.
    failed: NegativeCache<Issuer>,
    /// The number of failed lookups since the last good one, of any issuer.
    failures: u32,
}

impl<V: Clone> State<V> {
    pub(super) fn new(settings: VerifierDirectorySettings) -> Self {
        Self {
            bucket: Bucket::new(settings.lookup_interval, settings.lookup_burst),
            settings,
            slots: HashMap::new(),
            flights: HashMap::new(),
            next_id: 0,
            unknown_in_flight: 0,
            absent: NegativeCache::default(),
            failed: NegativeCache::default(),
            failures: 0,
        }
    }

    /// Registers that a token names an issuer without a usable verifier.
    pub(super) fn ask(&mut self, issuer: &Issuer, now: Moment) -> Demand {
        let slot = self.slots.get(issuer);
        if slot.is_some_and(|slot| slot.is_usable(now)) {
            return Demand::Known;
        }
        if self.flights.contains_key(issuer) {
            return Demand::Join;
        }
        if self.absent.contains(issuer, now) || self.failed.contains(issuer, now) {
            return Demand::Refused;
        }
        let is_unknown = slot.is_none();
        if is_unknown && (self.unknown_in_flight >= self.settings.max_lookups || !self.bucket.take(now)) {
            return Demand::Refused;
        }
        Demand::Begin(self.begin(issuer, is_unknown, now))
    }

    /// Begins the background lookup of an issuer whose verifier is in use, if it is due.
    pub(super) fn refresh(&mut self, issuer: &Issuer, now: Moment) -> Option<Flight> {
        let slot = self.slots.get(issuer)?;
        if now < slot.refresh_from || self.flights.contains_key(issuer) {
            return None;
        }
        Some(self.begin(issuer, false, now))
    }

    fn begin(&mut self, issuer: &Issuer, is_unknown: bool, now: Moment) -> Flight {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.flights.insert(issuer.clone(), id);
        self.unknown_in_flight = self.unknown_in_flight.saturating_add(usize::from(is_unknown));
        let age = self.slots.get(issuer).map(|slot| now.since(slot.found));
        Flight { issuer: issuer.clone(), age, id, began: now, is_unknown }
    }

    /// Ends a lookup. The outcome has no effect if the issuer was invalidated meanwhile.
    pub(super) fn finish(&mut self, flight: Flight, outcome: Outcome<V>, now: Moment) {
        self.unknown_in_flight = self.unknown_in_flight.saturating_sub(usize::from(flight.is_unknown));
        let Flight { issuer, id, began, .. } = flight;
        if self.flights.get(&issuer) != Some(&id) {
            return;
        }
        self.flights.remove(&issuer);
        let known = self.slots.get(&issuer).map(|slot| (slot.verifier.clone(), slot.found));
        match (outcome, known) {
            (Outcome::Found(verifier), _) => self.confirm(&issuer, verifier, began, began, now),
            (Outcome::Unchanged, Some((verifier, found))) => {
                self.confirm(&issuer, verifier, found, began, now);
            }
            (Outcome::Unknown, _) => {
                self.failures = 0;
                self.slots.remove(&issuer);
                let VerifierDirectorySettings { absent_for, max_absent, .. } = self.settings;
                self.absent.insert(issuer, now, absent_for, max_absent);
            }
            (Outcome::Unchanged, None) | (Outcome::Failed, _) => self.fail(&issuer, now),
        }
    }

    fn confirm(&mut self, issuer: &Issuer, verifier: V, found: Moment, confirmed: Moment, now: Moment) {
        self.failures = 0;
        self.absent.remove(issuer);
        self.failed.remove(issuer);
        let lifetime = self.settings.lifetime;
        let refresh_from = confirmed.plus(lifetime.mul_f64(REFRESH_AHEAD));
        self.put(issuer.clone(), (verifier, found, confirmed), refresh_from, confirmed.plus(lifetime), now);
        while self.slots.len() > self.settings.max_verifiers {
            // A pending lookup may confirm its verifier, so that one stays.
            let others =
                self.slots.iter().filter(|(other, _)| *other != issuer && !self.flights.contains_key(*other));
            let least_used = others.min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
            let Some(evicted) = least_used.map(|(issuer, _)| issuer.clone()) else { break };
            self.slots.remove(&evicted);
        }
    }

    fn fail(&mut self, issuer: &Issuer, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let VerifierDirectorySettings { retry, max_age, max_absent, .. } = self.settings;
        // Also without a negative cache, the pauses are kept for some issuers.
        self.failed.insert(issuer.clone(), now, retry, max_absent.max(LEAST_FAILED));
        if let Some(slot) = self.slots.get(issuer) {
            let (verifier, found, confirmed) = (slot.verifier.clone(), slot.found, slot.confirmed);
            self.put(
                issuer.clone(),
                (verifier, found, confirmed),
                now.plus(retry),
                confirmed.plus(max_age),
                now,
            );
        }
    }

    fn put(
        &mut self,
        issuer: Issuer,
        (verifier, found, confirmed): (V, Moment, Moment),
        refresh_from: Moment,
        usable_until: Moment,
        now: Moment,
    ) {
        let now = u64::try_from(now.since(Moment::START).as_millis()).unwrap_or(u64::MAX);
        // The use of a known verifier stays: a background lookup is none.
        let used = self.slots.get(&issuer).map_or(now, |slot| slot.used.load(Ordering::Relaxed));
        let (is_demanded, used) = (AtomicBool::new(false), AtomicU64::new(used));
        let slot = Slot { verifier, found, confirmed, refresh_from, usable_until, is_demanded, used };
        self.slots.insert(issuer, Arc::new(slot));
    }

    /// Drops all that is cached about an issuer. A pending lookup has no effect.
    pub(super) fn invalidate(&mut self, issuer: &Issuer) {
        self.slots.remove(issuer);
        self.flights.remove(issuer);
        self.absent.remove(issuer);
        self.failed.remove(issuer);
    }

    /// Returns when to retry, if the issuer could not be looked up. Returns `None` when it is not trusted, or the
    /// limits forbid to look up every issuer that a client invents while lookups work.
    pub(super) fn why_unavailable(&self, issuer: &Issuer, now: Moment) -> Option<Duration> {
        if self.absent.contains(issuer, now) {
            return None;
        }
        let failed = self.failed.until(issuer, now);
        let is_open = failed.is_some() || self.failures > 0 || self.flights.contains_key(issuer);
        is_open.then(|| failed.map_or(Duration::ZERO, |until| until.since(now)).max(Duration::from_secs(1)))
    }

    pub(super) fn slots(&self) -> &Slots<V> {
        &self.slots
    }

    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn absent(&self) -> usize {
        self.absent.len()
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

/// The fraction of the lifetime after which an issuer is looked up again.
const REFRESH_AHEAD: f64 = 0.8;

/// The number of failed issuers whose pause is kept at least.
const LEAST_FAILED: usize = 64;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod simulation;
#[cfg(test)]
mod tests;
