//! [`Snapshot`]: the usable keys at one time, as a set that requests share. It has no task, clock or network.

use std::sync::Arc;

use tollgate::{KeyId, KeySet};

use super::document::PublishedKey;
use crate::lookups::Slots;
use crate::moment::Moment;

pub(super) type KeySlots = Slots<KeyId, Arc<PublishedKey>>;

/// The usable keys at one time.
#[derive(Debug)]
pub(super) struct Snapshot {
    keys: KeySet,
    /// The keys of the set, in the order of their IDs.
    published: Vec<Arc<PublishedKey>>,
    /// The slots that the set was made from.
    slots: Option<Arc<KeySlots>>,
    /// When a key is to be fetched again or expires, if ever.
    until: Option<Moment>,
}

impl Snapshot {
    pub(super) fn new() -> Self {
        Self { keys: KeySet::empty(), published: Vec::new(), slots: None, until: None }
    }

    /// Creates the snapshot of `slots`. If the keys are those of the earlier snapshot, so is the set, and cached tokens
    /// stay verified. Keys that are [`due`] have begun to be fetched.
    pub(super) fn of(slots: &Arc<KeySlots>, earlier: &Self, now: Moment) -> Self {
        let mut usable: Vec<_> = slots.iter().filter(|(_, slot)| slot.is_usable(now)).collect();
        usable.sort_unstable_by_key(|(key_id, _)| *key_id);
        let published: Vec<_> = usable.into_iter().map(|(_, slot)| Arc::clone(&slot.value)).collect();
        let is_same = published.len() == earlier.published.len()
            && published.iter().zip(&earlier.published).all(|(new, old)| Arc::ptr_eq(new, old));
        let keys = if is_same {
            earlier.keys.clone()
        } else {
            // Without keys this is an error, and there are no others: each key has its own ID.
            let keys = KeySet::new(published.iter().map(|published| published.key.clone()));
            keys.unwrap_or_else(|_no_keys| KeySet::empty())
        };
        let until = slots.values().filter_map(|slot| slot.changes_at(now)).min();
        Self { keys, published, slots: Some(Arc::clone(slots)), until }
    }

    pub(super) fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Returns whether this is the snapshot of `slots` at this time.
    pub(super) fn is_current(&self, slots: &Arc<KeySlots>, now: Moment) -> bool {
        self.slots.as_ref().is_some_and(|own| Arc::ptr_eq(own, slots))
            && self.until.is_none_or(|until| now < until)
    }
}

