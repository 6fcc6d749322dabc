//! The scripts decide as the memory store does, and Redis removes their records when they expire.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::session::{
    Fingerprint, Lifetimes, NewSession, RevokeReason, SecretHash, SessionId, SessionInfo, StoreClock,
    UnixMillis,
};
use tollgate_sessions::store::{
    Durability, MemoryStore, RefreshPolicy, Revocation, RevocationFeed as _, RevokeRequest, RevokeScope,
    RotateLifetimes, RotateMode, RotateOutcome, RotateRequest, SessionStore,
};

use super::Shared;

const STEPS: u32 = 10_000;
const SECOND: i64 = 1_000;
/// The furthest step back of the clock. The test does not touch sessions this close to their expiry.
const BACK: i64 = 5 * SECOND;
const ANNOUNCED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Runs ten thousand random steps on Redis and in memory.
pub fn scripts_agree_with_the_memory_store(shared: &Shared) {
    let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
    let (redis, model) = (shared.store(clock.clone()), MemoryStore::new().with_clock(clock.clone()));
    let mut steps = Steps {
        redis,
        model,
        latest: clock.now().as_millis(),
        clock,
        known: Vec::new(),
        random: 7,
        seen: BTreeSet::new(),
    };

    crate::runtime().block_on(async {
        for step in 0..STEPS {
            steps.tick();
            steps.step(step).await;
        }
        steps.compare_announcements().await;
    });

    for outcome in [
        "Rotated",
        "Replayed",
        "StoreBehind",
        "Recovered",
        "Reuse",
        "Revoked(Reuse)",
        "Revoked(SubjectRevoked)",
        "Revoked(Logout)",
        "Expired",
        "Unknown",
        "unlike",
    ] {
        let found = steps.seen.iter().any(|seen| seen.contains(outcome));
        assert_eq!(found, outcome != "unlike", "{outcome} came up: {:?}", steps.seen);
    }
}

struct Steps {
    redis: tollgate_sessions::store::RedisStore,
    model: MemoryStore,
    clock: StoreClock,
    /// The latest time of the clock so far.
    latest: i64,
    known: Vec<Known>,
    random: u64,
    /// The outcomes so far, to show that the test covers all of them.
    seen: BTreeSet<String>,
}

struct Known {
    new: NewSession,
    generation: u32,
    idle_expiry: i64,
}

impl Known {
    /// Returns the time since the expiry of the session, which is negative for a live session.
    fn expired_for(&self, latest: i64) -> i64 {
        latest - self.idle_expiry
    }
}

