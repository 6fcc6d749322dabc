//! The file: its mode, files of other programs, locks and failed writes. The contract is tested by the suite that all
//! stores pass.

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::accounts::users::{NewUser, SqliteUsers, UserStore as _};
use crate::session::{Lifetimes, RevokeReason, SecretHash, SessionId};
use crate::store::{Revocation, RevokeScope, RotateLifetimes};

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tollgate-sqlite-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        Self(directory)
    }

    fn file(&self) -> PathBuf {
        self.0.join("deep/sessions.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn open_error(path: &Path) -> String {
    let error = SqliteStore::open(path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    error.to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new("mode");
    let store = SqliteStore::open(scratch.file()).unwrap();
    store.ping().await.unwrap();
    let mut files = 0;
    for entry in fs::read_dir(scratch.0.join("deep")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        files += 1;
    }
    assert!(files >= 2, "the write-ahead log exists too");
    drop(store);
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(open_error(&scratch.file()).contains("chmod 600"));
}

/// Data in a deleted file would be lost when the process ends.
#[cfg(unix)]
#[tokio::test]
async fn ping_fails_when_the_file_is_removed_or_replaced() {
    let scratch = Scratch::new("gone");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let pings = async || [store.ping().await.is_ok(), users.ping().await.is_ok()];
    assert_eq!(pings().await, [true, true]);
    let aside = scratch.0.join("aside");
    fs::rename(scratch.file(), &aside).unwrap();
    assert_eq!(pings().await, [false, false]);
    fs::write(scratch.file(), "").unwrap();
    assert_eq!(pings().await, [false, false]);
    fs::rename(&aside, scratch.file()).unwrap();
    assert_eq!(pings().await, [true, true]);
}

/// Reads would still work.
#[tokio::test]
async fn ping_fails_when_the_file_is_read_only() {
    let scratch = Scratch::new("read-only");
    let store = SqliteStore::open(scratch.file()).unwrap();
    store.ping().await.unwrap();
    let set = |connection: &Connection| {
        connection.execute_batch("PRAGMA query_only = 1").unwrap();
        Ok(())
    };
    store.writer.call(set).await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn concurrent_opens_create_the_file_once() {
    // A race would show rarely, hence the rounds.
    for round in 0..20 {
        let scratch = Scratch::new(&format!("many-{round}"));
        let (opened, stores) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| opened.clone().send(SqliteStore::open(scratch.file()).unwrap()).unwrap());
            }
        });
        drop(opened);
        for store in stores {
            store.ping().await.unwrap();
        }
    }
}

#[test]
fn open_rejects_files_of_other_programs() {
    let scratch = Scratch::new("others");
    drop(SqliteStore::open(scratch.file()).unwrap());
    let change = |sql: &str| connect(&scratch.file()).unwrap().execute_batch(sql).unwrap();
    change("PRAGMA user_version = 99");
    let newer = open_error(&scratch.file());
    assert!(newer.contains("schema version 99") && newer.contains("newer release"), "{newer}");
    change("PRAGMA user_version = 1; PRAGMA application_id = 7");
    assert!(open_error(&scratch.file()).contains("something else"));

    let path = scratch.0.join("text.db");
    create_private(&path).unwrap();
    fs::write(&path, "not a database, but long enough to be read as one ".repeat(20)).unwrap();
    open_error(&path);
}

