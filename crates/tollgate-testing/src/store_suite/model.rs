//! The same operations on the store and on the one in memory, whose decisions are [`decide`](tollgate_sessions::store::decide).

use std::collections::HashSet;

use tollgate_sessions::session::{Fingerprint, UnixMillis};
use tollgate_sessions::store::Refreshed;

use super::*;

pub(super) async fn store_agrees_with_the_memory_store(under: StoreUnderTest) {
    let model = StoreUnderTest::memory(under.clock.clone());
    let mut both = Both {
        under,
        model,
        random: Random(0),
        sessions: Vec::new(),
        over: HashSet::new(),
        at: String::new(),
    };
    for seed in [0x9e37_79b9_7f4a_7c15, 7, 2_026] {
        both.random = Random(seed);
        for step in 0..250 {
            both.at = format!("seed {seed}, step {step}");
            both.pass_time().await;
            both.step().await;
            both.compare_lists().await;
        }
    }
}

/// The store, the model, and what both have been told.
struct Both {
    under: StoreUnderTest,
    model: StoreUnderTest,
    random: Random,
    /// Those that may be live.
    sessions: Vec<Known>,
    /// Those that have expired: when the clock steps back, the model may know them where the store has forgotten them.
    over: HashSet<SessionId>,
    /// Where it is, for whoever reads that it failed.
    at: String,
}

struct Known {
    new: NewSession,
    generation: u32,
    expiry: UnixMillis,
}

impl Both {
    /// Most often some seconds, now and then long enough for sessions to expire.
    async fn pass_time(&mut self) {
        let millis = if self.random.below(40) == 0 { 2_400_000 } else { 9_000 };
        self.under.clock.advance(Duration::from_millis(self.random.below(millis)));
        let now = self.under.clock.now();
        for known in self.sessions.extract_if(.., |known| now >= known.expiry) {
            for store in [&self.under, &self.model] {
                let rotation = store.rotate(&known.new, known.generation).await;
                let is_over = !matches!(rotation, RotateOutcome::Live(_) | RotateOutcome::Reuse(_));
                assert!(is_over, "{}: {rotation:?}", self.at);
            }
            self.over.insert(known.new.session);
        }
    }

    async fn step(&mut self) {
        if self.sessions.len() < 6 || self.random.below(10) == 0 {
            return self.create().await;
        }
        let recent = self.sessions.len().min(8);
        let index = self.sessions.len() - 1 - usize::try_from(self.random.below(8)).unwrap() % recent;
        let new = self.sessions.get(index).unwrap().new.clone();
        let (session, subject) = (new.session, new.subject.clone());
        match self.random.below(48) {
            0 | 1 => self.end(RevokeScope::Session { session, owner: Some(subject) }).await,
            2 => self.end(RevokeScope::Session { session, owner: Some("mallory".into()) }).await,
            3 => self.end(RevokeScope::Subject { subject, keep: None }).await,
            4 => self.end(RevokeScope::Subject { subject, keep: Some(session) }).await,
            5 if self.random.below(3) == 0 => self.end(RevokeScope::Everything).await,
            6 => self.under.clock.set(self.under.clock.now().saturating_sub(HOUR)),
            7 | 8 => drop(self.under.store.purge(20).await.unwrap()),
            9 | 10 => self.present_a_wrong_secret(index).await,
            _ => self.rotate(index).await,
        }
    }

    async fn create(&mut self) {
        let subject = SUBJECTS.get(usize::try_from(self.random.below(3)).unwrap()).unwrap();
        let idle = Duration::from_secs(300 + self.random.below(3_600));
        let absolute = idle + Duration::from_secs(self.random.below(7_200));
        let new = self.under.unborn_with(subject, idle, absolute);
        let (one, two) = (self.under.store.create(&new).await, self.model.store.create(&new).await);
        let view = plain(&two.unwrap());
        assert_eq!(plain(&one.unwrap()), view, "{}", self.at);
        self.sessions.push(Known { new, generation: 0, expiry: view.idle_expiry });
    }

