//! From the revocation of a session to the decision of [`RevokedSessions`].

use tollgate::{Algorithm, Audience, Issuer, Verifier};

use super::*;
use crate::issuing::{AccessToken, ClientId, SigningKey, TokenIssuer};
use crate::session::{RevokeReason, SessionInfo};
use crate::sessions::tokens::{RefreshKey, RefreshKeys};
use crate::sessions::{Login, SessionSettings, Sessions};
use crate::store::{FeedCursor, FeedPage, MemoryStore, StoreFuture};

const ISSUER: &str = "https://issuer.example";

struct World {
    sessions: Sessions,
    issuer: TokenIssuer,
    clock: StoreClock,
}

impl World {
    fn new() -> Self {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_500));
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

    async fn log_in(&self, subject: &str) -> (SessionInfo, Verified) {
        let session = self.sessions.create(&Login::new(subject)).await.unwrap().session;
        let token = self.verified(&AccessToken::of_session(&session, ClientId::new("web")));
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

/// Lets all ready tasks run.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn revoked_sessions_reject_tokens_once_a_session_is_revoked() {
    let world = World::new();
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    settle().await;
    let is_revoked = |token: &Verified| revoked.is_revoked(token, world.now()).unwrap();
    let (one, first_token) = world.log_in("alice").await;
    let (_, second_token) = world.log_in("alice").await;
    let (_, bobs_token) = world.log_in("bob").await;
    let sessionless = world.verified(&AccessToken::new("alice", ClientId::new("web")));
    assert!(![&first_token, &second_token, &bobs_token, &sessionless].into_iter().any(is_revoked));
    world.sessions.revoke(one.session, "alice", RevokeReason::Logout).await.unwrap();
    settle().await;
    assert!(is_revoked(&first_token) && !is_revoked(&second_token));
    world.sessions.revoke_all("alice", RevokeReason::Administrator).await.unwrap();
    settle().await;
    assert!(is_revoked(&second_token) && !is_revoked(&bobs_token));
    assert!(is_revoked(&sessionless), "issued in the same second");
    // The epoch distinguishes a new login within the same millisecond.
    let (_, third_token) = world.log_in("alice").await;
    assert!(!is_revoked(&third_token));
    world.sessions.revoke_everything(RevokeReason::Administrator).await.unwrap();
    settle().await;
    assert!(is_revoked(&third_token) && is_revoked(&bobs_token));
    following.abort();
}

#[tokio::test]
async fn revoked_sessions_learn_earlier_revocations_after_a_late_start() {
    let world = World::new();
    let (one, first_token) = world.log_in("alice").await;
    world.sessions.revoke(one.session, "alice", RevokeReason::Logout).await.unwrap();
    let revoked = world.revoked();
    assert_eq!(revoked.age(world.now()), None);
    assert!(revoked.is_revoked(&first_token, world.now()).is_err(), "the feed has not answered yet");
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    settle().await;
    assert!(revoked.is_revoked(&first_token, world.now()).unwrap());
    following.abort();
}

#[tokio::test]
async fn revoked_sessions_accept_tokens_of_other_issuers() {
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
async fn revoked_sessions_follow_the_stale_policy_when_the_feed_is_silent() {
    let world = World::new();
    let (_, token) = world.log_in("alice").await;
    let (closed, open) = (world.revoked(), world.revoked().with_stale_policy(StalePolicy::AcceptUntilExpiry));
    let following = tokio::spawn(closed.clone().follow(world.sessions.store()));
    settle().await;
    following.abort();
    let silent = [tokio::spawn(closed.clone().follow(Silent)), tokio::spawn(open.clone().follow(Silent))];
    settle().await;
    let after = |secs| world.now().saturating_add(Duration::from_secs(secs));
    assert_eq!(closed.is_revoked(&token, after(30)), Ok(false));
    for (revoked, secs, last_update, is_stale) in
        [(&closed, 30, Some(30), false), (&closed, 31, Some(31), true), (&open, 0, None, true)]
    {
        let status = revoked.status(after(secs));
        assert_eq!((status.last_update, status.is_stale), (last_update.map(Duration::from_secs), is_stale));
        assert_eq!((status.sessions, status.subjects), (0, 0));
    }
    assert_eq!(closed.age(after(31)), Some(Duration::from_secs(31)));
    let error = closed.is_revoked(&token, after(31)).unwrap_err();
    assert_eq!(error.to_string(), "last update of revoked sessions was 31 s ago");
    assert_eq!(open.is_revoked(&token, after(31)), Ok(false));
    for task in silent {
        task.abort();
    }
}

/// [`Sessions::is_live`] reports a revocation at once, and [`RevokedSessions::status`] after the announcement.
#[tokio::test]
async fn is_live_reports_a_revocation_before_the_feed_does() {
    let world = World::new();
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(world.sessions.store()));
    let (one, first_token) = world.log_in("alice").await;
    let (two, second_token) = world.log_in("alice").await;
    let live = async |token: &Verified| world.sessions.is_live(token).await.unwrap();
    assert!(live(&first_token).await && live(&second_token).await);
    assert!(
        !live(&world.verified(&AccessToken::new("alice", ClientId::new("web")))).await,
        "a token without a session"
    );
    world.sessions.revoke(one.session, "alice", RevokeReason::Logout).await.unwrap();
    assert!(!live(&first_token).await && live(&second_token).await);
    world.sessions.revoke_others("alice", two.session, RevokeReason::PasswordChange).await.unwrap();
    assert!(!live(&second_token).await, "the session stays live, but its earlier access tokens are revoked");
    settle().await;
    let status = revoked.status(world.now());
    assert_eq!((status.last_update, status.is_stale), (Some(Duration::ZERO), false));
    assert_eq!((status.sessions, status.subjects), (1, 1));
    following.abort();
}

