//! Simulates a million steps against an issuer that rotates and removes keys and fails, with clients that name
//! known, guessed and forged keys.

use tollgate::{Algorithm, KeyId, KeySetId};
use tollgate_testing::keys;

use super::*;

const STEPS: u32 = 1_000_000;
/// The number of steps before the simulation starts afresh.
const LIFE: u32 = 20_000;

/// The published keys at one time: the current key and the one before.
struct Issuer {
    sets: Vec<KeySet>,
    generation: usize,
    is_down: bool,
}

impl Issuer {
    fn published(&self) -> usize {
        self.generation % self.sets.len()
    }
}

/// The pending refresh.
struct Question {
    began: Moment,
    generation: usize,
    ends: Moment,
    fails: bool,
}

struct World {
    cache: KeySetCache,
    settings: RefreshSettings,
    random: fastrand::Rng,
    issuer: Issuer,
    now: Moment,
    question: Option<Question>,
    /// The index of the document that the cache must hold, and the start of the refresh that fetched it.
    believed: Option<(usize, Moment)>,
    last_demanded: Option<Moment>,
    demanded: bool,
    /// The ID of the set before the current one.
    replaced: Option<KeySetId>,
    joined_after_failure: u64,
    refreshes: u64,
    failures: u64,
    unavailable: u64,
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn wanted(key_id: &str) -> WantedKey {
    WantedKey { key_id: Some(KeyId::new(key_id).unwrap()), algorithm: Algorithm::Es256, failed: None }
}

/// Returns a ring of documents, each with a key of its own and the key of its predecessor.
fn documents() -> Vec<KeySet> {
    let key = keys::verifying(Algorithm::Es256);
    let named = |n: usize| key.clone().with_key_id(format!("k{n}")).unwrap();
    (0..16).map(|n| KeySet::new([named(n), named((n + 15) % 16)]).unwrap()).collect()
}

impl World {
    fn new(seed: u64, sets: &[KeySet]) -> Self {
        let settings = RefreshSettings::new()
            .with_lifetime_bounds(secs(5), secs(120))
            .with_max_staleness(secs(300))
            .with_cooldown(secs(10))
            .with_negative_cache(64, secs(20))
            .with_max_waiting(32)
            .with_longest_retry_after(secs(30));
        Self {
            cache: KeySetCache::new(settings.clone(), fastrand::Rng::with_seed(seed)),
            settings,
            random: fastrand::Rng::with_seed(!seed),
            issuer: Issuer { sets: sets.to_vec(), generation: 0, is_down: false },
            now: Moment::START,
            question: None,
            believed: None,
            last_demanded: None,
            demanded: false,
            replaced: None,
            joined_after_failure: 0,
            refreshes: 0,
            failures: 0,
            unavailable: 0,
        }
    }

    fn step(&mut self) {
        match self.random.u32(0..100) {
            0..=59 => self.now = self.now.plus(Duration::from_millis(self.random.u64(0..1500))),
            60 => self.now = self.now.plus(secs(self.random.u64(0..400))),
            61..=62 => self.issuer.generation += 1,
            63 => self.issuer.is_down = self.random.u32(0..4) == 0,
            64..=79 => {
                let forged = format!("forged-{}", self.random.u32(..));
                self.ask(&forged);
            }
            80..=89 => self.ask(&format!("k{}", self.issuer.published())),
            90..=95 => {
                let guessed = format!("k{}", self.random.u32(0..20));
                self.ask(&guessed);
            }
            96..=97 => self.ask_without_keys(),
            _ => self.ask_after_a_failed_signature(),
        }
        self.end_question();
        self.drive();
        self.check();
    }

    fn ask(&mut self, key_id: &str) {
        if self.cache.freshness(self.now) == Freshness::Unavailable {
            return self.ask_without_keys();
        }
        let wanted = wanted(key_id);
        let known = self.cache.keys().is_some_and(|keys| wanted.may_be_in(keys));
        let demand = self.cache.ask(Some(wanted.clone()), self.now);
        assert_eq!(known, demand == Demand::Known);
        if demand == Demand::Join {
            self.demanded = true;
            assert!(self.cache.is_wanted(&wanted));
        }
        if let Some(retry_after) = self.cache.why_unavailable(&wanted, self.now) {
            assert!(retry_after >= secs(1) && retry_after <= secs(600), "{retry_after:?}");
        }
    }

    /// Asks for a key that does not verify a token, in the current set or in the one before.
    fn ask_after_a_failed_signature(&mut self) {
        let Some(current) = self.cache.keys().map(KeySet::id) else { return };
        if self.cache.freshness(self.now) == Freshness::Unavailable {
            return;
        }
        let is_current = self.random.bool();
        let failed = if is_current { Some(current) } else { self.replaced };
        let Some(failed) = failed else { return };
        let key_id = self.random.u32(0..20);
        let wanted = WantedKey { failed: Some(failed), ..wanted(&format!("k{key_id}")) };
        let demand = self.cache.ask(Some(wanted.clone()), self.now);
        assert_eq!(demand == Demand::Known, !is_current, "a replaced set is a reason to verify again");
        if demand == Demand::Join {
            self.demanded = true;
            self.joined_after_failure += 1;
            assert!(self.cache.is_wanted(&wanted));
        }
        assert_eq!(self.cache.why_unavailable(&wanted, self.now), None, "never a 503");
    }

