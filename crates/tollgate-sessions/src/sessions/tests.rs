//! Sessions with a memory store, and with a store that fails.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::session::{SessionInfo, UnixMillis};
use crate::sessions::tokens::RefreshKey;
use crate::store::{ExpiryKind, MemoryStore, RefreshKind, RefreshPolicy, RotateOutcome, RotateRequest};
use crate::store::{
    FeedCursor, FeedPage, PurgeOutcome, RevocationFeed, RevokeOutcome, RevokeRequest, StoreErrorKind,
};

const MINUTE: Duration = Duration::from_secs(60);

fn keys() -> RefreshKeys {
    RefreshKeys::new(RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap())
}

fn at_start() -> StoreClock {
    StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000))
}

fn sessions() -> (Sessions, StoreClock) {
    let clock = at_start();
    let store = MemoryStore::new().with_clock(clock.clone());
    (Sessions::new(store, keys(), MINUTE * 10).with_clock(clock.clone()), clock)
}

async fn rotate(sessions: &Sessions, issued: &IssuedSession) -> Result<IssuedSession, RefreshError> {
    sessions.refresh(&issued.refresh_token.expose(), TokenTransport::Body, None).await
}

#[tokio::test]
async fn session_lives_until_its_refresh_token_is_reused() {
    let (sessions, clock) = sessions();
    let login = sessions.create(&Login::new("alice").with_meta("{}")).await.unwrap();
    assert_eq!(login.session.meta.as_deref(), Some("{}"));
    clock.advance(MINUTE);
    let one = rotate(&sessions, &login).await.unwrap();
    assert_eq!(one.kind, Some(RefreshKind::Rotated));
    let again = rotate(&sessions, &login).await.unwrap();
    assert_eq!(again.kind, Some(RefreshKind::Replayed));
    assert!(again.refresh_token == one.refresh_token, "a replay returns the same token");
    clock.advance(MINUTE);
    let two = rotate(&sessions, &one).await.unwrap();
    assert_eq!(two.session.meta.as_deref(), Some("{}"));
    let stolen = rotate(&sessions, &login).await.unwrap_err();
    assert!(matches!(stolen, RefreshError::Reuse), "{stolen}");
    assert!(stolen.is_denial());
    assert!(matches!(rotate(&sessions, &two).await, Err(RefreshError::Revoked(RevokeReason::Reuse))));
}

#[tokio::test]
async fn session_expires_at_its_idle_and_absolute_lifetimes() {
    let (sessions, clock) = sessions();
    let day = MINUTE * 60 * 24;
    let mut issued = sessions.create(&Login::new("alice")).await.unwrap();
    let idle = sessions.create(&Login::new("bob")).await.unwrap();
    let short = sessions.create(&Login::new("carol").with_transient_lifetime()).await.unwrap();
    for _ in 0..2 {
        clock.advance(day * 13);
        issued = rotate(&sessions, &issued).await.unwrap();
    }
    assert!(matches!(rotate(&sessions, &idle).await, Err(RefreshError::Expired(ExpiryKind::Idle))));
    assert!(matches!(rotate(&sessions, &short).await, Err(RefreshError::Expired(_))));
    clock.advance(day * 4);
    assert!(matches!(rotate(&sessions, &issued).await, Err(RefreshError::Expired(ExpiryKind::Absolute))));
}