/// A subject can have more sessions than the settings allow: after a change of settings, or after concurrent
/// logins.
#[tokio::test]
async fn is_live_finds_a_session_when_the_subject_has_more_than_allowed() {
    let world = World::new();
    let few = world
        .sessions
        .clone()
        .with_settings(SessionSettings::default().with_sessions_per_subject(1).unwrap());
    let many = world
        .sessions
        .clone()
        .with_settings(SessionSettings::default().with_sessions_per_subject(1000).unwrap());
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
    world.sessions.revoke(first.session, "alice", RevokeReason::Logout).await.unwrap();
    assert!(!few.is_live(token).await.unwrap());
}

/// A store that signals no changes, like a file that another process writes.
#[derive(Debug)]
struct Unsignaled(Arc<dyn crate::store::SessionStore>);

impl RevocationFeed for Unsignaled {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.0.revocations(after)
    }
}

#[tokio::test(start_paused = true)]
async fn revoked_sessions_poll_when_the_feed_signals_no_change() {
    let world = World::new();
    let (session, token) = world.log_in("alice").await;
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(Unsignaled(world.sessions.store())));
    settle().await;
    world.sessions.revoke(session.session, "alice", RevokeReason::Logout).await.unwrap();
    settle().await;
    assert!(!revoked.is_revoked(&token, world.now()).unwrap(), "no signal yet");
    tokio::time::sleep(POLL_INTERVAL + Duration::from_millis(1)).await;
    assert!(revoked.is_revoked(&token, world.now()).unwrap());
    following.abort();
}

/// A feed with pages of two announcements. It fails after a number of pages.
#[derive(Debug)]
struct Paged {
    store: Arc<dyn crate::store::SessionStore>,
    /// The number of pages until the feed fails.
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

/// Pages are read without a pause, and the state is not up to date before the last one. After a failure,
/// reading continues after the last page that was read.
#[tokio::test(start_paused = true)]
async fn revoked_sessions_read_all_pages_before_they_are_up_to_date() {
    let world = World::new();
    let mut tokens = Vec::new();
    for _ in 0..7 {
        let (session, token) = world.log_in("alice").await;
        world.sessions.revoke(session.session, "alice", RevokeReason::Logout).await.unwrap();
        tokens.push(token);
    }
    let (_, live) = world.log_in("alice").await;
    let (store, left) = (world.sessions.store(), Arc::new(AtomicI64::new(2)));
    let revoked = world.revoked();
    let following = tokio::spawn(revoked.clone().follow(Paged { store, left: Arc::clone(&left) }));
    settle().await;
    let revoked_count = || revoked.status(world.now()).sessions;
    assert_eq!((revoked_count(), revoked.age(world.now())), (4, None), "two pages of four");
    assert!(revoked.is_revoked(&live, world.now()).is_err(), "there may be more");
    left.store(i64::MAX, Ordering::SeqCst);
    tokio::time::sleep(POLL_INTERVAL + Duration::from_millis(1)).await;
    settle().await;
    assert_eq!((revoked_count(), revoked.age(world.now())), (7, Some(Duration::ZERO)));
    assert!(tokens.iter().all(|token| revoked.is_revoked(token, world.now()).unwrap()));
    assert!(!revoked.is_revoked(&live, world.now()).unwrap());
    following.abort();
}

#[test]
fn revoked_set_merges_announcements_in_any_order() {
    let at = |secs: i64| UnixMillis::from_millis(secs * 1000);
    let entry = |min_epoch, secs| RevocationEntry {
        revocation: crate::store::Revocation::Subject { subject: "alice".into(), min_epoch },
        until: at(secs),
    };
    let entries = [entry(5, 10), entry(9, 4), entry(5, 10), entry(2, 3)];
    let mut forward = RevokedSet::default();
    let mut reverse = RevokedSet::default();
    for (one, other) in entries.iter().zip(entries.iter().rev()) {
        forward.add(one.clone());
        reverse.add(other.clone());
    }
    for revoked in [&mut forward, &mut reverse] {
        revoked.evict_expired(at(9));
        assert_eq!(revoked.min_epoch("alice"), 9);
        revoked.evict_expired(at(10));
        assert_eq!(revoked.min_epoch("alice"), 0);
    }
}
