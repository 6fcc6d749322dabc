//! The file: who may read it, and what is done about one that somebody else made. What a store has to do is tested by
//! the suite that all stores pass.

use std::collections::BTreeSet;

use super::*;
use crate::session::Lifetimes;
use crate::accounts::users::SqliteUsers;
use crate::accounts::users::{NewUser, UserStore as _};
use crate::session::RevokeReason;
use crate::session::{SecretHash, SessionId};
use crate::store::RotateLifetimes;
use crate::store::{Revocation, RevokeScope};

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

fn refused(path: &Path) -> String {
    let error = SqliteStore::open(path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    error.to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_it() {
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
    assert!(files >= 2, "the write-ahead log is there too");
    drop(store);
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&scratch.file()).contains("chmod 600"));
}

/// What is written to a file that has no name any longer would be gone with the process.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_gone_or_replaced_is_not_ready() {
    let scratch = Scratch::new("gone");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let answers = async || [store.ping().await.is_ok(), users.ping().await.is_ok()];
    assert_eq!(answers().await, [true, true]);
    let aside = scratch.0.join("aside");
    fs::rename(scratch.file(), &aside).unwrap();
    assert_eq!(answers().await, [false, false]);
    fs::write(scratch.file(), "").unwrap();
    assert_eq!(answers().await, [false, false]);
    fs::rename(&aside, scratch.file()).unwrap();
    assert_eq!(answers().await, [true, true]);
}

