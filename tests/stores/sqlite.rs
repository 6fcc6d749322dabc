//! SQLite: the suite, two processes on one file, and processes that are killed while they write.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use tollgate_sessions::{
    EndReason, Login, RefreshError, RefreshToken, Revocation, RevocationFeed as _, SessionId, SqliteStore,
    Transport,
};

use crate::child::{Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let mut trials = crate::suite("sqlite", |clock| {
        Arc::new(SqliteStore::open(scratch()).expect("a file").with_clock(clock))
    });
    trials.push(crate::trial("sqlite::two_processes_share_a_file".to_owned(), two_processes));
    trials.push(crate::trial("sqlite::announcements_cross_connections".to_owned(), announcements));
    trials.push(crate::trial("sqlite::what_was_said_survives_sigkill".to_owned(), killed));
    trials
}

/// A file of its own for each test, where build output goes.
fn scratch() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stores");
    let path = directory.join(format!("sessions-{}-{count}.db", std::process::id()));
    for suffix in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
    }
    path
}

/// The other process renews and ends sessions; this one finds them as they are said to be, and writes too.
fn two_processes() {
    let path = scratch();
    let store = Arc::new(SqliteStore::open(&path).expect("a store"));
    let mut child = Rotating::start(&path);
    crate::runtime().block_on(async {
        let sessions = sessions(store);
        let mut ended = 0;
        while ended < 10 {
            let (what, token) = child.line().expect("it goes on");
            if what == "ended" {
                ended += 1;
                let after = sessions.rotate(&token, Transport::Body, None).await;
                assert!(matches!(after, Err(RefreshError::Ended(EndReason::Logout))), "{after:?}");
            }
        }
        let all = sessions.list("alice").await.expect("a list");
        assert!(all.len() <= 1, "at most the one that it is at: {}", all.len());
        // It hears of it with a renewal, and stops; unless it was between two sessions.
        loop {
            sessions.revoke_all("alice", EndReason::Administrator).await.expect("written");
            if child.line().is_none() {
                break;
            }
        }
    });
}

/// What one connection announces, another one reads.
fn announcements() {
    let path = scratch();
    let (here, there) =
        (SqliteStore::open(&path).expect("a store"), SqliteStore::open(&path).expect("a store"));
    crate::runtime().block_on(async {
        let sessions = sessions(Arc::new(here));
        let before = there.revocations(None).await.expect("a page");
        assert!(before.entries.is_empty());
        let session = sessions.create(&Login::new("alice")).await.expect("a login").session.session;
        sessions.revoke(session, "alice", EndReason::Logout).await.expect("written");
        let page = there.revocations(Some(&before.cursor)).await.expect("a page");
        let found: Vec<_> = page.entries.into_iter().map(|entry| entry.revocation).collect();
        assert_eq!(found, [Revocation::Session(session)]);
        assert!(there.revocations(Some(&page.cursor)).await.expect("a page").entries.is_empty());
    });
}

/// `TOLLGATE_CRASH_ROUNDS` says how often; 500 is what a release is tried with.
fn killed() {
    let rounds =
        std::env::var("TOLLGATE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8_u32);
    let path = scratch();
    drop(SqliteStore::open(&path).expect("a store"));
    for round in 0..rounds {
        let mut child = Rotating::start(&path);
        let mut lines = vec![child.line().expect("it comes up")];
        // Somewhere in its work, which is where the randomness of the machine puts it.
        std::thread::sleep(Duration::from_micros(u64::from(round % 97) * 311));
        lines.extend(child.kill());
        let mut last: HashMap<SessionId, (String, bool)> = HashMap::new();
        let mut older = Vec::new();
        for (what, token) in lines {
            let session = token.parse::<RefreshToken>().expect("a token").session();
            let before = last.insert(session, (token.clone(), what == "ended"));
            older.extend(before.filter(|(text, _)| *text != token).map(|(text, _)| (session, text)));
        }
        crate::runtime().block_on(async {
            let sessions = sessions(Arc::new(SqliteStore::open(&path).expect("it opens again")));
            for (session, (token, ended)) in &last {
                let outcome = sessions.rotate(token, Transport::Body, None).await;
                match outcome {
                    // It may have been ended, or renewed, without having been able to say so.
                    Err(RefreshError::Ended(EndReason::Logout)) => {}
                    Err(RefreshError::Reuse) if !ended => {}
                    Ok(_) if !ended => {}
                    other => panic!("round {round}, {session}, ended: {ended}: {other:?}"),
                }
                for (_, text) in older.iter().filter(|(of, _)| of == session).take(1) {
                    let outcome = sessions.rotate(text, Transport::Body, None).await;
                    assert!(
                        matches!(outcome, Err(RefreshError::Reuse | RefreshError::Ended(_))),
                        "{outcome:?}"
                    );
                }
            }
        });
    }
}
