//! Tests of users in an SQLite file, with several handles in the place of several processes. The store in
//! memory passes the same contract.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::accounts::users::MemoryUsers;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tollgate-users-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        Self(directory)
    }

    fn file(&self) -> PathBuf {
        self.0.join("users.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn name(text: &str) -> LoginName {
    text.parse().unwrap()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_phc(text)
}

fn user(subject: &str, login: &str) -> NewUser {
    NewUser::new(subject, name(login)).with_hash(hash("first"))
}

/// Asserts the contract of [`UserStore`].
async fn contract(store: &dyn UserStore) {
    store.ping().await.unwrap();
    let alice = user("s-1", "alice@example.com").with_scopes(["a:b", "c\"d"]).with_roles(["admin"]);
    assert_eq!(store.add(&alice).await.unwrap(), AddOutcome::Added);
    assert_eq!(store.add(&alice).await.unwrap(), AddOutcome::Added, "a repeated call");
    assert_eq!(store.add(&user("s-2", "alice@example.com")).await.unwrap(), AddOutcome::Taken);
    assert_eq!(store.add(&user("s-1", "other")).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(store.add(&user("s-3", "Alice@example.com")).await.unwrap(), AddOutcome::Added);
    let odd = NewUser::new("s-\u{1f510}' OR 1=1", name("'; DROP TABLE auth_user; --")).with_disabled();
    assert_eq!(store.add(&odd).await.unwrap(), AddOutcome::Added);

    for (new, phc) in [(&alice, Some("first")), (&odd, None)] {
        let found = store.find(&new.user.login).await.unwrap().unwrap();
        assert_eq!(found.user, new.user);
        assert_eq!(found.hash.as_ref().map(PasswordHash::expose), phc);
        assert_eq!(store.find_subject(&new.user.subject).await.unwrap().as_ref(), Some(&new.user));
    }
    assert!(store.find(&name("unknown")).await.unwrap().is_none());
    assert!(store.find_subject("s-2").await.unwrap().is_none(), "the user with a taken name was not stored");

    let (first, second, third) = (hash("first"), hash("second"), hash("third"));
    for (subject, old, new, done) in [
        ("s-1", &second, &third, false),
        ("s-1", &first, &second, true),
        ("s-1", &first, &second, true),
        ("s-1", &first, &third, false),
        ("unknown", &first, &second, false),
        (&*odd.user.subject, &first, &second, false),
    ] {
        assert_eq!(store.replace_hash(subject, old, new).await.unwrap(), done, "{subject}");
    }
    let found = store.find(&alice.user.login).await.unwrap().unwrap();
    assert_eq!(found.hash, Some(second));
}

#[tokio::test]
async fn memory_and_sqlite_users_fulfil_the_contract() {
    contract(&MemoryUsers::new()).await;
    let scratch = Scratch::new("contract");
    contract(&SqliteUsers::open(scratch.file()).unwrap()).await;
}

#[tokio::test]
async fn users_are_visible_to_other_handles_and_after_a_restart() {
    let scratch = Scratch::new("others");
    let (one, other) =
        (SqliteUsers::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    assert_eq!(one.add(&user("s-1", "alice")).await.unwrap(), AddOutcome::Added);
    assert!(other.find(&name("alice")).await.unwrap().is_some());
    assert_eq!(other.add(&user("s-2", "alice")).await.unwrap(), AddOutcome::Taken);
    assert!(other.disable("s-1").await.unwrap());
    assert!(!one.find_subject("s-1").await.unwrap().unwrap().enabled);
    assert!(one.enable("s-1").await.unwrap() && !one.enable("unknown").await.unwrap());
    drop((one, other));
    let again = SqliteUsers::open(scratch.file()).unwrap();
    assert!(again.find_subject("s-1").await.unwrap().unwrap().enabled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_writers_wins() {
    let scratch = Scratch::new("many");
    let handles: Vec<_> = (0..4).map(|_| Arc::new(SqliteUsers::open(scratch.file()).unwrap())).collect();
    let mut adding = tokio::task::JoinSet::new();
    for number in 0..40 {
        let store = Arc::clone(&handles[number % 4]);
        adding.spawn(async move { store.add(&user(&format!("s-{number}"), "alice")).await.unwrap() });
    }
    let added = adding.join_all().await.into_iter().filter(|addition| *addition == AddOutcome::Added).count();
    assert_eq!(added, 1);
    let subject = handles[0].find(&name("alice")).await.unwrap().unwrap().user.subject;
    let mut replacing = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (store, subject) = (Arc::clone(&handles[number % 4]), subject.clone());
        replacing.spawn(async move {
            store.replace_hash(&subject, &hash("first"), &hash(&number.to_string())).await.unwrap()
        });
    }
    assert_eq!(replacing.join_all().await.into_iter().filter(|replaced| *replaced).count(), 1);
}

/// Otherwise a client could tell by the time whether a name is taken.
#[tokio::test]
async fn adding_a_taken_name_writes_to_the_disk() {
    let scratch = Scratch::new("disk");
    let store = SqliteUsers::open(scratch.file()).unwrap();
    let log = scratch.0.join("users.db-wal");
    let mut before = fs::metadata(&log).unwrap().len();
    for (subject, expected) in
        [("s-1", AddOutcome::Added), ("s-2", AddOutcome::Taken), ("s-3", AddOutcome::Taken)]
    {
        assert_eq!(store.add(&user(subject, "alice")).await.unwrap(), expected);
        let after = fs::metadata(&log).unwrap().len();
        assert!(after > before, "{subject}");
        before = after;
    }
}

#[tokio::test]
async fn users_and_sessions_share_a_file() {
    let scratch = Scratch::new("same");
    let sessions = crate::store::SqliteStore::open(scratch.file()).unwrap();
    let users = SqliteUsers::open(scratch.file()).unwrap();
    assert_eq!(users.add(&user("s-1", "alice")).await.unwrap(), AddOutcome::Added);
    crate::store::SessionStore::ping(&sessions).await.unwrap();
}

#[tokio::test]
async fn open_migrates_a_file_of_the_first_version_and_rejects_a_newer_one() {
    let scratch = Scratch::new("older");
    drop(SqliteUsers::open(scratch.file()).unwrap());
    let change = |sql: &str| connect(&scratch.file()).unwrap().execute_batch(sql).unwrap();
    change(
        "DROP TABLE auth_user; ALTER TABLE auth_session RENAME COLUMN revoked_at TO ended_at; PRAGMA user_version = 1",
    );
    let users = SqliteUsers::open(scratch.file()).unwrap();
    assert_eq!(users.add(&user("s-1", "alice")).await.unwrap(), AddOutcome::Added);
    let sessions = crate::store::SqliteStore::open(scratch.file()).unwrap();
    assert!(crate::store::SessionStore::list(&sessions, "s-1", 1).await.unwrap().is_empty());
    drop((users, sessions));
    change("PRAGMA user_version = 99");
    let error = SqliteUsers::open(scratch.file()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn open_requires_a_private_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new("mode");
    let users = SqliteUsers::open(scratch.file()).unwrap();
    assert_eq!(users.add(&user("s-1", "alice")).await.unwrap(), AddOutcome::Added);
    for entry in fs::read_dir(&scratch.0).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o604)).unwrap();
    let error = SqliteUsers::open(scratch.file()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}

#[tokio::test]
async fn find_fails_without_the_table() {
    let scratch = Scratch::new("gone");
    let users = SqliteUsers::open(scratch.file()).unwrap();
    connect(&scratch.file()).unwrap().execute_batch("DROP TABLE auth_user").unwrap();
    let error = users.find(&name("alice")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}