    async fn end(&self, scope: RevokeScope) {
        let changed = self.under.revoke(scope.clone()).await.changed;
        assert_eq!(changed, self.model.revoke(scope.clone()).await.changed, "{}: {scope:?}", self.at);
        if let (RevokeScope::Session { session, .. }, true) = (scope, changed) {
            self.must_be_announced(session).await;
        }
    }

    async fn present_a_wrong_secret(&mut self, index: usize) {
        let Known { new, generation, .. } = self.sessions.get(index).unwrap();
        let mut wrong = new.clone();
        wrong.secret_hash = SecretHash::from_bytes([9; 32]);
        for store in [&self.under, &self.model] {
            let presented = self.random.below(3) == 0;
            let rotation = store.rotate(&wrong, generation + u32::from(presented)).await;
            assert_eq!(rotation, RotateOutcome::Unknown, "{}", self.at);
        }
    }

    async fn rotate(&mut self, index: usize) {
        let known = self.sessions.get_mut(index).unwrap();
        let presented = match self.random.below(36) {
            0 => known.generation + 2,
            1 => known.generation.saturating_sub(2),
            2..12 => known.generation.saturating_sub(1),
            _ => known.generation,
        };
        let mut policy = RefreshPolicy::default();
        if self.random.below(2) == 0 {
            policy = policy.with_recovery_period(HOUR).unwrap();
        }
        if self.random.below(4) == 0 {
            policy = policy.with_grace_period(Duration::ZERO).unwrap();
        }
        if self.random.below(8) == 0 {
            policy = policy.without_accepting_newer();
        }
        let client = u8::try_from(self.random.below(3)).unwrap();
        let fingerprint = (client > 0).then(|| Fingerprint::from_bytes([client; 8]));
        let mode = if self.random.below(4) == 0 { RotateMode::Preview } else { RotateMode::Commit };
        let command =
            rotate(&known.new, presented).with_policy(policy).with_fingerprint(fingerprint).with_mode(mode);
        let one = self.under.store.rotate(&command).await.unwrap();
        let two = self.model.store.rotate(&command).await.unwrap();
        if let RotateOutcome::Live(refreshed) = &two {
            known.generation = refreshed.session.generation;
            known.expiry = refreshed.session.idle_expiry;
        }
        // One that ended with its subject may be forgotten sooner than it would have expired.
        let is_forgotten =
            (&one, &two) == (&RotateOutcome::Unknown, &RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
        assert!(
            is_forgotten || normal(&one) == normal(&two),
            "{}: {command:?}: {one:?}, and not {two:?}",
            self.at
        );
        if matches!(two, RotateOutcome::Reuse(_)) {
            self.must_be_announced(command.session).await;
        }
    }

    async fn must_be_announced(&self, session: SessionId) {
        let (announced, _) = self.under.announced(None).await;
        assert!(announced.contains(&Revocation::Session(session)), "{}: {session}", self.at);
    }

    async fn compare_lists(&self) {
        for subject in SUBJECTS {
            let [here, there] = [&self.under, &self.model].map(async |store| {
                let mut views = store.list(subject).await;
                assert!(views.is_sorted_by_key(|view| std::cmp::Reverse(view.last_used_at)), "{}", self.at);
                assert!(views.iter().all(|view| store.clock.now() < view.idle_expiry), "{}", self.at);
                views.retain(|view| !self.over.contains(&view.session));
                views.sort_unstable_by_key(|view| view.session);
                views.iter().map(plain).collect::<Vec<_>>()
            });
            assert_eq!(here.await, there.await, "{}: {subject}", self.at);
        }
    }
}

/// Without epochs, which are numbers of each store's own.
fn plain(view: &SessionInfo) -> SessionInfo {
    let mut view = view.clone();
    view.epoch = 0;
    view
}

fn normal(rotation: &RotateOutcome) -> RotateOutcome {
    match rotation {
        RotateOutcome::Live(refreshed) => {
            RotateOutcome::Live(Refreshed::new(refreshed.kind, plain(&refreshed.session)))
        }
        RotateOutcome::Reuse(view) => RotateOutcome::Reuse(plain(view)),
        other => other.clone(),
    }
}

const SUBJECTS: [&str; 3] = ["alice", "bob", "carol"];

/// Random enough for a test, and the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