#[tokio::test]
async fn missing_tables_do_not_read_as_missing_sessions() {
    let scratch = Scratch::new("dropped");
    let store = SqliteStore::open(scratch.file()).unwrap();
    connect(&scratch.file()).unwrap().execute_batch("DROP TABLE auth_session").unwrap();
    let error = store.list("alice", 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}

fn new_session(subject: &str) -> NewSession {
    let lifetimes = Lifetimes::new(Duration::from_secs(3600), Duration::from_secs(7200)).unwrap();
    let session = SessionId::generate(StoreClock::server().now()).unwrap();
    NewSession::new(session, subject, SecretHash::from_bytes([7; 32]), lifetimes)
}

fn present(session: &NewSession) -> RotateRequest {
    let lifetimes =
        RotateLifetimes { idle: session.lifetimes.idle(), announce_for: Duration::from_secs(600) };
    RotateRequest::new(session.session, 0, session.secret_hash, lifetimes)
}

fn logout(session: &NewSession) -> RevokeRequest {
    let scope = RevokeScope::Session { session: session.session, owner: None };
    RevokeRequest { scope, reason: RevokeReason::Logout, announce_for: Duration::from_secs(600) }
}

async fn is_live(store: &SqliteStore, session: &NewSession) -> bool {
    matches!(store.rotate(&present(session)).await.unwrap(), RotateOutcome::Live(_))
}

/// Another program holds the write lock. Calls that failed meanwhile have not run, and do not run later.
#[tokio::test]
async fn calls_fail_while_another_program_holds_the_lock() {
    let scratch = Scratch::new("locked");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let [one, two, uncreated] = [new_session("alice"), new_session("alice"), new_session("alice")];
    for session in [&one, &two] {
        store.create(session).await.unwrap();
    }
    let other = connect(&scratch.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The caller drops this call.
    let dropped = logout(&two);
    tokio::select! {
        biased;
        _ = store.revoke(&dropped) => panic!("the lock is held"),
        () = std::future::ready(()) => {}
    }
    let (rotate, revoke) = (present(&one), logout(&one));
    let new_user = NewUser::new("alice", "alice".parse().unwrap());
    let (rotated, revoked, created, purged, added, ready, listed) = tokio::join!(
        store.rotate(&rotate),
        store.revoke(&revoke),
        store.create(&uncreated),
        store.purge(10),
        users.add(&new_user),
        users.ping(),
        store.list("alice", 10),
    );
    let errors = [
        rotated.unwrap_err(),
        revoked.unwrap_err(),
        created.unwrap_err(),
        purged.unwrap_err(),
        added.unwrap_err(),
        ready.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
    assert_eq!(listed.unwrap().len(), 2, "readers do not wait for the lock");
    other.execute_batch("ROLLBACK").unwrap();
    store.ping().await.unwrap();
    assert!(is_live(&store, &one).await && is_live(&store, &two).await);
    assert_eq!(store.rotate(&present(&uncreated)).await.unwrap(), RotateOutcome::Unknown);
    assert!(users.find_subject("alice").await.unwrap().is_none());
    assert!(store.revoke(&revoke).await.unwrap().changed);
}

/// A call that waits behind another one times out too, and then never runs.
#[tokio::test]
async fn queued_call_times_out_and_never_runs() {
    let scratch = Scratch::new("line");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let new = new_session("alice");
    store.create(&new).await.unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let slow = store.writer.call(move |_connection| {
        released.recv().unwrap_err();
        Ok(())
    });
    let revoke = logout(&new);
    let (slow, queued) = tokio::join!(slow, store.revoke(&revoke));
    assert_eq!(slow.unwrap_err().kind(), StoreErrorKind::Ambiguous, "it had started");
    assert_eq!(queued.unwrap_err().kind(), StoreErrorKind::Unavailable, "it had not started");
    drop(release);
    assert!(is_live(&store, &new).await);
}

/// An older copy of the file is restored while the file is in use. The store then assigns the same numbers again.
#[tokio::test]
async fn reader_misses_no_announcement_after_a_restore() {
    let scratch = Scratch::new("restored");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let other = connect(&scratch.file()).unwrap();
    let revoke = async || {
        let new = new_session("alice");
        store.create(&new).await.unwrap();
        assert!(store.revoke(&logout(&new)).await.unwrap().changed);
        new.session
    };
    let read = async |after: &FeedPage| {
        let page = store.revocations(Some(&after.cursor)).await.unwrap();
        let sessions = page.entries.iter().map(|entry| match entry.revocation {
            Revocation::Session(session) => session,
            ref other => panic!("{other:?}"),
        });
        (sessions.collect::<BTreeSet<_>>(), page.clone())
    };
    let first = revoke().await;
    let backup = "CREATE TABLE kept AS SELECT * FROM auth_revocation; CREATE TABLE at AS SELECT seq FROM sqlite_sequence";
    other.execute_batch(backup).unwrap();
    let restore =
        "BEGIN IMMEDIATE; DELETE FROM auth_revocation; INSERT INTO auth_revocation SELECT * FROM kept;
                    UPDATE sqlite_sequence SET seq = (SELECT seq FROM at); COMMIT";
    let lost = [revoke().await, revoke().await];
    let page = store.revocations(None).await.unwrap();
    assert_eq!(page.entries.len(), 1 + lost.len());
    assert!(read(&page).await.0.is_empty());

    // The numbers have not yet reached the position of the reader.
    other.execute_batch(restore).unwrap();
    let second = revoke().await;
    let (sessions, page) = read(&page).await;
    assert_eq!(sessions, BTreeSet::from([first, second]));
    assert!(read(&page).await.0.is_empty());
    let (_, page) = { (revoke().await, read(&page).await.1) };

    // The numbers have passed the position of the reader before it reads again.
    other.execute_batch(restore).unwrap();
    let mut all = BTreeSet::from([first]);
    for _ in 0..5 {
        all.insert(revoke().await);
    }
    let (sessions, page) = read(&page).await;
    assert_eq!(sessions, all);

    // Purged announcements are no reason to start again.
    other.execute_batch("DELETE FROM auth_revocation WHERE seq > 1").unwrap();
    assert!(read(&page).await.0.is_empty());
    let third = revoke().await;
    assert_eq!(read(&page).await.0, BTreeSet::from([third]));
    // The cursor of another store counts as none.
    let foreign = FeedCursor::new("12");
    assert_eq!(store.revocations(Some(&foreign)).await.unwrap().entries.len(), 2);
}

/// A failed call changes nothing, and existing sessions stay.
#[tokio::test]
async fn full_file_rejects_calls_as_a_whole() {
    let scratch = Scratch::new("full");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let limit = |pages: &'static str| {
        store.writer.call(move |connection| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(failure("limiting"))
        })
    };
    let mut created = Vec::new();
    for _ in 0..150 {
        created.push(new_session("alice"));
        store.create(created.last().unwrap()).await.unwrap();
    }
    // SQLite raises the limit to the present number of pages.
    limit("1").await.unwrap();
    let error = loop {
        let new = new_session("alice");
        match store.create(&new).await {
            Ok(_) => created.push(new),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    // A revocation that cannot be announced does not happen.
    let mut revoked = 0;
    let error = loop {
        match store.revoke(&logout(&created[revoked])).await {
            Ok(outcome) => assert!(outcome.changed),
            Err(error) => break error,
        }
        revoked += 1;
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(is_live(&store, &created[revoked]).await);
    limit("1000000").await.unwrap();
    for (index, new) in created.iter().enumerate() {
        assert_eq!(is_live(&store, new).await, index >= revoked);
        assert_eq!(store.revoke(&logout(new)).await.unwrap().changed, index >= revoked);
    }
    assert_eq!(store.revocations(None).await.unwrap().entries.len(), created.len());
}

/// All calls in the transaction are ambiguous, and none of them had an effect.
#[tokio::test]
async fn failed_commit_is_ambiguous_and_changes_nothing() {
    let scratch = Scratch::new("commit");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let new = new_session("alice");
    store.create(&new).await.unwrap();
    let tables = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
                  CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)";
    connect(&scratch.file()).unwrap().execute_batch(tables).unwrap();
    let (request, now) = (logout(&new), StoreClock::server().now());
    let call = store.writer.call(move |connection| {
        let outcome = operations::revoke(connection, &request, now)?;
        // `COMMIT` fails because of the missing parent.
        connection.execute("INSERT INTO child VALUES (1)", []).map_err(failure("adding a child"))?;
        Ok(outcome)
    });
    assert_eq!(call.await.unwrap_err().kind(), StoreErrorKind::Ambiguous);
    assert!(store.revocations(None).await.unwrap().entries.is_empty());
    assert!(is_live(&store, &new).await, "the next transaction is not affected");
    assert!(store.revoke(&logout(&new)).await.unwrap().changed);
}

#[tokio::test]
async fn commits_are_synchronous() {
    let scratch = Scratch::new("synchronous");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let setting = |connection: &Connection| {
        let level: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        Ok((level, journal))
    };
    for worker in [&store.writer, users.writer()] {
        // 2 means FULL.
        assert_eq!(worker.call(setting).await.unwrap(), (2, "wal".to_owned()));
    }
}