/// Returns the keys that are to be fetched again. Each is returned once, until its fetch has ended.
pub(super) fn due(slots: &KeySlots, now: Moment) -> impl Iterator<Item = &KeyId> {
    slots.iter().filter(move |(_, slot)| slot.demand(now)).map(|(key_id, _)| key_id)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use tollgate::Algorithm;

    use super::*;
    use crate::lookups::{Demand, Flight, Limits, Outcome, State};

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/EMYey9HqoaXLhgeiAUxixR6g5hj\n\
        AHzLrDn5xxhGlz3yO8QfeanUpk3JwbXKfcmVJhqdGD/oRms4u7SN71Tk3w==\n\
        -----END PUBLIC KEY-----\n";
    const LIMITS: Limits = Limits {
        max_values: 4,
        lifetime: Duration::from_secs(30),
        max_age: Duration::from_secs(90),
        retry: Duration::from_secs(2),
        max_absent: 8,
        absent_for: Duration::from_secs(10),
        max_in_flight: 3,
        interval: Duration::from_millis(500),
        burst: 4,
        timeout: Duration::from_secs(5),
        max_waiting: 8,
    };

    /// An issuer that publishes, removes and replaces keys, and may be down, with a key set that fetches them.
    struct World {
        state: State<KeyId, Arc<PublishedKey>>,
        slots: Arc<KeySlots>,
        snapshot: Snapshot,
        random: fastrand::Rng,
        now: Moment,
        /// The keys of the issuer.
        issuer: HashMap<KeyId, Arc<PublishedKey>>,
        is_down: bool,
        pending: Vec<(Moment, Flight<KeyId>)>,
        /// When the latest good fetch of each key began at the latest.
        confirmed: HashMap<KeyId, Moment>,
        used: u64,
        kept: u64,
        replaced: u64,
    }

    impl World {
        fn new(seed: u64) -> Self {
            let state = State::new(LIMITS);
            Self {
                slots: Arc::new(state.slots().clone()),
                state,
                snapshot: Snapshot::new(),
                random: fastrand::Rng::with_seed(seed),
                now: Moment::START,
                issuer: HashMap::new(),
                is_down: false,
                pending: Vec::new(),
                confirmed: HashMap::new(),
                used: 0,
                kept: 0,
                replaced: 0,
            }
        }

        fn step(&mut self) {
            let key_id = KeyId::new(format!("key-{}", self.random.u32(0..8))).unwrap();
            match self.random.u32(0..100) {
                0..=49 => self.now = self.now.plus(Duration::from_millis(self.random.u64(0..500))),
                50 => self.now = self.now.plus(Duration::from_secs(self.random.u64(0..100))),
                51..=54 => {
                    let key = PublishedKey::read(PEM.as_bytes(), &key_id, Algorithm::Es256).unwrap();
                    self.issuer.insert(key_id, Arc::new(key));
                }
                55 => drop(self.issuer.remove(&key_id)),
                56 => self.is_down = self.random.u32(0..3) == 0,
                57..=65 => {
                    let forged = KeyId::new(format!("forged-{}", self.random.u32(..))).unwrap();
                    self.request(&forged);
                }
                _ => self.request(&key_id),
            }
            self.end_fetches();
        }

        /// Does what the key set does for a request.
        fn request(&mut self, key_id: &KeyId) {
            if !self.snapshot.is_current(&self.slots, self.now) {
                let due: Vec<KeyId> = due(&self.slots, self.now).cloned().collect();
                for key_id in due {
                    let flight = self.state.refresh(&key_id, self.now);
                    self.pending.extend(flight.map(|flight| (self.now.plus(Duration::from_secs(1)), flight)));
                }
                let new = Snapshot::of(&self.slots, &self.snapshot, self.now);
                let same = |a: &Snapshot, b: &Snapshot| {
                    a.published.iter().map(Arc::as_ptr).eq(b.published.iter().map(Arc::as_ptr))
                };
                let is_same = same(&new, &self.snapshot);
                assert_eq!(
                    is_same,
                    new.keys.id() == self.snapshot.keys.id(),
                    "a new set only for other keys"
                );
                if is_same {
                    self.kept += 1;
                } else {
                    self.replaced += 1;
                }
                self.snapshot = new;
            }
            self.check();
            if self.snapshot.keys.iter().any(|key| key.key_id() == Some(key_id)) {
                self.used += 1;
                return;
            }
            match self.state.ask(key_id, self.now) {
                Demand::Begin(flight) => {
                    let takes = Duration::from_millis(self.random.u64(0..3000));
                    self.pending.push((self.now.plus(takes), flight));
                }
                Demand::Known => panic!("a usable key is missing in the snapshot"),
                Demand::Join | Demand::Refused => {}
            }
        }

        fn check(&self) {
            let mut usable: Vec<&KeyId> = self
                .slots
                .iter()
                .filter(|(_, slot)| slot.is_usable(self.now))
                .map(|(key_id, _)| key_id)
                .collect();
            usable.sort_unstable();
            assert!(self.snapshot.keys.iter().filter_map(|key| key.key_id()).eq(usable.iter().copied()));
            for key_id in usable {
                let age = self.now.since(self.confirmed[key_id]);
                assert!(age <= LIMITS.max_age, "{key_id} was confirmed {age:?} ago");
            }
            let is_missed = |at: Moment| at <= self.now;
            assert!(
                !self.slots.values().filter_map(|slot| slot.changes_at(self.now)).any(is_missed),
                "a fetch is due"
            );
        }

        fn end_fetches(&mut self) {
            let now = self.now;
            for (_, flight) in self.pending.extract_if(.., |(ends, _)| *ends <= now) {
                let known = self.state.slots().get(&flight.key).map(|slot| Arc::clone(&slot.value));
                let outcome = match self.issuer.get(&flight.key) {
                    _ if self.is_down => Outcome::Failed,
                    Some(key) if known.is_some_and(|known| Arc::ptr_eq(&known, key)) => Outcome::Unchanged,
                    Some(key) => Outcome::Found(Arc::clone(key)),
                    None => Outcome::Unknown,
                };
                if matches!(outcome, Outcome::Found(_) | Outcome::Unchanged) {
                    self.confirmed.insert(flight.key.clone(), now);
                }
                self.state.finish(flight, outcome, now);
                self.slots = Arc::new(self.state.slots().clone());
            }
        }
    }

    #[test]
    fn snapshot_has_the_usable_keys_in_a_long_simulation() {
        let (mut used, mut kept, mut replaced) = (0, 0, 0);
        for seed in 0..10 {
            let mut world = World::new(seed);
            for _ in 0..10_000 {
                world.step();
            }
            used += world.used;
            kept += world.kept;
            replaced += world.replaced;
        }
        // The simulation covered the interesting cases.
        assert!(used > 1000 && kept > 1000 && replaced > 1000, "{used} {kept} {replaced}");
    }
}