    fn ask_without_keys(&mut self) {
        let demand = self.cache.ask(None, self.now);
        if demand == Demand::Pointless {
            assert!(self.question.is_none(), "a refresh under way can always be joined");
        }
    }

    /// Acts as the task: polls until there is nothing to do.
    fn drive(&mut self) {
        match self.cache.poll(self.now) {
            Step::UnderWay => assert!(self.question.is_some()),
            Step::Wait(until) => {
                assert!(self.question.is_none());
                assert!(until > self.now, "a wait must end in the future");
                assert!(until.since(self.now) <= secs(120), "{until:?} is too far away");
                assert!(!self.demanded, "no request waits for a refresh that does not begin");
            }
            Step::Refresh => self.begin_question(),
        }
    }

    fn begin_question(&mut self) {
        assert!(self.question.is_none(), "one refresh at a time");
        self.refreshes += 1;
        if std::mem::take(&mut self.demanded) {
            if let Some(last) = self.last_demanded {
                assert!(self.now.since(last) >= self.settings.cooldown, "demand within the cooldown");
            }
            self.last_demanded = Some(self.now);
        }
        let slow = self.random.u32(0..10) == 0;
        let takes = Duration::from_millis(self.random.u64(0..if slow { 5000 } else { 200 }));
        self.question = Some(Question {
            began: self.now,
            // The issuer decides at the start of the refresh, which is the worst case for later changes.
            generation: self.issuer.published(),
            ends: self.now.plus(takes),
            fails: self.issuer.is_down || self.random.u32(0..5) == 0,
        });
    }

    fn end_question(&mut self) {
        let has_ended = self.question.as_ref().is_some_and(|question| question.ends <= self.now);
        let Some(question) = self.question.take_if(|_| has_ended) else { return };
        if question.fails {
            self.failures += 1;
            let retry_after = (self.random.u32(0..5) == 0).then(|| secs(self.random.u64(0..100_000)));
            self.cache.finish(Outcome::Failed { retry_after }, self.now);
            // All waiting requests have been notified.
            self.demanded = false;
        } else {
            let lifetime = self.random.bool().then(|| secs(self.random.u64(0..100_000)));
            let is_same = self.believed.is_some_and(|(known, _)| known == question.generation);
            if !is_same {
                self.replaced = self.cache.keys().map(KeySet::id);
            }
            let outcome = if is_same {
                Outcome::Unchanged(lifetime)
            } else {
                Outcome::New(self.issuer.sets[question.generation].clone(), lifetime)
            };
            self.cache.finish(outcome, self.now);
            self.believed = Some((question.generation, question.began));
            self.demanded = !self.cache.wanted.is_empty();
        }
    }

    fn check(&mut self) {
        assert!(self.cache.absent() <= self.settings.max_absent);
        assert!(self.cache.wanted.len() <= self.settings.max_waiting);
        // The keys are those of the last successful refresh, however many failed since.
        let (Some(keys), Some((generation, began))) = (self.cache.keys(), self.believed) else {
            assert!(self.cache.keys().is_none() && self.believed.is_none());
            return;
        };
        assert!(wanted(&format!("k{generation}")).may_be_in(keys));
        assert!(!wanted(&format!("k{}", (generation + 1) % 16)).may_be_in(keys));
        assert_eq!(self.cache.age(self.now), Some(self.now.since(began)));
        // The keys are not used beyond their lifetime and staleness.
        let longest = self.settings.longest_lifetime + self.settings.max_staleness;
        if self.now.since(began) >= longest {
            assert_eq!(self.cache.freshness(self.now), Freshness::Unavailable);
        }
        if self.now.since(began) < self.settings.shortest_lifetime {
            assert_eq!(self.cache.freshness(self.now), Freshness::Fresh);
        }
        self.unavailable += u64::from(self.cache.freshness(self.now) == Freshness::Unavailable);
    }
}

#[test]
fn cache_keeps_its_rules_for_a_million_steps() {
    let sets = documents();
    let (mut refreshes, mut failures, mut unavailable, mut joined_after_failure) = (0, 0, 0, 0);
    for seed in 0..u64::from(STEPS / LIFE) {
        let mut world = World::new(seed, &sets);
        for _ in 0..LIFE {
            world.step();
        }
        refreshes += world.refreshes;
        failures += world.failures;
        unavailable += world.unavailable;
        joined_after_failure += world.joined_after_failure;
    }
    // The simulation covered the interesting cases.
    assert!(
        refreshes > 10_000 && failures > 1000 && unavailable > 100,
        "{refreshes} {failures} {unavailable}"
    );
    assert!(joined_after_failure > 500, "{joined_after_failure}");
}
