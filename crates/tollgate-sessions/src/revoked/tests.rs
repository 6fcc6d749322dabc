//! From an end of a session to the answer of the joint.

use tollgate::{Algorithm, Audience, Issuer, Verifier};

use super::*;
use crate::issuer::{AccessToken, TokenIssuer};
use crate::refresh::{RefreshKey, RefreshKeys};
use crate::session::SessionView;
use crate::sessions::{Login, SessionSettings, Sessions};
use crate::signing::SigningKey;
use crate::store::{EndReason, FeedCursor, FeedPage, MemoryStore, StoreFuture};

const ISSUER: &str = "https://issuer.example";

struct World {
    sessions: Sessions,
    issuer: TokenIssuer,
    clock: StoreClock,
}

impl World {
    fn new() -> Self {
        let clock = StoreClock::by_hand(UnixMillis::from_millis(1_700_000_000_500));
        let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions =
            Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600)).with_clock(clock.clone());
        let issuer = TokenIssuer::new(
            SigningKey::generate(Algorithm::Es256).unwrap(),
            Issuer::new(ISSUER).unwrap(),
            Audience::new("api").unwrap(),
        );
        Self { sessions, issuer, clock }
    }

    fn now(&self) -> UnixTime {
        self.clock.now().to_unix_time()
    }

    async fn log_in(&self, subject: &str) -> (SessionView, Verified) {
        let session = self.sessions.create(&Login::new(subject)).await.unwrap().session;
        let token = self.verified(&AccessToken::of_session(&session, "web"));
        (session, token)
    }

    fn verified(&self, token: &AccessToken) -> Verified {
        let signed = self.issuer.issue(token, self.now()).unwrap();
        let verifier = Verifier::new(
            self.issuer.key_set().unwrap(),
            Issuer::new(ISSUER).unwrap(),
            Audience::new("api").unwrap(),
        );
        verifier.verify(signed.as_str(), self.now()).unwrap()
    }

    fn revoked(&self) -> RevokedSessions {
        RevokedSessions::new(Issuer::new(ISSUER).unwrap()).with_clock(self.clock.clone())
    }
}

/// Waits until all tasks that can run have run.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ends_reach_the_gate() {
    let world = World::new();
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    settle().await;
    let ended = |token: &Verified| revoked.is_revoked(token, world.now()).unwrap();
    let (one, of_one) = world.log_in("alice").await;
    let (_, of_two) = world.log_in("alice").await;
    let (_, of_bob) = world.log_in("bob").await;
    let sessionless = world.verified(&AccessToken::new("alice", "web"));
    assert!(![&of_one, &of_two, &of_bob, &sessionless].into_iter().any(ended));
    world.sessions.revoke(one.session, "alice", EndReason::Logout).await.unwrap();
    settle().await;
    assert!(ended(&of_one) && !ended(&of_two));
    world.sessions.revoke_all("alice", EndReason::Administrator).await.unwrap();
    settle().await;
    assert!(ended(&of_two) && !ended(&of_bob));
    assert!(ended(&sessionless), "issued in the same second");
    // A new login within the same millisecond is told apart by its epoch.
    let (_, of_three) = world.log_in("alice").await;
    assert!(!ended(&of_three));
    world.sessions.revoke_everything(EndReason::Administrator).await.unwrap();
    settle().await;
    assert!(ended(&of_three) && ended(&of_bob));
    following.abort();
}

#[tokio::test]
async fn who_starts_late_hears_all_that_matters() {
    let world = World::new();
    let (one, of_one) = world.log_in("alice").await;
    world.sessions.revoke(one.session, "alice", EndReason::Logout).await.unwrap();
    let revoked = world.revoked();
    assert_eq!(revoked.staleness(world.now()), None);
    assert!(revoked.is_revoked(&of_one, world.now()).is_err(), "nothing is known yet");
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    settle().await;
    assert!(revoked.is_revoked(&of_one, world.now()).unwrap());
    following.abort();
}