/// Reading would still work.
#[tokio::test]
async fn a_file_that_cannot_be_written_to_is_not_ready() {
    let scratch = Scratch::new("read-only");
    let store = SqliteStore::open(scratch.file()).unwrap();
    store.ping().await.unwrap();
    let set = |connection: &Connection| {
        connection.execute_batch("PRAGMA query_only = 1").unwrap();
        Ok(())
    };
    store.writer.ask(set).await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn it_is_made_once_and_opened_by_many() {
    // What goes wrong between them does so rarely.
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
fn files_of_others_are_refused() {
    let scratch = Scratch::new("others");
    drop(SqliteStore::open(scratch.file()).unwrap());
    let change = |sql: &str| connect(&scratch.file()).unwrap().execute_batch(sql).unwrap();
    change("PRAGMA user_version = 99");
    let newer = refused(&scratch.file());
    assert!(newer.contains("schema version 99") && newer.contains("newer release"), "{newer}");
    change("PRAGMA user_version = 1; PRAGMA application_id = 7");
    assert!(refused(&scratch.file()).contains("something else"));

    let path = scratch.0.join("text.db");
    make_private(&path).unwrap();
    fs::write(&path, "not a database, but long enough for one to be looked for in it ".repeat(20)).unwrap();
    refused(&path);
}

#[tokio::test]
async fn tables_that_are_gone_are_no_answer_about_a_session() {
    let scratch = Scratch::new("gone");
    let store = SqliteStore::open(scratch.file()).unwrap();
    connect(&scratch.file()).unwrap().execute_batch("DROP TABLE auth_session").unwrap();
    let error = store.list("alice", 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
}

fn unborn(subject: &str) -> NewSession {
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

/// Another program writes and does not come to an end. What was refused meanwhile was not done, and is not done later.
#[tokio::test]
async fn a_lock_of_others_is_not_waited_for() {
    let scratch = Scratch::new("locked");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let [one, two, unmade] = [unborn("alice"), unborn("alice"), unborn("alice")];
    for session in [&one, &two] {
        store.create(session).await.unwrap();
    }
    let other = connect(&scratch.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Nobody waits for this one any longer.
    let given_up = logout(&two);
    tokio::select! {
        biased;
        _ = store.revoke(&given_up) => panic!("it waits for the lock"),
        () = std::future::ready(()) => {}
    }
    let (rotate, end) = (present(&one), logout(&one));
    let new_user = NewUser::new("alice", "alice".parse().unwrap());
    let (rotated, ended, created, purged, added, ready, listed) = tokio::join!(
        store.rotate(&rotate),
        store.revoke(&end),
        store.create(&unmade),
        store.purge(10),
        users.add(&new_user),
        users.ping(),
        store.list("alice", 10),
    );
    let errors = [
        rotated.unwrap_err(),
        ended.unwrap_err(),
        created.unwrap_err(),
        purged.unwrap_err(),
        added.unwrap_err(),
        ready.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
    assert_eq!(listed.unwrap().len(), 2, "who reads is not kept waiting");
    other.execute_batch("ROLLBACK").unwrap();
    store.ping().await.unwrap();
    assert!(is_live(&store, &one).await && is_live(&store, &two).await);
    assert_eq!(store.rotate(&present(&unmade)).await.unwrap(), RotateOutcome::Unknown);
    assert!(users.find_subject("alice").await.unwrap().is_none());
    assert!(store.revoke(&end).await.unwrap().changed);
}

/// One that stands in line behind others is given up as well, and is then not done.
#[tokio::test]
async fn a_call_that_waits_in_line_is_given_up() {
    let scratch = Scratch::new("line");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let new = unborn("alice");
    store.create(&new).await.unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let slow = store.writer.ask(move |_connection| {
        released.recv().unwrap_err();
        Ok(())
    });
    let end = logout(&new);
    let (slow, ended) = tokio::join!(slow, store.revoke(&end));
    assert_eq!(slow.unwrap_err().kind(), StoreErrorKind::Ambiguous, "it had begun");
    assert_eq!(ended.unwrap_err().kind(), StoreErrorKind::Unavailable, "it had not");
    drop(release);
    assert!(is_live(&store, &new).await);
}

/// A copy from before is put back while the file is in use, and goes on with numbers that were given out already.
#[tokio::test]
async fn a_reader_notices_a_file_that_was_put_back() {
    let scratch = Scratch::new("restored");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let other = connect(&scratch.file()).unwrap();
    let end = async || {
        let new = unborn("alice");
        store.create(&new).await.unwrap();
        assert!(store.revoke(&logout(&new)).await.unwrap().changed);
        new.session
    };
    let heard = async |after: &FeedPage| {
        let page = store.revocations(Some(&after.cursor)).await.unwrap();
        let sessions = page.entries.iter().map(|entry| match entry.revocation {
            Revocation::Session(session) => session,
            ref other => panic!("{other:?}"),
        });
        (sessions.collect::<BTreeSet<_>>(), page.clone())
    };
    let first = end().await;
    let copy = "CREATE TABLE kept AS SELECT * FROM auth_revocation; CREATE TABLE at AS SELECT seq FROM sqlite_sequence";
    other.execute_batch(copy).unwrap();
    let put_back =
        "BEGIN IMMEDIATE; DELETE FROM auth_revocation; INSERT INTO auth_revocation SELECT * FROM kept;
                    UPDATE sqlite_sequence SET seq = (SELECT seq FROM at); COMMIT";
    let lost = [end().await, end().await];
    let page = store.revocations(None).await.unwrap();
    assert_eq!(page.entries.len(), 1 + lost.len());
    assert!(heard(&page).await.0.is_empty());

    // It has not come as far as it was.
    other.execute_batch(put_back).unwrap();
    let second = end().await;
    let (sessions, page) = heard(&page).await;
    assert_eq!(sessions, BTreeSet::from([first, second]));
    assert!(heard(&page).await.0.is_empty());
    let (_, page) = { (end().await, heard(&page).await.1) };

    // It has come farther before anybody looks.
    other.execute_batch(put_back).unwrap();
    let mut all = BTreeSet::from([first]);
    for _ in 0..5 {
        all.insert(end().await);
    }
    let (sessions, page) = heard(&page).await;
    assert_eq!(sessions, all);

    // What was only forgotten, as no token needs it, is no reason to read again.
    other.execute_batch("DELETE FROM auth_revocation WHERE seq > 1").unwrap();
    assert!(heard(&page).await.0.is_empty());
    let third = end().await;
    assert_eq!(heard(&page).await.0, BTreeSet::from([third]));
    // A cursor of something else is none.
    let foreign = FeedCursor::new("12");
    assert_eq!(store.revocations(Some(&foreign)).await.unwrap().entries.len(), 2);
}

/// Nothing of what was asked is done in part, and nothing that was there is lost.
#[tokio::test]
async fn a_file_that_cannot_grow() {
    let scratch = Scratch::new("full");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let limit = |pages: &'static str| {
        store.writer.ask(move |connection| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(failure("limiting"))
        })
    };
    let mut made = Vec::new();
    for _ in 0..150 {
        made.push(unborn("alice"));
        store.create(made.last().unwrap()).await.unwrap();
    }
    // No less than there are.
    limit("1").await.unwrap();
    let error = loop {
        let new = unborn("alice");
        match store.create(&new).await {
            Ok(_) => made.push(new),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    // An end that cannot be announced is not made.
    let mut ended = 0;
    let error = loop {
        match store.revoke(&logout(&made[ended])).await {
            Ok(revoked) => assert!(revoked.changed),
            Err(error) => break error,
        }
        ended += 1;
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(is_live(&store, &made[ended]).await);
    limit("1000000").await.unwrap();
    for (place, new) in made.iter().enumerate() {
        assert_eq!(is_live(&store, new).await, place >= ended);
        assert_eq!(store.revoke(&logout(new)).await.unwrap().changed, place >= ended);
    }
    assert_eq!(store.revocations(None).await.unwrap().entries.len(), made.len());
}

/// All that share the transaction are told that it is not known, and none of it was done.
#[tokio::test]
async fn a_commit_that_fails() {
    let scratch = Scratch::new("commit");
    let store = SqliteStore::open(scratch.file()).unwrap();
    let new = unborn("alice");
    store.create(&new).await.unwrap();
    let tables = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
                  CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)";
    connect(&scratch.file()).unwrap().execute_batch(tables).unwrap();
    let (command, now) = (logout(&new), StoreClock::server().now());
    let answer = store.writer.ask(move |connection| {
        let revoked = operations::revoke(connection, &command, now)?;
        // Found out by `COMMIT`.
        connection.execute("INSERT INTO child VALUES (1)", []).map_err(failure("adding a child"))?;
        Ok(revoked)
    });
    assert_eq!(answer.await.unwrap_err().kind(), StoreErrorKind::Ambiguous);
    assert!(store.revocations(None).await.unwrap().entries.is_empty());
    assert!(is_live(&store, &new).await, "and the next transaction is another one");
    assert!(store.revoke(&logout(&new)).await.unwrap().changed);
}

#[tokio::test]
async fn what_is_committed_is_synchronized() {
    let scratch = Scratch::new("synchronous");
    let (store, users) =
        (SqliteStore::open(scratch.file()).unwrap(), SqliteUsers::open(scratch.file()).unwrap());
    let setting = |connection: &Connection| {
        let level: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        Ok((level, journal))
    };
    for worker in [&store.writer, users.writer()] {
        // 2 is FULL.
        assert_eq!(worker.ask(setting).await.unwrap(), (2, "wal".to_owned()));
    }
}
