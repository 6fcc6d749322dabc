//! Runs the same random operations on the store and on a [`MemoryStore`], which decides by
//! [`decide`](tollgate_sessions::store::decide).

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
        expired: HashSet::new(),
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

/// The store, the model, and the sessions of both.
struct Both {
    under: StoreUnderTest,
    model: StoreUnderTest,
    random: Random,
    /// The sessions that may be live.
    sessions: Vec<Known>,
    /// The sessions that have expired. When the clock steps back, they may be live in the model and purged in the
    /// store.
    expired: HashSet<SessionId>,
    /// The current step, for the message of a failure.
    at: String,
}

struct Known {
    new: NewSession,
    generation: u32,
    expiry: UnixMillis,
}

impl Both {
    /// Moves the clock, most often by some seconds, and sometimes so far that sessions expire.
    async fn pass_time(&mut self) {
        let millis = if self.random.below(40) == 0 { 2_400_000 } else { 9_000 };
        self.under.clock.advance(Duration::from_millis(self.random.below(millis)));
        let now = self.under.clock.now();
        for known in self.sessions.extract_if(.., |known| now >= known.expiry) {
            for store in [&self.under, &self.model] {
                let outcome = store.rotate(&known.new, known.generation).await;
                let rejected = !matches!(outcome, RotateOutcome::Live(_) | RotateOutcome::Reuse(_));
                assert!(rejected, "{}: {outcome:?}", self.at);
            }
            self.expired.insert(known.new.session);
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
            0 | 1 => self.revoke(RevokeScope::Session { session, owner: Some(subject) }).await,
            2 => self.revoke(RevokeScope::Session { session, owner: Some("mallory".into()) }).await,
            3 => self.revoke(RevokeScope::Subject { subject, keep: None }).await,
            4 => self.revoke(RevokeScope::Subject { subject, keep: Some(session) }).await,
            5 if self.random.below(3) == 0 => self.revoke(RevokeScope::Everything).await,
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
        let new = self.under.new_session_with(subject, idle, absolute);
        let (one, two) = (self.under.store.create(&new).await, self.model.store.create(&new).await);
        let info = without_epoch(&two.unwrap());
        assert_eq!(without_epoch(&one.unwrap()), info, "{}", self.at);
        self.sessions.push(Known { new, generation: 0, expiry: info.idle_expiry });
    }

    async fn revoke(&self, scope: RevokeScope) {
        let changed = self.under.revoke(scope.clone()).await.changed;
        assert_eq!(changed, self.model.revoke(scope.clone()).await.changed, "{}: {scope:?}", self.at);
        if let (RevokeScope::Session { session, .. }, true) = (scope, changed) {
            self.assert_announced(session).await;
        }
    }

    async fn present_a_wrong_secret(&mut self, index: usize) {
        let Known { new, generation, .. } = self.sessions.get(index).unwrap();
        let mut wrong = new.clone();
        wrong.secret_hash = SecretHash::from_bytes([9; 32]);
        for store in [&self.under, &self.model] {
            let presented = self.random.below(3) == 0;
            let outcome = store.rotate(&wrong, generation + u32::from(presented)).await;
            assert_eq!(outcome, RotateOutcome::Unknown, "{}", self.at);
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
        let request =
            rotate(&known.new, presented).with_policy(policy).with_fingerprint(fingerprint).with_mode(mode);
        let one = self.under.store.rotate(&request).await.unwrap();
        let two = self.model.store.rotate(&request).await.unwrap();
        if let RotateOutcome::Live(refreshed) = &two {
            known.generation = refreshed.session.generation;
            known.expiry = refreshed.session.idle_expiry;
        }
        // A store may purge a session that was revoked with its subject before the session would have expired.
        let is_purged =
            (&one, &two) == (&RotateOutcome::Unknown, &RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
        assert!(
            is_purged || normalized(&one) == normalized(&two),
            "{}: {request:?}: the store returns {one:?}, the model {two:?}",
            self.at
        );
        if matches!(two, RotateOutcome::Reuse(_)) {
            self.assert_announced(request.session).await;
        }
    }

    async fn assert_announced(&self, session: SessionId) {
        let (announced, _) = self.under.announced(None).await;
        assert!(announced.contains(&Revocation::Session(session)), "{}: {session}", self.at);
    }

    async fn compare_lists(&self) {
        for subject in SUBJECTS {
            let [store, model] = [&self.under, &self.model].map(async |store| {
                let mut sessions = store.list(subject).await;
                assert!(
                    sessions.is_sorted_by_key(|info| std::cmp::Reverse(info.last_used_at)),
                    "{}",
                    self.at
                );
                assert!(sessions.iter().all(|info| store.clock.now() < info.idle_expiry), "{}", self.at);
                sessions.retain(|info| !self.expired.contains(&info.session));
                sessions.sort_unstable_by_key(|info| info.session);
                sessions.iter().map(without_epoch).collect::<Vec<_>>()
            });
            assert_eq!(store.await, model.await, "{}: {subject}", self.at);
        }
    }
}

/// Removes the epoch, which is a number of the store's own.
fn without_epoch(info: &SessionInfo) -> SessionInfo {
    let mut info = info.clone();
    info.epoch = 0;
    info
}

fn normalized(outcome: &RotateOutcome) -> RotateOutcome {
    match outcome {
        RotateOutcome::Live(refreshed) => {
            RotateOutcome::Live(Refreshed::new(refreshed.kind, without_epoch(&refreshed.session)))
        }
        RotateOutcome::Reuse(info) => RotateOutcome::Reuse(without_epoch(info)),
        other => other.clone(),
    }
}

const SUBJECTS: [&str; 3] = ["alice", "bob", "carol"];

/// A random generator that gives the same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
