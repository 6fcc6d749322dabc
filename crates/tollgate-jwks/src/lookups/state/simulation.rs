//! Simulates tenants that come, change and go, lookups that fail or are slow, and clients that make issuers up.

use std::collections::HashSet;

use tollgate::Issuer;

use super::*;

const STEPS: u32 = 300_000;
/// The number of steps before the simulation starts afresh.
const LIFE: u32 = 20_000;
const TENANTS: u32 = 24;

struct Pending {
    flight: Flight<Issuer>,
    ends: Moment,
    /// What the database said when the lookup began.
    version: Option<u32>,
    fails: bool,
}

struct World {
    state: State<Issuer, u32>,
    limits: Limits,
    random: fastrand::Rng,
    now: Moment,
    /// The version of each tenant in the database. Each change has a number of its own.
    tenants: HashMap<String, u32>,
    /// When each tenant was removed, or changed from this version.
    replaced: HashMap<u32, Moment>,
    next_version: u32,
    /// Until when a lookup may be the reason to reject each issuer that it did not find.
    denied: HashMap<String, Moment>,
    is_down: bool,
    pending: Vec<Pending>,
    unknown_lookups: u64,
    served: u64,
    bridged: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let limits = Limits {
            max_values: 16,
            lifetime: Duration::from_secs(30),
            max_age: Duration::from_secs(120),
            retry: Duration::from_secs(2),
            max_absent: 32,
            absent_for: Duration::from_secs(10),
            max_in_flight: 4,
            interval: Duration::from_millis(500),
            burst: 8,
            timeout: Duration::from_secs(5),
            max_waiting: 1024,
        };
        Self {
            state: State::new(limits),
            limits,
            random: fastrand::Rng::with_seed(seed),
            now: Moment::START,
            tenants: HashMap::new(),
            replaced: HashMap::new(),
            next_version: 1,
            denied: HashMap::new(),
            is_down: false,
            pending: Vec::new(),
            unknown_lookups: 0,
            served: 0,
            bridged: 0,
        }
    }

    fn step(&mut self) {
        let tenant = format!("tenant-{}", self.random.u32(0..TENANTS));
        match self.random.u32(0..100) {
            0..=49 => self.now = self.now.plus(Duration::from_millis(self.random.u64(0..500))),
            50 => self.now = self.now.plus(Duration::from_secs(self.random.u64(0..60))),
            51..=52 => self.change(&tenant),
            53 => {
                let removed = self.tenants.remove(&tenant);
                self.replaced.extend(removed.map(|version| (version, self.now)));
            }
            54 => self.is_down = self.random.u32(0..4) == 0,
            55 => {
                let _had_value = self.state.invalidate(&Issuer::new(&*tenant).unwrap());
            }
            56..=69 => {
                let made_up = format!("made-up-{}", self.random.u32(..));
                self.request(&made_up);
            }
            _ => self.request(&tenant),
        }
        self.end_lookups();
        self.check();
    }

    fn change(&mut self, tenant: &str) {
        let version = self.next_version;
        self.next_version += 1;
        let old = self.tenants.insert(tenant.to_owned(), version);
        self.replaced.extend(old.map(|version| (version, self.now)));
    }

    /// Acts as a request: uses a verifier, or asks for a lookup.
    fn request(&mut self, name: &str) {
        let issuer = Issuer::new(name).unwrap();
        let slot = self.state.slots().get(name).cloned();
        if let Some(slot) = slot.filter(|slot| slot.is_usable(self.now)) {
            self.served += 1;
            self.check_served(&slot);
            if slot.touch(self.now)
                && let Some(flight) = self.state.refresh(&issuer, self.now)
            {
                self.begin(flight);
            }
            return;
        }
        match self.state.ask(&issuer, self.now) {
            Demand::Begin(flight) => self.begin(flight),
            Demand::Join => assert!(self.pending.iter().any(|pending| pending.flight.key == issuer)),
            Demand::Known => panic!("there is no usable verifier"),
            Demand::Refused => {
                let after = self.state.why_unavailable(&issuer, self.now);
                let is_denied = self.denied.get(name).is_some_and(|denied| self.now < *denied);
                assert!(after.is_some() || is_denied, "{name} was not looked up");
                if let Some(after) = after {
                    assert!(after >= Duration::from_secs(1) && after <= self.limits.retry, "{after:?}");
                }
            }
        }
    }

    /// A replaced verifier is used for a lifetime at most, or for the maximum age while lookups fail.
    fn check_served(&mut self, slot: &Slot<u32>) {
        let Some(replaced) = self.replaced.get(&slot.value) else { return };
        let since = self.now.since(*replaced);
        let failed = slot.usable_until.since(slot.confirmed) > self.limits.lifetime;
        self.bridged += u64::from(failed);
        let most = if failed { self.limits.max_age } else { self.limits.lifetime };
        assert!(since <= most, "{since:?} after it was replaced");
    }

    fn begin(&mut self, flight: Flight<Issuer>) {
        let same = |pending: &Pending| {
            pending.flight.key == flight.key
                && self.state.flights.get(&flight.key) == Some(&pending.flight.id)
        };
        assert!(!self.pending.iter().any(same), "one lookup of an issuer at a time");
        self.unknown_lookups += u64::from(flight.is_unknown);
        let takes = Duration::from_millis(self.random.u64(0..3000));
        self.pending.push(Pending {
            ends: self.now.plus(takes),
            version: self.tenants.get(flight.key.as_str()).copied(),
            fails: self.is_down || self.random.u32(0..20) == 0,
            flight,
        });
    }

    fn end_lookups(&mut self) {
        let now = self.now;
        for pending in self.pending.extract_if(.., |pending| pending.ends <= now) {
            let current = self.state.slots().get(&pending.flight.key).map(|slot| slot.value);
            let outcome = match pending.version {
                _ if pending.fails => Outcome::Failed,
                Some(version) if current == Some(version) => Outcome::Unchanged,
                Some(version) => Outcome::Found(version),
                None => Outcome::Unknown,
            };
            if matches!(outcome, Outcome::Unknown) {
                let until = now.plus(self.limits.absent_for.max(DENIED_FOR));
                self.denied.insert(pending.flight.key.as_str().to_owned(), until);
            }
            self.state.finish(pending.flight, outcome, now);
        }
    }

    fn check(&self) {
        let State { slots, flights, absent, denied, failed, unknown_in_flight, .. } = &self.state;
        assert!(slots.len() <= self.limits.max_values + flights.len());
        assert!(
            absent.len() <= self.limits.max_absent
                && denied.len() <= MAX_DENIED
                && failed.len() <= LEAST_FAILED
        );
        assert!(*unknown_in_flight <= self.limits.max_in_flight);
        let unknown = self.pending.iter().filter(|pending| pending.flight.is_unknown).count();
        assert_eq!(*unknown_in_flight, unknown);
        let pending: HashSet<&Issuer> = self.pending.iter().map(|pending| &pending.flight.key).collect();
        assert!(flights.keys().all(|issuer| pending.contains(issuer)));
        assert!(slots.keys().all(|issuer| issuer.as_str().starts_with("tenant-")));
        // The rate holds over the whole life.
        let elapsed = self.now.since(Moment::START);
        let most = 8 + elapsed.as_millis() / 500 + 1;
        assert!(u128::from(self.unknown_lookups) <= most, "{} lookups in {elapsed:?}", self.unknown_lookups);
    }
}

#[test]
fn directory_keeps_its_rules_in_a_long_simulation() {
    let (mut served, mut bridged, mut unknown) = (0, 0, 0);
    for seed in 0..u64::from(STEPS / LIFE) {
        let mut world = World::new(seed);
        for _ in 0..LIFE {
            world.step();
        }
        served += world.served;
        bridged += world.bridged;
        unknown += world.unknown_lookups;
    }
    // The simulation covered the interesting cases.
    assert!(served > 10_000 && bridged > 100 && unknown > 1000, "{served} {bridged} {unknown}");
}
