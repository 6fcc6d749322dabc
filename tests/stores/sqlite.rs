//! SQLite: the suite, two processes on one file, and processes killed during writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use tollgate_sessions::Login;
use tollgate_sessions::session::RevokeReason;
use tollgate_sessions::store::{Revocation, RevocationFeed as _, SqliteStore};

use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let mut trials = crate::suite("sqlite", |clock| {
        Arc::new(SqliteStore::open(scratch()).expect("a file").with_clock(clock))
    });
    trials.push(crate::trial("sqlite::two_processes_share_a_file".to_owned(), two_processes_share_a_file));
    trials.push(crate::trial(
        "sqlite::announcements_reach_other_connections".to_owned(),
        announcements_reach_other_connections,
    ));
    trials.push(crate::trial(
        "sqlite::acknowledged_writes_survive_sigkill".to_owned(),
        acknowledged_writes_survive_sigkill,
    ));
    trials
}

/// Returns the path of a new file for one test, in the directory of build output.
pub fn scratch() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stores");
    let path = directory.join(format!("sessions-{}-{count}.db", std::process::id()));
    for suffix in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
    }
    path
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// A child refreshes and revokes sessions. This process checks and revokes them on the same file.
fn two_processes_share_a_file() {
    let path = scratch();
    let store = Arc::new(SqliteStore::open(&path).expect("a store"));
    let child = Rotating::start(url(&path));
    crate::runtime().block_on(child::beside(child, &sessions(store)));
}

/// A second connection reads the announcements of the first.
fn announcements_reach_other_connections() {
    let path = scratch();
    let (here, there) =
        (SqliteStore::open(&path).expect("a store"), SqliteStore::open(&path).expect("a store"));
    crate::runtime().block_on(async {
        let sessions = sessions(Arc::new(here));
        let before = there.revocations(None).await.expect("a page");
        assert!(before.entries.is_empty());
        let session = sessions.create(&Login::new("alice")).await.expect("a login").session.session;
        sessions.revoke(session, "alice", RevokeReason::Logout).await.expect("written");
        let page = there.revocations(Some(&before.cursor)).await.expect("a page");
        let found: Vec<_> = page.entries.into_iter().map(|entry| entry.revocation).collect();
        assert_eq!(found, [Revocation::Session(session)]);
        assert!(there.revocations(Some(&page.cursor)).await.expect("a page").entries.is_empty());
    });
}

/// Releases run 500 rounds.
fn acknowledged_writes_survive_sigkill() {
    let path = scratch();
    drop(SqliteStore::open(&path).expect("a store"));
    for round in 0..child::rounds(8) {
        let mut child = Rotating::start(url(&path));
        let mut lines = vec![child.line().expect("the child starts")];
        // The delay varies, so that the kill hits different operations.
        std::thread::sleep(Duration::from_micros(u64::from(round % 97) * 311));
        lines.extend(child.kill());
        let store = SqliteStore::open(&path).expect("the store reopens");
        crate::runtime().block_on(child::check(&sessions(Arc::new(store)), lines, round));
    }
}
