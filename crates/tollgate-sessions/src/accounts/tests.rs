//! Accounts over a store that counts, with cheap hashes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::accounts::passwords::{HashCost, HashUnusable, PasswordSettings};
use crate::accounts::throttle::ThrottleSettings;
use crate::accounts::users::MemoryUsers;
use crate::session::{StoreClock, UnixMillis};
use crate::sessions::tokens::{RefreshKey, RefreshKeys};
use crate::store::StoreErrorKind;

const PASSWORD: &str = "correct horse battery staple";

/// Counts what it is asked.
#[derive(Debug, Default)]
struct Counting {
    users: MemoryUsers,
    finds: AtomicUsize,
    adds: AtomicUsize,
    replaces: AtomicUsize,
    replaced: Notify,
    /// How many answers there will be before it fails, if it does.
    fails: Option<StoreErrorKind>,
}

impl Counting {
    fn asked(&self) -> [usize; 3] {
        [&self.finds, &self.adds, &self.replaces].map(|count| count.load(Ordering::SeqCst))
    }

    fn answer<'a, T: Send + 'a>(
        &self,
        count: &AtomicUsize,
        answer: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        count.fetch_add(1, Ordering::SeqCst);
        match self.fails {
            Some(kind) => Box::pin(std::future::ready(Err(StoreError::new(kind, "as it should")))),
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
        .with_wait(Duration::from_secs(3600))
}

fn throttle() -> LoginThrottle {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
    let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
    LoginThrottle::new(&RefreshKeys::new(key)).with_clock(clock)
}

/// As good as none.
fn lenient() -> LoginThrottle {
    let settings = ThrottleSettings::default();
    let settings = settings.with_names(1000, Duration::ZERO, Duration::ZERO).with_peers(1000, Duration::ZERO);
    throttle().with_settings(settings)
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
async fn who_registers_can_log_in() {
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
    assert_eq!(accounts.user("nobody").await.unwrap(), None);
}

/// Whoever it is, one question, one hash.
#[tokio::test]
async fn every_denial_costs_the_same() {
    let (accounts, store) = accounts(lenient());
    let hash = accounts.passwords().hash(&password(PASSWORD)).await.unwrap();
    add(&store, "alice", Some(hash.clone())).await;
    add(&store, "none", None).await;
    add(&store, "damaged", Some(PasswordHash::from_phc("$2b$12$damaged"))).await;
    add(&store, "disabled", Some(hash)).await;
    assert!(store.users.disable("disabled"));
    let unusable = DenialReason::HashUnusable(HashUnusable::Malformed);
    for (name, text, expected) in [
        ("nobody@example.com", PASSWORD, DenialReason::UnknownUser),
        ("alice@example.com", "wrong", DenialReason::WrongPassword),
        ("none@example.com", PASSWORD, DenialReason::NoPassword),
        ("damaged@example.com", PASSWORD, unusable),
        ("disabled@example.com", PASSWORD, DenialReason::Disabled),
        ("disabled@example.com", "wrong", DenialReason::Disabled),
        ("x", "\0", DenialReason::UnknownUser),
    ] {
        let (asked, computed) = (store.asked(), accounts.passwords().counts().computed);
        assert_eq!(denied(&accounts, name, text).await, expected);
        let [finds, adds, replaces] = asked;
        assert_eq!(store.asked(), [finds + 1, adds, replaces], "{name}");
        assert_eq!(accounts.passwords().counts().computed, computed + 1, "{name}");
    }
    // A name that nobody can have tells nothing about anybody.
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
async fn a_name_that_is_taken_costs_what_a_new_one_does() {
    let (accounts, store) = accounts(lenient());
    let mut before = (store.asked(), accounts.passwords().counts().computed);
    for (name, taken) in [("alice", false), ("alice", true), (" alice ", true), ("bob", false)] {
        let registered = accounts.register(name, &password(PASSWORD), None).await.unwrap();
        assert_eq!(registered == RegisterOutcome::Taken, taken, "{name}");
        let after = (store.asked(), accounts.passwords().counts().computed);
        let ([finds, adds, replaces], computed) = before;
        assert_eq!(after, ([finds, adds + 1, replaces], computed + 1), "{name}");
        before = after;
    }
    let other = accounts.register("alice", &password("another password"), None).await.unwrap();
    assert_eq!(other, RegisterOutcome::Taken);
    assert_eq!(denied(&accounts, "alice", "another password").await, DenialReason::WrongPassword);
}

#[tokio::test]
async fn what_cannot_be_chosen_costs_nothing() {
    let (accounts, store) = accounts(throttle());
    let accounts = accounts.with_settings(AccountSettings::default().with_maximum_length(64));
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
    assert_eq!((store.asked(), accounts.passwords().counts().computed), ([0; 3], 0));
}

#[tokio::test]
async fn the_throttle_comes_before_everything_that_costs() {
    let (accounts, store) = accounts(throttle());
    register(&accounts, "alice").await;
    for name in ["alice", "nobody"] {
        for _ in 0..6 {
            denied(&accounts, name, "wrong").await;
        }
        let before = (store.asked(), accounts.passwords().counts());
        for text in ["wrong", PASSWORD] {
            let error = accounts.check(name, &password(text), None).await.unwrap_err();
            assert!(matches!(error, LoginError::Throttled { .. }), "{error:?}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "{name}");
        }
        assert_eq!((store.asked(), accounts.passwords().counts()), before);
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

/// Accounts whose hashes are made in another way than those in the store.
fn newer(store: &Arc<Counting>) -> Accounts {
    let settings = cheap().with_cost(HashCost::new(7168, 5, 1).unwrap());
    Accounts::new(Arc::clone(store), Passwords::new(settings).unwrap(), lenient())
}

async fn stored(store: &Counting, name: &str) -> PasswordHash {
    store.users.find(&name.parse().unwrap()).await.unwrap().unwrap().hash.unwrap()
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_once() {
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
    assert_eq!(store.asked()[2], 1);
    assert_eq!(newer.passwords().counts().computed, 1 + 2 + 3);
    assert_eq!(stored(&store, "alice").await, after);
}

/// However many have an old hash, their logins find the threads free.
#[tokio::test]
async fn one_hash_is_replaced_at_a_time() {
    let (old, store) = accounts(lenient());
    let mut credentials = Vec::new();
    for name in ["alice", "bob"] {
        let user = register(&old, name).await;
        credentials.push(StoredCredential { user, hash: Some(stored(&store, name).await) });
    }
    let newer = newer(&store);
    for credential in &credentials {
        newer.rehash(credential.clone(), password(PASSWORD));
    }
    // This one waits behind what was asked for before it.
    tokio::task::yield_now().await;
    assert_eq!(denied(&newer, "alice", "wrong").await, DenialReason::WrongPassword);
    assert_eq!(newer.passwords().counts().computed, 2);
    store.replaced.notified().await;
    tokio::task::yield_now().await;
    newer.rehash(credentials[1].clone(), password(PASSWORD));
    store.replaced.notified().await;
    assert_eq!(store.asked()[2], 2, "the next login does it");
}

/// The new hash of the old password comes after the password was changed.
#[tokio::test]
async fn replacing_a_hash_loses_against_a_change() {
    let (old, store) = accounts(lenient());
    let user = register(&old, "alice").await;
    let before = stored(&store, "alice").await;
    let credential = StoredCredential { user: user.clone(), hash: Some(before) };
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
async fn a_password_is_changed_by_who_knows_it() {
    let (accounts, store) = accounts(throttle());
    let user = register(&accounts, "alice").await;
    let change = async |old: &str| {
        accounts.change_password(&user.subject, &password(old), &password("another password"), None).await
    };
    let wrong = change("wrong").await.unwrap_err();
    assert!(matches!(wrong, ChangePasswordError::Denied(DenialReason::WrongPassword)), "{wrong:?}");
    change(PASSWORD).await.unwrap();
    change(PASSWORD).await.expect("a call that was not answered is made again");
    assert!(accounts.check("alice", &password("another password"), None).await.is_ok());
    let nobody =
        accounts.change_password("nobody", &password(PASSWORD), &password(PASSWORD), None).await.unwrap_err();
    assert!(matches!(nobody, ChangePasswordError::Denied(DenialReason::UnknownUser)), "{nobody:?}");
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
async fn a_store_that_fails_denies_nobody_and_counts_for_nothing() {
    for (kind, asked) in [(StoreErrorKind::Unavailable, 1), (StoreErrorKind::Ambiguous, 2)] {
        let store = Arc::new(Counting { fails: Some(kind), ..Counting::default() });
        let accounts = Accounts::new(Arc::clone(&store), Passwords::new(cheap()).unwrap(), throttle());
        for _ in 0..100 {
            let before = store.asked()[0];
            let error = accounts.check("alice", &password(PASSWORD), None).await.unwrap_err();
            assert!(matches!(&error, LoginError::Store(error) if error.kind() == kind), "{error:?}");
            assert!(error.retry_after().is_some());
            assert_eq!(store.asked()[0], before + asked);
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

/// However many log in, other work on the one thread of the runtime goes on between.
#[tokio::test]
async fn hashing_leaves_the_runtime_alone() {
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
            assert_eq!(std::thread::current().id(), here, "one thread has all tasks");
            done.add_permits(1);
        }));
    }
    // As long as a login waits for its hash, this task is asked again and again: it never waits for one.
    let mut turns = 0_u32;
    while done.available_permits() < logins {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 1);
    let LoginCounts { succeeded, busy, .. } = accounts.counts();
    assert_eq!((succeeded + busy, busy), (200, accounts.passwords().counts().refused));
    assert_eq!(accounts.passwords().counts().threads, 1);
}