#[tokio::test]
async fn sessions_are_revoked_by_id_by_subject_and_all_at_once() {
    let (sessions, clock) = sessions();
    let mut all = Vec::new();
    for subject in ["alice", "alice", "alice", "bob"] {
        all.push(sessions.create(&Login::new(subject)).await.unwrap());
    }
    assert_eq!(sessions.list("alice").await.unwrap().len(), 3);
    let id = |index: usize| all[index].session.session;
    let foreign = sessions.revoke(id(0), "bob", RevokeReason::Logout).await.unwrap();
    assert!(!foreign.changed, "the session is not bob's");
    assert!(sessions.revoke(id(0), "alice", RevokeReason::Logout).await.unwrap().changed);
    clock.advance(MINUTE);
    sessions.revoke_others("alice", id(1), RevokeReason::PasswordChange).await.unwrap();
    assert!(matches!(rotate(&sessions, &all[0]).await, Err(RefreshError::Revoked(RevokeReason::Logout))));
    assert!(matches!(
        rotate(&sessions, &all[2]).await,
        Err(RefreshError::Revoked(RevokeReason::SubjectRevoked))
    ));
    let kept = rotate(&sessions, &all[1]).await.unwrap();
    assert!(kept.session.epoch > all[1].session.epoch, "its new access tokens carry a higher epoch");
    assert_eq!(sessions.list("alice").await.unwrap(), std::slice::from_ref(&kept.session));
    sessions.revoke_all("alice", RevokeReason::Administrator).await.unwrap();
    assert!(rotate(&sessions, &kept).await.is_err());
    rotate(&sessions, &all[3]).await.unwrap();
    sessions.revoke_everything(RevokeReason::Administrator).await.unwrap();
    assert!(rotate(&sessions, &all[3]).await.is_err());
    let new = sessions.create(&Login::new("bob")).await.unwrap();
    clock.advance(MINUTE);
    rotate(&sessions, &new).await.unwrap();
    for empty in [sessions.revoke_all("", RevokeReason::Logout).await.err(), sessions.list("").await.err()] {
        assert!(matches!(empty, Some(SessionError::EmptySubject)));
    }
    assert!(matches!(sessions.create(&Login::new("")).await, Err(SessionError::EmptySubject)));
}

#[tokio::test]
async fn logout_accepts_a_token_of_any_generation() {
    let (sessions, clock) = sessions();
    let login = sessions.create(&Login::new("alice")).await.unwrap();
    let mut issued = login.clone();
    for _ in 0..3 {
        clock.advance(MINUTE);
        issued = rotate(&sessions, &issued).await.unwrap();
    }
    assert!(sessions.logout(&login.refresh_token.expose()).await.unwrap().changed);
    assert!(matches!(rotate(&sessions, &issued).await, Err(RefreshError::Revoked(RevokeReason::Logout))));
    clock.advance(MINUTE * 60 * 24 * 40);
    assert!(!sessions.logout(&login.refresh_token.expose()).await.unwrap().changed);
    assert!(matches!(sessions.logout("rt1_").await, Err(RefreshError::Malformed)));
}

#[tokio::test]
async fn refresh_rejects_a_token_of_the_wrong_transport() {
    let (sessions, _clock) = sessions();
    let cookie =
        sessions.create(&Login::new("alice").with_cookie_transport()).await.unwrap().refresh_token.expose();
    let body = sessions.create(&Login::new("alice")).await.unwrap().refresh_token.expose();
    for (token, transport) in [(&cookie, TokenTransport::Body), (&body, TokenTransport::Cookie)] {
        let error = sessions.refresh(token, transport, None).await.unwrap_err();
        assert!(matches!(error, RefreshError::WrongTransport) && !error.is_denial());
    }
    let refreshed = sessions.refresh(&cookie, TokenTransport::Cookie, None).await.unwrap();
    assert!(refreshed.refresh_token.flags().is_cookie_bound());
}

#[tokio::test]
async fn create_revokes_the_least_recently_refreshed_of_too_many_sessions() {
    let (sessions, clock) = sessions();
    let sessions = sessions.with_settings(SessionSettings::default().with_sessions_per_subject(2).unwrap());
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(sessions.create(&Login::new("alice")).await.unwrap());
        clock.advance(MINUTE);
    }
    assert!(matches!(
        rotate(&sessions, &all[0]).await,
        Err(RefreshError::Revoked(RevokeReason::TooManySessions))
    ));
    assert!(rotate(&sessions, &all[1]).await.is_err());
    rotate(&sessions, &all[2]).await.unwrap();
    rotate(&sessions, &all[3]).await.unwrap();
}

