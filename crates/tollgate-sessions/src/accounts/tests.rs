//! Tests of accounts, with a store that counts its calls and with cheap hashes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::accounts::passwords::{HashCost, HashUnusable, PasswordHash, PasswordSettings};
use crate::accounts::throttle::{NameDelays, ThrottleSettings};
use crate::accounts::users::{MemoryUsers, StoredCredential};
use crate::session::{StoreClock, UnixMillis};
use crate::sessions::tokens::{RefreshKey, RefreshKeys};
use crate::store::StoreErrorKind;

const PASSWORD: &str = "correct horse battery staple";

/// A user store that counts its calls.
#[derive(Debug, Default)]
struct Counting {
    users: MemoryUsers,
    finds: AtomicUsize,
    adds: AtomicUsize,
    replaces: AtomicUsize,
    replaced: Notify,
    /// The error that every call returns, if any.
    fails: Option<StoreErrorKind>,
}

impl Counting {
    /// Returns the numbers of finds, adds and replacements.
    fn calls(&self) -> [usize; 3] {
        [&self.finds, &self.adds, &self.replaces].map(|count| count.load(Ordering::SeqCst))
    }

    fn answer<'a, T: Send + 'a>(
        &self,
        count: &AtomicUsize,
        answer: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        count.fetch_add(1, Ordering::SeqCst);
        match self.fails {
            Some(kind) => Box::pin(std::future::ready(Err(StoreError::new(kind, "on purpose")))),
            None => answer,
        }
    }
}

impl UserStore for Counting {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        self.answer(&self.finds, self.users.find(login))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        self.answer(&self.finds, self.users.find_subject(subject))
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        self.answer(&self.adds, self.users.add(new))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        let answer = self.answer(&self.replaces, self.users.replace_hash(subject, old, new));
        self.replaced.notify_one();
        answer
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.users.ping()
    }
}

fn cheap() -> PasswordSettings {
    PasswordSettings::default()
        .with_cost(HashCost::insecure_for_tests())
        .with_threads(1)
        .and_then(|settings| settings.with_wait(PasswordSettings::MAX_WAIT))
        .unwrap()
}

fn throttle() -> LoginThrottle {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
    let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
    LoginThrottle::new(&RefreshKeys::new(key)).with_clock(clock)
}

/// A throttle that no test reaches.
fn lenient() -> LoginThrottle {
    let millisecond = Duration::from_millis(1);
    let delays = NameDelays { first: millisecond, longest: millisecond };
    let settings = ThrottleSettings::default().with_name_limit(1000, delays).unwrap();
    throttle().with_settings(settings.with_address_limit(1000, millisecond).unwrap())
}

