//! The scripts decide as `decide` does, and what they leave behind vanishes when it should.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::{
    Durability, EndReason, Fingerprint, MemoryStore, NewSession, Revocation, RevocationFeed as _, Revoke,
    RevokeScope, Rotate, Rotation, RotationPolicy, SecretHash, SessionId, SessionStore, SessionView,
    StoreClock, UnixMillis,
};

use super::Shared;

const STEPS: u32 = 10_000;
const SECOND: i64 = 1_000;
/// The clock never steps back further; what is so close to its end is left alone.
const BACK: i64 = 5 * SECOND;
const ANNOUNCED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Ten thousand steps at random, on Redis and in memory.
pub fn with_memory(shared: &Shared) {
    let clock = StoreClock::by_hand(UnixMillis::from_millis(1_700_000_000_000));
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
        "Ahead",
        "Displaced",
        "Reuse",
        "Ended(Reuse)",
        "Ended(SubjectRevoked)",
        "Ended(Logout)",
        "Expired",
        "Unknown",
        "unlike",
    ] {
        let found = steps.seen.iter().any(|seen| seen.contains(outcome));
        assert_eq!(found, outcome != "unlike", "{outcome} came up: {:?}", steps.seen);
    }
}

struct Steps {
    redis: tollgate_sessions::RedisStore,
    model: MemoryStore,
    clock: StoreClock,
    /// The latest time that there ever was.
    latest: i64,
    known: Vec<Known>,
    random: u64,
    /// Which outcomes came up, so that the test is known to have tested them.
    seen: BTreeSet<String>,
}

struct Known {
    new: NewSession,
    generation: u32,
    idle_expiry: i64,
}

impl Known {
    /// By how much the session is over, or negative if it is not, at the latest time.
    fn over_by(&self, latest: i64) -> i64 {
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
        let over = self.known[index].over_by(self.latest);
        if over.abs() <= 2 * BACK {
            return;
        }
        let new = self.known[index].new.clone();
        match self.below(40) {
            0 | 1 if over < 0 => {
                let owner = self.pick(&[None, Some("alice"), Some("bob")]).map(Into::into);
                self.revoke(RevokeScope::Session { session: new.session, owner }, step).await;
            }
            2 => self.revoke(RevokeScope::Subject { subject: new.subject, keep: None }, step).await,
            3 if over < 0 => {
                let keep = Some(new.session);
                let subject = self.pick(&["alice", "bob"]).into();
                self.revoke(RevokeScope::Subject { subject, keep }, step).await;
            }
            4 if self.below(8) == 0 => self.revoke(RevokeScope::Everything, step).await,
            5 => drop(self.redis.purge(10).await.expect("purged")),
            _ => self.rotate(index, over > 0, step).await,
        }
        self.compare_lists(step).await;
    }

    async fn begin(&mut self) {
        let mut id = [0; 16];
        let mut hash = [0; 32];
        id.iter_mut().chain(&mut hash).for_each(|byte| *byte = self.below(256) as u8);
        let print = self.below(3) as u8;
        let new = NewSession {
            session: SessionId::from_bytes(id),
            subject: self.pick(&["alice", "bob", "c}{\u{0}\r\n€"]).into(),
            secret_hash: SecretHash::from_bytes(hash),
            idle: Duration::from_secs(self.pick(&[600, 1_800, 100_000])),
            absolute: Duration::from_secs(self.pick(&[1_200, 3_600])),
            fingerprint: (print > 0).then(|| Fingerprint::from_bytes([print; 8])),
            meta: self.pick(&[None, Some(""), Some("{\"device\":\"phone\"}")]).map(Into::into),
        };
        let one = self.redis.create(&new).await.expect("created");
        let two = self.model.create(&new).await.expect("created");
        assert_eq!(alike(&one), alike(&two));
        self.known.push(Known { new, generation: 0, idle_expiry: two.idle_expiry.as_millis() });
    }

    async fn rotate(&mut self, index: usize, over: bool, step: u32) {
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
        let mut policy = RotationPolicy::default();
        policy = policy.with_window(Duration::from_secs(self.pick(&[0, 30, 60])));
        policy = policy.with_recovery(Duration::from_secs(self.pick(&[0, 3_600])));
        if self.below(3) == 0 {
            policy = policy.without_accepting_ahead();
        }
        let command = Rotate {
            session: new.session,
            generation: presented,
            secret_hash: if self.below(30) == 0 { SecretHash::from_bytes([1; 32]) } else { new.secret_hash },
            fingerprint: self.pick(&[None, Some(Fingerprint::from_bytes([9; 8]))]),
            policy,
            idle: new.idle,
            announce_for: ANNOUNCED,
        };
        let one = self.redis.rotate(&command).await.expect("an answer");
        let two = self.model.rotate(&command).await.expect("an answer");
        if let Rotation::Live(renewed) = &two {
            self.known[index].generation = renewed.session.generation;
            self.known[index].idle_expiry = renewed.session.idle_expiry.as_millis();
        }
        self.seen.insert(format!("{one:?}").chars().take(40).collect());
        // What is over may have been forgotten there, and not here.
        let forgotten = over && one == Rotation::Unknown;
        let ended_or_expired = matches!(two, Rotation::Ended(_) | Rotation::Expired(_) | Rotation::Unknown);
        assert!(
            (forgotten && ended_or_expired) || normal(&one) == normal(&two),
            "step {step}: {one:?} is not {two:?}: {command:?}"
        );
    }