#[tokio::test]
async fn replay_by_another_client_revokes_the_session_under_a_strict_policy() {
    let (sessions, _clock) = sessions();
    let strict = sessions
        .clone()
        .with_settings(SessionSettings::default().with_client_mismatch(ClientMismatch::Revoke));
    let token =
        sessions.create(&Login::new("alice").with_client("Firefox")).await.unwrap().refresh_token.expose();
    for client in [Some("Firefox"), None, Some("Chrome")] {
        sessions.refresh(&token, TokenTransport::Body, client).await.unwrap();
    }
    strict.refresh(&token, TokenTransport::Body, Some("Firefox")).await.unwrap();
    let error = strict.refresh(&token, TokenTransport::Body, Some("Chrome")).await.unwrap_err();
    assert!(matches!(error, RefreshError::Reuse));
    assert!(strict.refresh(&token, TokenTransport::Body, Some("Firefox")).await.is_err());
}

/// An attacker who repeats each refresh of a client a moment later is detected in the third generation in a
/// row.
#[tokio::test]
async fn replay_by_another_client_revokes_the_session_in_the_third_generation_in_a_row() {
    let (sessions, clock) = sessions();
    let refresh = async |token: &RefreshToken, client| {
        sessions.refresh(&token.expose(), TokenTransport::Body, Some(client)).await
    };
    let log_in =
        async || sessions.create(&Login::new("alice").with_client("Firefox")).await.unwrap().refresh_token;
    // A generation without a mismatch resets the count.
    let mut token = log_in().await;
    for shadowed in [true, true, false, true, true, false] {
        clock.advance(MINUTE);
        let next = refresh(&token, "Firefox").await.unwrap().refresh_token;
        for client in ["Firefox", if shadowed { "Chrome" } else { "Firefox" }] {
            assert!(refresh(&token, client).await.unwrap().refresh_token == next);
        }
        token = next;
    }
    for generation in 1..=3 {
        clock.advance(MINUTE);
        let next = refresh(&token, "Firefox").await.unwrap().refresh_token;
        // Several tabs of the other client count once.
        for tab in 0..3 {
            let answer = refresh(&token, "Chrome").await;
            match answer {
                Ok(_) => assert!(generation < 3),
                Err(RefreshError::Reuse) => assert_eq!((generation, tab), (3, 0)),
                Err(RefreshError::Revoked(RevokeReason::Reuse)) => assert!(generation == 3 && tab > 0),
                Err(other) => panic!("{other}"),
            }
        }
        token = next;
    }
    assert!(matches!(refresh(&token, "Firefox").await, Err(RefreshError::Revoked(RevokeReason::Reuse))));
    // The order of the two clients does not matter.
    let mut token = log_in().await;
    let mut revoked = None;
    for generation in 1..=3 {
        clock.advance(MINUTE);
        let next = refresh(&token, "Chrome").await.unwrap().refresh_token;
        revoked = refresh(&token, "Firefox").await.err().map(|error| (generation, error.to_string()));
        token = next;
    }
    assert_eq!(revoked, Some((3, RefreshError::Reuse.to_string())));
}

/// A store that fails on request, and counts its calls.
#[derive(Debug, Default)]
struct FailingStore {
    calls: AtomicUsize,
    /// How the next calls fail. The last element comes first. `Corrupt` stands for a call that never answers.
    failures: Mutex<Vec<StoreErrorKind>>,
    /// Whether a refresh takes effect before it fails.
    applies: AtomicBool,
    memory: MemoryStore,
}

impl FailingStore {
    fn fail<T: Send + 'static>(&self) -> Option<StoreFuture<'static, T>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let kind = self.failures.lock().unwrap().pop()?;
        if kind == StoreErrorKind::Corrupt {
            return Some(Box::pin(pending()));
        }
        Some(Box::pin(ready(Err(StoreError::new(kind, "simulated failure")))))
    }
}

impl RevocationFeed for FailingStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.memory.revocations(after)
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.memory.changed()
    }
}