fn accounts(throttle: LoginThrottle) -> (Accounts, Arc<Counting>) {
    let store = Arc::new(Counting::default());
    (Accounts::new(Arc::clone(&store), Passwords::new(cheap()).unwrap(), throttle), store)
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

async fn register(accounts: &Accounts, name: &str) -> User {
    match accounts.register(name, &password(PASSWORD), None).await.unwrap() {
        RegisterOutcome::Added(user) => user,
        RegisterOutcome::Taken => panic!("taken"),
    }
}

async fn denied(accounts: &Accounts, name: &str, text: &str) -> DenialReason {
    match accounts.check(name, &password(text), None).await {
        Err(LoginError::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

async fn add(store: &Counting, subject: &str, hash: Option<PasswordHash>) {
    let new = NewUser::new(subject, format!("{subject}@example.com").parse().unwrap());
    let new = NewUser { hash, ..new };
    assert_eq!(store.users.add(&new).await.unwrap(), AddOutcome::Added);
}

#[tokio::test]
async fn registered_user_can_log_in() {
    let (accounts, _store) = accounts(throttle());
    let settings = AccountSettings::default().with_roles(["user"]).with_scopes(["read:items"]);
    let accounts = accounts.with_settings(settings);
    let registered = accounts.register(" alice@EXAMPLE.com", &password(PASSWORD), None).await.unwrap();
    let RegisterOutcome::Added(user) = registered else { panic!("{registered:?}") };
    assert_eq!((user.login.as_str(), user.enabled), ("alice@example.com", true));
    assert_eq!((&*user.roles, &*user.scopes), (&["user".to_owned()][..], &["read:items".to_owned()][..]));
    assert_eq!(user.subject.len(), 22);
    let found = accounts.check("alice@example.com ", &password(PASSWORD), None).await.unwrap();
    assert_eq!(found, user);
    assert_eq!(accounts.user(&user.subject).await.unwrap(), Some(user));
    assert_eq!(accounts.user("unknown").await.unwrap(), None);
}

#[tokio::test]
async fn denied_login_costs_one_query_and_one_hash_for_every_reason() {
    let (accounts, store) = accounts(lenient());
    let hash = accounts.passwords().hash(&password(PASSWORD)).await.unwrap();
    add(&store, "alice", Some(hash.clone())).await;
    add(&store, "none", None).await;
    add(&store, "damaged", Some(PasswordHash::from_phc("$2b$12$damaged"))).await;
    add(&store, "disabled", Some(hash)).await;
    assert!(store.users.disable("disabled"));
    let unusable = DenialReason::HashUnusable(HashUnusable::Malformed);
    for (name, text, expected) in [
        ("unknown@example.com", PASSWORD, DenialReason::UnknownUser),
        ("alice@example.com", "wrong", DenialReason::WrongPassword),
        ("none@example.com", PASSWORD, DenialReason::NoPassword),
        ("damaged@example.com", PASSWORD, unusable),
        ("disabled@example.com", PASSWORD, DenialReason::Disabled),
        ("disabled@example.com", "wrong", DenialReason::Disabled),
        ("x", "\0", DenialReason::UnknownUser),
    ] {
        let ([finds, adds, replaces], computed) = (store.calls(), accounts.passwords().counts().computed);
        assert_eq!(denied(&accounts, name, text).await, expected);
        assert_eq!(store.calls(), [finds + 1, adds, replaces], "{name}");
        assert_eq!(accounts.passwords().counts().computed, computed + 1, "{name}");
    }
    // A malformed name is denied early: no user can have it, so the time reveals nothing about users.
    let before = accounts.passwords().counts().computed;
    assert!(matches!(denied(&accounts, "a\0b", PASSWORD).await, DenialReason::MalformedName(_)));
    assert_eq!(accounts.passwords().counts().computed, before);
    assert!(store.users.enable("disabled"));
    assert!(accounts.check("disabled@example.com", &password(PASSWORD), None).await.is_ok());
    let expected = LoginCounts {
        succeeded: 1,
        malformed_name: 1,
        unknown_user: 2,
        wrong_password: 1,
        disabled: 2,
        no_password: 1,
        unusable_hash: 1,
        ..LoginCounts::default()
    };
    assert_eq!(accounts.passwords().counts().buffers, 1);
    assert_eq!(accounts.with_settings(AccountSettings::default()).counts(), expected);
}

#[tokio::test]
async fn register_costs_the_same_for_taken_and_new_names() {
    let (accounts, store) = accounts(lenient());
    let mut before = (store.calls(), accounts.passwords().counts().computed);
    for (name, taken) in [("alice", false), ("alice", true), (" alice ", true), ("bob", false)] {
        let registered = accounts.register(name, &password(PASSWORD), None).await.unwrap();
        assert_eq!(registered == RegisterOutcome::Taken, taken, "{name}");
        let after = (store.calls(), accounts.passwords().counts().computed);
        let ([finds, adds, replaces], computed) = before;
        assert_eq!(after, ([finds, adds + 1, replaces], computed + 1), "{name}");
        before = after;
    }
    let other = accounts.register("alice", &password("another password"), None).await.unwrap();
    assert_eq!(other, RegisterOutcome::Taken);
    assert_eq!(denied(&accounts, "alice", "another password").await, DenialReason::WrongPassword);
}

#[tokio::test]
async fn disallowed_password_is_rejected_without_a_query_or_a_hash() {
    let (accounts, store) = accounts(throttle());
    let accounts = accounts.with_settings(AccountSettings::default().with_maximum_length(64).unwrap());
    for (text, expected) in [
        ("7 chars", NewPasswordError::TooShort { minimum: 8 }),
        (
            "\u{1f510}\u{1f510}\u{1f510}\u{1f510}\u{1f510}\u{1f510}\u{1f510}",
            NewPasswordError::TooShort { minimum: 8 },
        ),
        (&"a".repeat(65), NewPasswordError::TooLong { maximum: 64 }),
    ] {
        let error = accounts.register("alice", &password(text), None).await.unwrap_err();
        assert!(matches!(error, RegisterError::Password(reason) if reason == expected), "{error:?}");
        let error =
            accounts.change_password("alice", &password(PASSWORD), &password(text), None).await.unwrap_err();
        assert!(matches!(error, ChangePasswordError::Password(reason) if reason == expected), "{error:?}");
    }
    let error = accounts.register(" ", &password(PASSWORD), None).await.unwrap_err();
    assert!(matches!(error, RegisterError::Name(_)), "{error:?}");
    assert_eq!((store.calls(), accounts.passwords().counts().computed), ([0; 3], 0));
}

#[tokio::test]
async fn throttled_login_costs_no_query_and_no_hash() {
    let (accounts, store) = accounts(throttle());
    register(&accounts, "alice").await;
    for name in ["alice", "unknown"] {
        for _ in 0..6 {
            denied(&accounts, name, "wrong").await;
        }
        let before = (store.calls(), accounts.passwords().counts());
        for text in ["wrong", PASSWORD] {
            let error = accounts.check(name, &password(text), None).await.unwrap_err();
            assert!(matches!(error, LoginError::Throttled { .. }), "{error:?}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "{name}");
        }
        assert_eq!((store.calls(), accounts.passwords().counts()), before);
    }
    let throttled =
        LoginCounts { throttled: 4, unknown_user: 6, wrong_password: 6, ..LoginCounts::default() };
    assert_eq!(accounts.counts(), throttled);
    let peer = Some(IpAddr::from([192, 0, 2, 1]));
    for number in 0..20 {
        let registered = accounts.register(&format!("user-{number}"), &password(PASSWORD), peer).await;
        assert!(matches!(registered, Ok(RegisterOutcome::Added(_))), "{registered:?}");
    }
    let error = accounts.register("one more", &password(PASSWORD), peer).await.unwrap_err();
    assert!(matches!(error, RegisterError::Throttled { .. }) && error.retry_after().is_some(), "{error:?}");
}

/// Makes accounts with another hash cost than the hashes in the store have.
fn newer(store: &Arc<Counting>) -> Accounts {
    let settings = cheap().with_cost(HashCost::new(7168, 5, 1).unwrap());
    Accounts::new(Arc::clone(store), Passwords::new(settings).unwrap(), lenient())
}

async fn stored(store: &Counting, name: &str) -> PasswordHash {
    store.users.find(&name.parse().unwrap()).await.unwrap().unwrap().hash.unwrap()
}

#[tokio::test]
async fn outdated_hash_is_replaced_once() {
    let (old, store) = accounts(lenient());
    register(&old, "alice").await;
    let before = stored(&store, "alice").await;
    let newer = newer(&store);
    assert_eq!(denied(&newer, "alice", "wrong").await, DenialReason::WrongPassword);
    newer.check("alice", &password(PASSWORD), None).await.unwrap();
    store.replaced.notified().await;
    let after = stored(&store, "alice").await;
    assert!(before != after && after.expose().contains("m=7168,t=5,p=1"), "{}", after.expose());
    for _ in 0..3 {
        newer.check("alice", &password(PASSWORD), None).await.unwrap();
    }
    assert_eq!(store.calls()[2], 1);
    assert_eq!(newer.passwords().counts().computed, 1 + 2 + 3);
    assert_eq!(stored(&store, "alice").await, after);
}

/// Replacements must not occupy all threads, however many users have an outdated hash.
#[tokio::test]
async fn outdated_hashes_are_replaced_one_at_a_time() {
    let (old, store) = accounts(lenient());
    let mut credentials = Vec::new();
    for name in ["alice", "bob"] {
        let user = register(&old, name).await;
        credentials.push(StoredCredential::new(user, Some(stored(&store, name).await)));
    }
    let newer = newer(&store);
    for credential in &credentials {
        newer.rehash(credential.clone(), password(PASSWORD));
    }
    // This login waits in the queue behind the replacement.
    tokio::task::yield_now().await;
    assert_eq!(denied(&newer, "alice", "wrong").await, DenialReason::WrongPassword);
    assert_eq!(newer.passwords().counts().computed, 2);
    store.replaced.notified().await;
    tokio::task::yield_now().await;
    newer.rehash(credentials[1].clone(), password(PASSWORD));
    store.replaced.notified().await;
    assert_eq!(store.calls()[2], 2, "the next login replaces the hash");
}

/// The replacement of a hash of the old password arrives after the password was changed.
#[tokio::test]
async fn replacing_an_outdated_hash_does_not_undo_a_password_change() {
    let (old, store) = accounts(lenient());
    let user = register(&old, "alice").await;
    let before = stored(&store, "alice").await;
    let credential = StoredCredential::new(user.clone(), Some(before));
    old.change_password(&user.subject, &password(PASSWORD), &password("another password"), None)
        .await
        .unwrap();
    store.replaced.notified().await;
    let changed = stored(&store, "alice").await;
    newer(&store).rehash(credential, password(PASSWORD));
    store.replaced.notified().await;
    assert_eq!(stored(&store, "alice").await, changed);
    assert_eq!(denied(&old, "alice", PASSWORD).await, DenialReason::WrongPassword);
    assert!(old.check("alice", &password("another password"), None).await.is_ok());
}

#[tokio::test]
async fn change_password_requires_the_old_password() {
    let (accounts, store) = accounts(throttle());
    let user = register(&accounts, "alice").await;
    let change = async |old: &str| {
        accounts.change_password(&user.subject, &password(old), &password("another password"), None).await
    };
    let wrong = change("wrong").await.unwrap_err();
    assert!(matches!(wrong, ChangePasswordError::Denied(DenialReason::WrongPassword)), "{wrong:?}");
    change(PASSWORD).await.unwrap();
    change(PASSWORD).await.expect("repeating the call succeeds");
    assert!(accounts.check("alice", &password("another password"), None).await.is_ok());
    let unknown = accounts
        .change_password("unknown", &password(PASSWORD), &password(PASSWORD), None)
        .await
        .unwrap_err();
    assert!(matches!(unknown, ChangePasswordError::Denied(DenialReason::UnknownUser)), "{unknown:?}");
    for _ in 0..5 {
        drop(change("wrong").await);
    }
    let throttled = change("another password").await.unwrap_err();
    assert!(matches!(throttled, ChangePasswordError::Throttled { .. }), "{throttled:?}");
    assert!(store.users.disable(&user.subject));
    let accounts = Accounts::new(Arc::clone(&store), accounts.passwords().clone(), lenient());
    let old = password("another password");
    let disabled =
        accounts.change_password(&user.subject, &old, &password(PASSWORD), None).await.unwrap_err();
    assert!(matches!(disabled, ChangePasswordError::Denied(DenialReason::Disabled)), "{disabled:?}");
}

#[tokio::test]
async fn failing_store_denies_no_login_and_charges_no_attempt() {
    for (kind, calls) in [(StoreErrorKind::Unavailable, 1), (StoreErrorKind::Ambiguous, 2)] {
        let store = Arc::new(Counting { fails: Some(kind), ..Counting::default() });
        let accounts = Accounts::new(Arc::clone(&store), Passwords::new(cheap()).unwrap(), throttle());
        for _ in 0..100 {
            let before = store.calls()[0];
            let error = accounts.check("alice", &password(PASSWORD), None).await.unwrap_err();
            assert!(matches!(&error, LoginError::Store(error) if error.kind() == kind), "{error:?}");
            assert!(error.retry_after().is_some());
            assert_eq!(store.calls()[0], before + calls);
        }
        let error = accounts.register("alice", &password(PASSWORD), None).await.unwrap_err();
        assert!(matches!(&error, RegisterError::Store(error) if error.kind() == kind), "{error:?}");
        let error =
            accounts.change_password("a", &password(PASSWORD), &password(PASSWORD), None).await.unwrap_err();
        assert!(matches!(&error, ChangePasswordError::Store(error) if error.kind() == kind), "{error:?}");
        assert_eq!(accounts.user("a").await.unwrap_err().kind(), kind);
        assert_eq!(accounts.counts(), LoginCounts { store_failures: 103, ..LoginCounts::default() });
    }
}

#[tokio::test]
async fn hashing_does_not_block_the_runtime() {
    let (accounts, _store) = accounts(lenient());
    register(&accounts, "alice").await;
    let here = std::thread::current().id();
    let done = Arc::new(Semaphore::new(0));
    let logins = 200;
    for _ in 0..logins {
        let (accounts, done) = (accounts.clone(), Arc::clone(&done));
        drop(tokio::spawn(async move {
            let outcome = accounts.check("alice", &password(PASSWORD), None).await;
            assert!(matches!(outcome, Ok(_) | Err(LoginError::HashPoolBusy { .. })), "{outcome:?}");
            assert_eq!(std::thread::current().id(), here, "one thread runs all tasks");
            done.add_permits(1);
        }));
    }
    // While logins wait for their hashes, the runtime keeps polling this task.
    let mut polls = 0_u32;
    while done.available_permits() < logins {
        tokio::task::yield_now().await;
        polls += 1;
    }
    assert!(polls > 1);
    let LoginCounts { succeeded, busy, .. } = accounts.counts();
    assert_eq!((succeeded + busy, busy), (200, accounts.passwords().counts().refused));
    assert_eq!(accounts.passwords().counts().threads, 1);
}