#[tokio::test]
async fn tokens_of_others_are_not_judged() {
    let world = World::new();
    let (_, token) = world.log_in("alice").await;
    let other = RevokedSessions::new(Issuer::new("https://other.example").unwrap());
    assert!(!other.is_revoked(&token, world.now()).unwrap());
}

#[derive(Debug)]
struct Silent;

impl RevocationFeed for Silent {
    fn revocations<'a>(&'a self, _after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        Box::pin(std::future::ready(Err(StoreError::new(StoreErrorKind::Unavailable, "silent"))))
    }
}

#[tokio::test]
async fn a_stale_feed_obeys_its_policy() {
    let world = World::new();
    let (_, token) = world.log_in("alice").await;
    let (closed, open) = (world.revoked(), world.revoked().when_stale(WhenStale::AcceptUntilExpiry));
    let following = tokio::spawn(closed.clone().follow(world.sessions.store()));
    settle().await;
    following.abort();
    let silent = [tokio::spawn(closed.clone().follow(Silent)), tokio::spawn(open.clone().follow(Silent))];
    settle().await;
    let after = |secs| world.now().saturating_add(Duration::from_secs(secs));
    assert_eq!(closed.is_revoked(&token, after(30)), Ok(false));
    for (revoked, secs, last_heard, is_stale) in
        [(&closed, 30, Some(30), false), (&closed, 31, Some(31), true), (&open, 0, None, true)]
    {
        let status = revoked.status(after(secs));
        assert_eq!((status.last_heard, status.is_stale), (last_heard.map(Duration::from_secs), is_stale));
        assert_eq!((status.sessions, status.subjects), (0, 0));
    }
    assert_eq!(closed.staleness(after(31)), Some(Duration::from_secs(31)));
    let error = closed.is_revoked(&token, after(31)).unwrap_err();
    assert_eq!(error.to_string(), "ended sessions were last heard of 31 s ago");
    assert_eq!(open.is_revoked(&token, after(31)), Ok(false));
    for task in silent {
        task.abort();
    }
}

/// What is announced is counted, and asking the store finds the same without waiting for it.
#[tokio::test]
async fn who_cannot_wait_asks_the_store() {
    let world = World::new();
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    let (one, of_one) = world.log_in("alice").await;
    let (two, of_two) = world.log_in("alice").await;
    let live = async |token: &Verified| world.sessions.is_live(token).await.unwrap();
    assert!(live(&of_one).await && live(&of_two).await);
    assert!(!live(&world.verified(&AccessToken::new("alice", "web"))).await, "of no session");
    world.sessions.revoke(one.session, "alice", EndReason::Logout).await.unwrap();
    assert!(!live(&of_one).await && live(&of_two).await);
    world.sessions.revoke_others("alice", two.session, EndReason::PasswordChange).await.unwrap();
    assert!(!live(&of_two).await, "the session goes on, its earlier access tokens do not");
    settle().await;
    let status = revoked.status(world.now());
    assert_eq!((status.last_heard, status.is_stale), (Some(Duration::ZERO), false));
    assert_eq!((status.sessions, status.subjects), (1, 1));
    following.abort();
}

/// However few sessions a subject may have: it may have had more before, on another node, or all at once.
#[tokio::test]
async fn a_session_among_very_many_is_live() {
    let world = World::new();
    let few = world.sessions.clone().with_settings(SessionSettings::default().with_sessions_per_subject(1));
    let many =
        world.sessions.clone().with_settings(SessionSettings::default().with_sessions_per_subject(1000));
    let world = World { sessions: many, ..world };
    let mut tokens = Vec::new();
    for _ in 0..200 {
        tokens.push(world.log_in("alice").await);
        world.clock.advance(Duration::from_millis(10));
    }
    for (_, token) in &tokens {
        assert!(few.is_live(token).await.unwrap());
    }
    let (first, token) = &tokens[0];
    world.sessions.revoke(first.session, "alice", EndReason::Logout).await.unwrap();
    assert!(!few.is_live(token).await.unwrap());
}