impl SessionStore for FailingStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        self.fail().unwrap_or_else(|| self.memory.create(new))
    }

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        let Some(failure) = self.fail() else { return self.memory.rotate(command) };
        Box::pin(async move {
            if self.applies.load(Ordering::SeqCst) {
                self.memory.rotate(command).await?;
            }
            failure.await
        })
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.fail().unwrap_or_else(|| self.memory.revoke(command))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.memory.list(subject, limit)
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.memory.purge(budget)
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.memory.ping()
    }
}

#[tokio::test]
async fn store_failure_is_no_denial() {
    let store = Arc::new(FailingStore::default());
    let settings = SessionSettings::default().with_store_timeout(Duration::from_millis(20)).unwrap();
    let sessions = Sessions::new(Arc::clone(&store), keys(), MINUTE).with_settings(settings);
    let issued = sessions.create(&Login::new("alice")).await.unwrap();
    let fail_with = |failures: &[StoreErrorKind]| {
        *store.failures.lock().unwrap() = failures.to_vec();
        store.calls.store(0, Ordering::SeqCst);
    };
    let calls = || store.calls.load(Ordering::SeqCst);
    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Contention, StoreErrorKind::Misconfigured] {
        fail_with(&[kind]);
        let error = rotate(&sessions, &issued).await.unwrap_err();
        assert!(matches!(&error, RefreshError::Store(error) if error.kind() == kind));
        assert!(!error.is_denial() && error.retry_after().is_some());
        assert_eq!(calls(), 1);
        fail_with(&[kind]);
        assert!(sessions.logout(&issued.refresh_token.expose()).await.unwrap_err().retry_after().is_some());
    }
    // A call that may have taken effect is retried once. So is a call without an answer (`Corrupt`).
    for kind in [StoreErrorKind::Ambiguous, StoreErrorKind::Corrupt] {
        fail_with(&[kind]);
        rotate(&sessions, &issued).await.unwrap();
        assert_eq!(calls(), 2);
        fail_with(&[kind, kind, kind]);
        let error = rotate(&sessions, &issued).await.unwrap_err();
        assert!(matches!(&error, RefreshError::Store(error) if error.kind() == StoreErrorKind::Ambiguous));
        assert_eq!(calls(), 2);
    }
    // Three refreshes and three logouts, then two refreshes. A call whose retry succeeds is no failure.
    assert_eq!(sessions.counts().store_failures, 8);
    fail_with(&[]);
    rotate(&sessions, &issued).await.unwrap();
    assert_eq!(sessions.counts().store_failures, 8);
}

/// The retry must not look like reuse, even with a grace period of zero.
#[tokio::test]
async fn refresh_replays_a_lost_answer_of_the_store() {
    for grace_period in [0, 30] {
        let store = Arc::new(FailingStore { applies: AtomicBool::new(true), ..FailingStore::default() });
        let rotation = RefreshPolicy::default().with_grace_period(Duration::from_secs(grace_period)).unwrap();
        let settings = SessionSettings::default()
            .with_refresh_policy(rotation)
            .with_store_timeout(Duration::from_millis(20))
            .unwrap();
        let sessions = Sessions::new(Arc::clone(&store), keys(), MINUTE).with_settings(settings);
        let mut issued = sessions.create(&Login::new("alice")).await.unwrap();
        // The store fails with an error, and then by not answering in time.
        for kind in [StoreErrorKind::Ambiguous, StoreErrorKind::Corrupt] {
            *store.failures.lock().unwrap() = vec![kind];
            issued = rotate(&sessions, &issued).await.unwrap();
            assert_eq!(issued.kind, Some(RefreshKind::Replayed), "{grace_period} {kind:?}");
        }
        // Within the grace period, the session does not rotate.
        assert_eq!(issued.session.generation, if grace_period == 0 { 2 } else { 0 });
    }
}