    async fn revoke(&mut self, scope: RevokeScope, step: u32) {
        let command = Revoke { scope, reason: EndReason::Logout, announce_for: ANNOUNCED };
        let one = self.redis.revoke(&command).await.expect("an answer");
        let two = self.model.revoke(&command).await.expect("an answer");
        assert_eq!(one.changed, two.changed, "step {step}: {command:?}");
        assert_eq!(one.durability, Durability::BestEffort, "this server keeps nothing on a disk");
    }

    async fn compare_lists(&mut self, step: u32) {
        let close: Vec<SessionId> = self
            .known
            .iter()
            .filter(|known| known.over_by(self.latest).abs() <= 2 * BACK)
            .map(|known| known.new.session)
            .collect();
        for subject in ["alice", "bob"] {
            let clear = |views: Vec<SessionView>| {
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

/// Without epochs, which are numbers of each store's own.
fn alike(view: &SessionView) -> String {
    let SessionView { session, subject, auth_time, rotated_at, absolute_expiry, idle_expiry, .. } = view;
    let (generation, fingerprint, meta) = (view.generation, view.fingerprint, &view.meta);
    format!(
        "{session} {subject:?} {auth_time} {rotated_at} {absolute_expiry} {idle_expiry} {generation} {fingerprint:?} {meta:?}"
    )
}

fn normal(rotation: &Rotation) -> String {
    match rotation {
        Rotation::Live(renewed) => format!("{:?} {}", renewed.kind, alike(&renewed.session)),
        Rotation::Reuse(view) => format!("reuse {}", alike(view)),
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
    let clock = StoreClock::of_the_store();
    let session = SessionId::generate(clock.now()).expect("an id");
    NewSession {
        session,
        subject: store.into(),
        secret_hash: SecretHash::from_bytes([3; 32]),
        idle: Duration::from_secs(600),
        absolute: Duration::from_secs(900),
        fingerprint: None,
        meta: None,
    }
}

/// By the clock of the server, Redis removes what is over at the millisecond.
pub fn expiry(shared: &Shared) {
    let prefix = shared.prefix();
    let store = super::store(&shared.0, &prefix);
    let expires = |key: &str| -> i64 { shared.0.ask(&["PEXPIRETIME", &format!("{prefix}{key}")]) };
    crate::runtime().block_on(async {
        let new = session("alice");
        let key = format!("s:{{{}}}", new.session);
        let view = store.create(&new).await.expect("created");
        assert_eq!(expires(&key), view.idle_expiry.as_millis());
        assert!(expires("i:{alice}") >= view.absolute_expiry.as_millis());
        let command = Rotate {
            session: new.session,
            generation: 0,
            secret_hash: new.secret_hash,
            fingerprint: None,
            policy: RotationPolicy::default().with_window(Duration::ZERO),
            idle: new.idle * 10,
            announce_for: ANNOUNCED,
        };
        let Rotation::Live(renewed) = store.rotate(&command).await.expect("an answer") else {
            panic!("live")
        };
        assert_eq!(renewed.session.idle_expiry, view.absolute_expiry);
        assert_eq!(expires(&key), view.absolute_expiry.as_millis());
        assert!(matches!(store.rotate(&command).await.expect("an answer"), Rotation::Reuse(_)));
        assert_eq!(expires(&key), view.absolute_expiry.as_millis(), "no longer than it could have lived");
        let scope = RevokeScope::Subject { subject: "alice".into(), keep: None };
        let revoke = Revoke { scope, reason: EndReason::Administrator, announce_for: ANNOUNCED };
        store.revoke(&revoke).await.expect("written");
        let days = (expires("u:{alice}") - view.auth_time.as_millis()) / (24 * 3600 * SECOND);
        assert_eq!(days, 401);

        let gone = NewSession { idle: Duration::ZERO, ..session("alice") };
        store.create(&gone).await.expect("created");
        let command = Rotate { session: gone.session, ..command };
        assert_eq!(store.rotate(&command).await.expect("an answer"), Rotation::Unknown);
        assert_eq!(super::listed(&store, "alice").await, 0);
    });
}

/// Each ends all sessions but its own, at once; then somebody ends all of them meanwhile.
pub fn concurrent_ends(shared: &Shared) {
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
                let revoke = Revoke { scope, reason: EndReason::PasswordChange, announce_for: ANNOUNCED };
                tokio::spawn(async move { store.revoke(&revoke).await })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("it ends").expect("written");
            }
            let left = super::listed(&super::store(&shared.0, &prefix), "alice").await;
            assert_eq!(left, 0, "round {round}: each of them ends those of the others");
        }
    });
}
