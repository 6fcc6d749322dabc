//! The file: who may read it, and what is done about one that somebody else made. What a store has to do is tested by
//! the suite that all stores pass.

use super::*;
use crate::users::UserStore as _;

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
        std::thread::scope(|scope| {
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