/// A token that none of our keys has made never reaches the store (I8).
#[tokio::test]
async fn forged_token_causes_no_store_call() {
    let store = Arc::new(FailingStore::default());
    let sessions = Sessions::new(Arc::clone(&store), keys(), MINUTE);
    let token = sessions.create(&Login::new("alice")).await.unwrap().refresh_token.expose();
    let calls = store.calls.load(Ordering::SeqCst);
    let other = RefreshKeys::new(RefreshKey::new(1, b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw").unwrap());
    let forged = other.successor(&token.parse().unwrap(), 1).expose();
    for wrong in [forged.as_str(), "", "rt1_", "eyJhbGciOiJub25lIn0.e30."] {
        let error = sessions.refresh(wrong, TokenTransport::Body, None).await.unwrap_err();
        assert!(matches!(error, RefreshError::Forged | RefreshError::Malformed));
        assert!(sessions.logout(wrong).await.is_err());
    }
    assert_eq!(store.calls.load(Ordering::SeqCst), calls);
}

/// A change of a text.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, char),
    Insert(usize, char),
    Remove(usize),
    Cut(usize),
    SwapCase,
    Twice,
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let (position, symbol) = (0..RefreshToken::CHARS, || prop_oneof!["[A-Za-z0-9_=+/ .-]", "\\PC"]);
        let symbol = || symbol().prop_map(|text| text.chars().next().unwrap_or('A'));
        prop_oneof![
            (position.clone(), symbol()).prop_map(|(position, symbol)| Self::Put(position, symbol)),
            (position.clone(), symbol()).prop_map(|(position, symbol)| Self::Insert(position, symbol)),
            position.clone().prop_map(Self::Remove),
            position.prop_map(Self::Cut),
            Just(Self::SwapCase),
            Just(Self::Twice),
        ]
    }

    fn apply(&self, text: &str) -> String {
        let mut symbols: Vec<char> = text.chars().collect();
        match *self {
            Self::Put(position, symbol) => symbols[position] = symbol,
            Self::Insert(position, symbol) => symbols.insert(position, symbol),
            Self::Remove(position) => drop(symbols.drain(position..=position)),
            Self::Cut(position) => symbols.truncate(position),
            Self::SwapCase => return text.to_ascii_uppercase(),
            Self::Twice => return text.repeat(2),
        }
        symbols.into_iter().collect()
    }
}

proptest! {
    /// A changed token is rejected without a call to the store.
    #[test]
    fn changed_token_causes_no_store_call(change in Change::any(), bytes in proptest::collection::vec(any::<u8>(), 54)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let store = Arc::new(FailingStore::default());
        let sessions = Sessions::new(Arc::clone(&store), keys(), MINUTE);
        let token = runtime.block_on(sessions.create(&Login::new("alice"))).unwrap().refresh_token.expose();
        let calls = store.calls.load(Ordering::SeqCst);
        let well_formed = format!("rt1_{}", URL_SAFE_NO_PAD.encode(bytes));
        for text in [change.apply(&token), well_formed] {
            if text == token {
                continue;
            }
            let refused = runtime.block_on(sessions.refresh(&text, TokenTransport::Body, None)).unwrap_err();
            prop_assert!(matches!(refused, RefreshError::Malformed | RefreshError::Forged), "{}", refused);
            prop_assert!(runtime.block_on(sessions.logout(&text)).is_err());
        }
        prop_assert_eq!(store.calls.load(Ordering::SeqCst), calls);
    }
}

#[tokio::test]
async fn refresh_accepts_a_token_once_without_a_grace_period() {
    let (sessions, _clock) = sessions();
    let strict = RefreshPolicy::default().with_grace_period(Duration::ZERO).unwrap();
    let sessions = sessions.with_settings(SessionSettings::default().with_refresh_policy(strict));
    let login = sessions.create(&Login::new("alice")).await.unwrap();
    rotate(&sessions, &login).await.unwrap();
    assert!(matches!(rotate(&sessions, &login).await, Err(RefreshError::Reuse)));
}

#[test]
fn sessions_hide_secrets_in_debug_output() {
    let (sessions, _clock) = sessions();
    let shown = format!("{sessions:?}");
    assert!(!shown.contains("pL2v"), "{shown}");
}