/// A store that never tells of changes, as a file does that another process writes.
#[derive(Debug)]
struct Untold(Arc<dyn crate::store::SessionStore>);

impl RevocationFeed for Untold {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.0.revocations(after)
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_hint_the_next_poll_finds_it() {
    let world = World::new();
    let (session, token) = world.log_in("alice").await;
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(Untold(world.sessions.store())));
    settle().await;
    world.sessions.revoke(session.session, "alice", EndReason::Logout).await.unwrap();
    settle().await;
    assert!(!revoked.is_revoked(&token, world.now()).unwrap(), "nobody told");
    tokio::time::sleep(POLL + Duration::from_millis(1)).await;
    assert!(revoked.is_revoked(&token, world.now()).unwrap());
    following.abort();
}

/// A feed that gives two announcements at a time, and at some moment none any longer.
#[derive(Debug)]
struct Paged {
    store: Arc<dyn crate::store::SessionStore>,
    /// How many pages it still gives.
    left: Arc<AtomicI64>,
}

impl RevocationFeed for Paged {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        Box::pin(async move {
            if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                return Err(StoreError::new(StoreErrorKind::Unavailable, "no more pages"));
            }
            let all = self.store.revocations(None).await?.entries;
            let read = after.map_or(0, |cursor| cursor.as_str().parse().unwrap());
            let entries: Vec<_> = all.iter().skip(read).take(2).cloned().collect();
            let read = read.saturating_add(entries.len());
            Ok(FeedPage { entries, cursor: FeedCursor::new(read.to_string()), more: read < all.len() })
        })
    }
}

/// They are read one after the other at once, and nobody is up to date before the last one. One that fails is asked for
/// again, from where the one before ended.
#[tokio::test(start_paused = true)]
async fn many_pages_are_followed_to_the_last() {
    let world = World::new();
    let mut tokens = Vec::new();
    for _ in 0..7 {
        let (session, token) = world.log_in("alice").await;
        world.sessions.revoke(session.session, "alice", EndReason::Logout).await.unwrap();
        tokens.push(token);
    }
    let (_, live) = world.log_in("alice").await;
    let (store, left) = (world.sessions.store(), Arc::new(AtomicI64::new(2)));
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(Paged { store, left: Arc::clone(&left) }));
    settle().await;
    let known = || revoked.status(world.now()).sessions;
    assert_eq!((known(), revoked.staleness(world.now())), (4, None), "two pages of four");
    assert!(revoked.is_revoked(&live, world.now()).is_err(), "there may be more");
    left.store(i64::MAX, Ordering::SeqCst);
    tokio::time::sleep(POLL + Duration::from_millis(1)).await;
    settle().await;
    assert_eq!((known(), revoked.staleness(world.now())), (7, Some(Duration::ZERO)));
    assert!(tokens.iter().all(|token| revoked.is_revoked(token, world.now()).unwrap()));
    assert!(!revoked.is_revoked(&live, world.now()).unwrap());
    following.abort();
}

#[test]
fn announcements_merge_in_any_order() {
    let at = |secs: i64| UnixMillis::from_millis(secs * 1000);
    let entry = |min_epoch, secs| RevocationEntry {
        revocation: crate::store::Revocation::Subject { subject: "alice".into(), min_epoch },
        until: at(secs),
    };
    let entries = [entry(5, 10), entry(9, 4), entry(5, 10), entry(2, 3)];
    let mut known = Known::default();
    let mut reverse = Known::default();
    for (one, other) in entries.iter().zip(entries.iter().rev()) {
        known.add(one.clone());
        reverse.add(other.clone());
    }
    for known in [&mut known, &mut reverse] {
        known.forget(at(9));
        assert_eq!(known.min_epoch("alice"), 9);
        known.forget(at(10));
        assert_eq!(known.min_epoch("alice"), 0);
    }
}