impl Steps {
    fn below(&mut self, limit: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn tick(&mut self) {
        let forward = self.pick(&[0, 0, 1, 500, 5_000, 20_000, 31_000, 61_000]);
        self.latest += forward;
        let back = if self.below(12) == 0 { self.below(BACK as u64) as i64 } else { 0 };
        self.clock.set(UnixMillis::from_millis(self.latest - back));
    }

    async fn step(&mut self, step: u32) {
        if self.known.len() < 4 || self.below(10) == 0 {
            return self.begin().await;
        }

        let recent = self.known.len().min(12);
        let index = self.known.len() - 1 - self.below(recent as u64) as usize;
        let expired_for = self.known[index].expired_for(self.latest);

        if expired_for.abs() <= 2 * BACK {
            return;
        }

        let new = self.known[index].new.clone();
        match self.below(40) {
            0 | 1 if expired_for < 0 => {
                let owner = self.pick(&[None, Some("alice"), Some("bob")]).map(Into::into);
                self.revoke(RevokeScope::Session { session: new.session, owner }, step).await;
            }
            2 => self.revoke(RevokeScope::Subject { subject: new.subject, keep: None }, step).await,
            3 if expired_for < 0 => {
                let keep = Some(new.session);
                let subject = self.pick(&["alice", "bob"]).into();
                self.revoke(RevokeScope::Subject { subject, keep }, step).await;
            }
            4 if self.below(8) == 0 => self.revoke(RevokeScope::Everything, step).await,
            5 => drop(self.redis.purge(10).await.expect("purged")),
            _ => self.rotate(index, expired_for > 0, step).await,
        }
        self.compare_lists(step).await;
    }

    async fn begin(&mut self) {
        let mut id = [0; 16];
        let mut hash = [0; 32];
        id.iter_mut().chain(&mut hash).for_each(|byte| *byte = self.below(256) as u8);
        let print = self.below(3) as u8;
        let absolute = Duration::from_secs(self.pick(&[1_200, 3_600]));
        let idle = Duration::from_secs(self.pick(&[600, 1_800, 100_000])).min(absolute);
        let subject = self.pick(&["alice", "bob", "c}{\u{0}\r\n€"]);
        let lifetimes = Lifetimes::new(idle, absolute).expect("within the bounds");
        let new =
            NewSession::new(SessionId::from_bytes(id), subject, SecretHash::from_bytes(hash), lifetimes)
                .with_fingerprint((print > 0).then(|| Fingerprint::from_bytes([print; 8])))
                .with_meta(self.pick(&[None, Some(""), Some("{\"device\":\"phone\"}")]).map(Into::into));

        let one = self.redis.create(&new).await.expect("created");
        let two = self.model.create(&new).await.expect("created");

        assert_eq!(alike(&one), alike(&two));
        self.known.push(Known { new, generation: 0, idle_expiry: two.idle_expiry.as_millis() });
    }

    async fn rotate(&mut self, index: usize, expired: bool, step: u32) {
        let Known { new, generation, .. } = &self.known[index];
        let (new, generation) = (new.clone(), *generation);
        let chosen = self.below(24);
        let presented = match chosen {
            0 => generation.saturating_add(3),
            1 => generation.saturating_sub(2),
            2 => self.pick(&[u32::MAX, u32::MAX - 1, 0]),
            3..9 => generation.saturating_sub(1),
            _ => generation,
        };
        let grace_period = Duration::from_secs(self.pick(&[0, 30, 60]));
        let recovery_period = Duration::from_secs(self.pick(&[0, 3_600]));
        let policy = RefreshPolicy::default().with_grace_period(grace_period);
        let policy = policy.and_then(|policy| policy.with_recovery_period(recovery_period));
        let mut policy = policy.expect("within the bounds");

        if self.below(3) == 0 {
            policy = policy.without_accepting_newer();
        }

        let secret_hash = if self.below(30) == 0 { SecretHash::from_bytes([1; 32]) } else { new.secret_hash };
        let mode = if self.below(5) == 0 { RotateMode::Preview } else { RotateMode::Commit };
        let command = RotateRequest::new(new.session, presented, secret_hash, lifetimes_of(&new))
            .with_fingerprint(self.pick(&[None, Some(Fingerprint::from_bytes([9; 8]))]))
            .with_policy(policy)
            .with_mode(mode);
        let one = self.redis.rotate(&command).await.expect("an answer");
        let two = self.model.rotate(&command).await.expect("an answer");

        if let RotateOutcome::Live(refreshed) = &two {
            self.known[index].generation = refreshed.session.generation;
            self.known[index].idle_expiry = refreshed.session.idle_expiry.as_millis();
        }

        self.seen.insert(format!("{one:?}").chars().take(40).collect());
        // Redis may have removed an expired session that the memory store still has.
        let removed = expired && one == RotateOutcome::Unknown;
        let ended_or_expired =
            matches!(two, RotateOutcome::Revoked(_) | RotateOutcome::Expired(_) | RotateOutcome::Unknown);
        assert!(
            (removed && ended_or_expired) || normal(&one) == normal(&two),
            "step {step}: {one:?} is not {two:?}: {command:?}"
        );
    }

    async fn revoke(&mut self, scope: RevokeScope, step: u32) {
        let command = RevokeRequest::new(scope, RevokeReason::Logout, ANNOUNCED);
        let one = self.redis.revoke(&command).await.expect("an answer");
        let two = self.model.revoke(&command).await.expect("an answer");
        assert_eq!(one.changed, two.changed, "step {step}: {command:?}");
        assert_eq!(one.durability, Durability::BestEffort, "this server has no persistence");
    }

    async fn compare_lists(&mut self, step: u32) {
        let close: Vec<SessionId> = self
            .known
            .iter()
            .filter(|known| known.expired_for(self.latest).abs() <= 2 * BACK)
            .map(|known| known.new.session)
            .collect();
        for subject in ["alice", "bob"] {
            let clear = |views: Vec<SessionInfo>| {
                let clear = views.into_iter().filter(|view| !close.contains(&view.session));
                clear.map(|view| alike(&view)).collect::<BTreeSet<_>>()
            };
            let one = clear(self.redis.list(subject, 1000).await.expect("a list"));
            let two = clear(self.model.list(subject, 1000).await.expect("a list"));
            assert_eq!(one, two, "step {step}: {subject}");
        }
    }

    async fn compare_announcements(&self) {
        let mut there = BTreeSet::new();
        let mut cursor = None;
        loop {
            let page = self.redis.revocations(cursor.as_ref()).await.expect("a page");
            there.extend(page.entries.iter().map(|entry| about(&entry.revocation)));
            cursor = Some(page.cursor);
            if !page.more {
                break;
            }
        }

        let here = self.model.revocations(None).await.expect("a page").entries;
        let here: BTreeSet<_> = here.iter().map(|entry| about(&entry.revocation)).collect();
        assert_eq!(there, here);
        assert!(there.len() > 100, "{}", there.len());
    }
}

/// Formats a session for comparison, without its epochs, which differ between stores.
fn alike(view: &SessionInfo) -> String {
    let SessionInfo { session, subject, created_at, last_used_at, absolute_expiry, idle_expiry, .. } = view;
    let (generation, fingerprint, meta) = (view.generation, view.fingerprint, &view.meta);
    format!(
        "{session} {subject:?} {created_at} {last_used_at} {absolute_expiry} {idle_expiry} {generation} {fingerprint:?} {meta:?}"
    )
}

fn normal(rotation: &RotateOutcome) -> String {
    match rotation {
        RotateOutcome::Live(refreshed) => format!("{:?} {}", refreshed.kind, alike(&refreshed.session)),
        RotateOutcome::Reuse(view) => format!("reuse {}", alike(view)),
        other => format!("{other:?}"),
    }
}

fn about(revocation: &Revocation) -> String {
    match revocation {
        Revocation::Session(session) => session.to_string(),
        Revocation::Subject { subject, .. } => format!("all of {subject:?}"),
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}

fn session(store: &str) -> NewSession {
    let clock = StoreClock::server();
    let session = SessionId::generate(clock.now()).expect("an id");
    let lifetimes =
        Lifetimes::new(Duration::from_secs(600), Duration::from_secs(900)).expect("within the bounds");
    NewSession::new(session, store, SecretHash::from_bytes([3; 32]), lifetimes)
}

fn lifetimes_of(new: &NewSession) -> RotateLifetimes {
    RotateLifetimes { idle: new.lifetimes.idle(), announce_for: ANNOUNCED }
}

/// Redis removes an expired session to the millisecond, by its own clock.
pub fn redis_removes_expired_sessions(shared: &Shared) {
    let prefix = shared.prefix();
    let store = super::store(&shared.0, &prefix);
    let expires = |key: &str| -> i64 { shared.0.ask(&["PEXPIRETIME", &format!("{prefix}{key}")]) };

    crate::runtime().block_on(async {
        let new = session("alice");
        let key = format!("s:{{{}}}", new.session);
        let view = store.create(&new).await.expect("created");
        assert_eq!(expires(&key), view.idle_expiry.as_millis());
        assert!(expires("i:{alice}") >= view.absolute_expiry.as_millis());
        let policy = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within the bounds");
        let longer = RotateLifetimes { idle: new.lifetimes.idle() * 10, announce_for: ANNOUNCED };
        let command = RotateRequest::new(new.session, 0, new.secret_hash, longer).with_policy(policy);
        let RotateOutcome::Live(refreshed) = store.rotate(&command).await.expect("an answer") else {
            panic!("live")
        };
        assert_eq!(refreshed.session.idle_expiry, view.absolute_expiry);
        assert_eq!(expires(&key), view.absolute_expiry.as_millis());
        assert!(matches!(store.rotate(&command).await.expect("an answer"), RotateOutcome::Reuse(_)));
        assert_eq!(
            expires(&key),
            view.absolute_expiry.as_millis(),
            "the record lives no longer than the session could have"
        );
        let scope = RevokeScope::Subject { subject: "alice".into(), keep: None };
        let revoke = RevokeRequest::new(scope, RevokeReason::Administrator, ANNOUNCED);
        store.revoke(&revoke).await.expect("written");
        let days = (expires("u:{alice}") - view.created_at.as_millis()) / (24 * 3600 * SECOND);
        assert_eq!(days, 401);

        let gone = session("alice");
        store.create(&gone).await.expect("created");
        let at_once = RotateLifetimes { idle: Duration::ZERO, announce_for: ANNOUNCED };
        let command = RotateRequest::new(gone.session, 0, gone.secret_hash, at_once).with_policy(policy);
        assert!(matches!(store.rotate(&command).await.expect("an answer"), RotateOutcome::Live(_)));
        assert_eq!(store.rotate(&command).await.expect("an answer"), RotateOutcome::Unknown);
        assert_eq!(super::listed(&store, "alice").await, 0);
    });
}

/// Six stores concurrently revoke all sessions but their own. In every other round a seventh also revokes everything.
pub fn concurrent_revocations_leave_no_session(shared: &Shared) {
    crate::runtime().block_on(async {
        for round in 0..40 {
            let prefix = shared.prefix();
            let mut tasks = Vec::new();
            for _ in 0..6 {
                let store = Arc::new(super::store(&shared.0, &prefix));
                let new = session("alice");
                store.create(&new).await.expect("created");
                tasks
                    .push((store, RevokeScope::Subject { subject: "alice".into(), keep: Some(new.session) }));
            }

            if round % 2 == 1 {
                let store = Arc::new(super::store(&shared.0, &prefix));
                tasks.insert(3, (store, RevokeScope::Everything));
            }

            let tasks = tasks.into_iter().map(|(store, scope)| {
                let revoke = RevokeRequest::new(scope, RevokeReason::PasswordChange, ANNOUNCED);
                tokio::spawn(async move { store.revoke(&revoke).await })
            });

            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("it ends").expect("written");
            }

            let left = super::listed(&super::store(&shared.0, &prefix), "alice").await;
            assert_eq!(left, 0, "round {round}: each store revokes the sessions of the others");
        }
    });
}
