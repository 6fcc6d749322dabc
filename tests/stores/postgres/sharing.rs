//! Several stores and several processes on one database.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tollgate_sessions::session::RevokeReason;
use tollgate_sessions::store::{
    RefreshKind, RefreshPolicy, Revocation, RevocationFeed as _, RevokeRequest, RevokeScope, RotateOutcome,
    SessionStore as _,
};

use super::{client, database, in_time, number, present, store, unborn};
use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| crate::trial(format!("postgres::{name}"), body);
    vec![
        trial("two_processes_share_a_database", two_processes_share_a_database),
        trial("two_stores_rotate_a_contended_token_once", two_stores_rotate_a_contended_token_once),
        trial("concurrent_starts_create_the_tables_once", concurrent_starts_create_the_tables_once),
        trial("schema_of_the_first_version_is_migrated", schema_of_the_first_version_is_migrated),
        trial("revocation_notifies_other_stores_at_once", revocation_notifies_other_stores_at_once),
        trial("feed_includes_late_commits", feed_includes_late_commits),
        trial("rotations_stay_on_their_page", rotations_stay_on_their_page),
        trial("store_keeps_arbitrary_texts", store_keeps_arbitrary_texts),
    ]
}

/// A child refreshes and revokes sessions. This process checks and revokes them in the same database.
fn two_processes_share_a_database() {
    let url = database();
    let child = Rotating::start(&url);
    crate::runtime().block_on(child::beside(child, &sessions(Arc::new(store(&url)))));
}

fn two_stores_rotate_a_contended_token_once() {
    let url = database();
    crate::runtime().block_on(async {
        let stores = [Arc::new(store(&url)), Arc::new(store(&url))];
        for racers in [2, 8, 64, 256] {
            let new = unborn("alice");
            stores[0].create(&new).await.expect("a session");
            // The token is newer than the store, so the server's clock and the grace period do not matter.
            let rotate = present(&new, 1).with_policy(RefreshPolicy::default());
            let race = |racer: usize| {
                let (store, rotate) = (Arc::clone(&stores[racer % 2]), rotate.clone());
                tokio::spawn(async move { store.rotate(&rotate).await.expect("an answer") })
            };
            let racing: Vec<_> = (0..racers).map(race).collect();
            let (mut moved, mut successors) = (0, BTreeSet::new());

            for racer in racing {
                let RotateOutcome::Live(refreshed) = racer.await.expect("no panic") else {
                    panic!("not live")
                };
                moved += usize::from(refreshed.kind == RefreshKind::StoreBehind);
                successors.insert(refreshed.session.generation);
            }
            assert_eq!((moved, successors), (1, BTreeSet::from([2])), "{racers} racers");
        }
    });
}

fn concurrent_starts_create_the_tables_once() {
    let url = database();
    crate::runtime().block_on(async {
        let start = |_| {
            let store = store(&url);
            tokio::spawn(async move { store.ping().await })
        };
        let starting: Vec<_> = (0..16).map(start).collect();
        for started in starting {
            in_time(started).await.expect("no panic").expect("it answers");
        }
        let version = "SELECT sum(version)::int8 FROM tollgate.auth_schema";
        assert_eq!(number(&client(&url).await, version).await, 2, "one row with the version");
    });
}

fn schema_of_the_first_version_is_migrated() {
    let url = database();
    crate::runtime().block_on(async {
        in_time(store(&url).ping()).await.expect("the newest schema");
        let older = "ALTER TABLE tollgate.auth_session RENAME COLUMN revoked_at TO ended_at;
                     UPDATE tollgate.auth_schema SET version = 1";
        client(&url).await.batch_execute(older).await.expect("the first schema");

        let store = store(&url);
        let new = unborn("alice");
        store.create(&new).await.expect("a session");
        let scope = RevokeScope::Session { session: new.session, owner: None };
        assert!(store.revoke(&revoke(scope)).await.expect("written").changed);
    });
}

fn revocation_notifies_other_stores_at_once() {
    let url = database();
    crate::runtime().block_on(async {
        let (here, there) = (store(&url), store(&url));
        let new = unborn("alice");
        here.create(&new).await.expect("a session");

        // The first future completes as soon as the store listens for notifications.
        in_time(there.changed()).await;
        let before = there.revocations(None).await.expect("a page");
        let changed = there.changed();
        let scope = RevokeScope::Session { session: new.session, owner: Some("alice".into()) };
        here.revoke(&revoke(scope)).await.expect("written");
        in_time(changed).await;
        let page = there.revocations(Some(&before.cursor)).await.expect("a page");
        let found: Vec<_> = page.entries.into_iter().map(|entry| entry.revocation).collect();
        assert_eq!(found, [Revocation::Session(new.session)]);
    });
}

/// A sequence assigns numbers before a transaction commits, and transactions commit in any order.
fn feed_includes_late_commits() {
    let url = database();
    crate::runtime().block_on(async {
        let store = store(&url);
        store.ping().await.expect("tables");
        let late = client(&url).await;
        let announce = "BEGIN; INSERT INTO tollgate.auth_revocation (kind, key, min_epoch, until)
                        VALUES (2, 'late', 7, 9000000000000)";
        late.batch_execute(announce).await.expect("an announcement");
        store
            .revoke(&revoke(RevokeScope::Subject { subject: "early".into(), keep: None }))
            .await
            .expect("written");
        let page = store.revocations(None).await.expect("a page");
        assert_eq!(page.entries.len(), 1, "{page:?}");

        late.batch_execute("COMMIT").await.expect("it ends");
        let page = store.revocations(Some(&page.cursor)).await.expect("a page");
        let subjects: BTreeSet<_> = page
            .entries
            .iter()
            .map(|entry| match &entry.revocation {
                Revocation::Subject { subject, .. } => &**subject,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(subjects, BTreeSet::from(["early", "late"]));

        // The feed does not read settled entries again.
        let age = "UPDATE tollgate.auth_revocation SET at = at - interval '1 hour'";
        client(&url).await.batch_execute(age).await.expect("time passes");
        let page = store.revocations(Some(&page.cursor)).await.expect("a page");
        let page = store.revocations(Some(&page.cursor)).await.expect("a page");
        assert!(page.entries.is_empty(), "{page:?}");

        // A database restored from a backup restarts its numbers.
        let again = "TRUNCATE tollgate.auth_revocation RESTART IDENTITY";
        client(&url).await.batch_execute(again).await.expect("put back");
        store.revoke(&revoke(RevokeScope::Everything)).await.expect("written");
        let page = store.revocations(Some(&page.cursor)).await.expect("a page");
        assert_eq!(page.entries.len(), 1, "{page:?}");
    });
}

/// Rotations add no row, and nearly all updates stay on their page without a new index entry (heap-only tuples).
fn rotations_stay_on_their_page() {
    const SESSIONS: u32 = 20;
    const ROTATIONS: u32 = 150;
    let url = database();

    crate::runtime().block_on(async {
        let store = Arc::new(store(&url));
        let rotate = |number: u32| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let new = unborn(&format!("subject-{number}"));
                store.create(&new).await.expect("a session");
                for generation in 0..ROTATIONS {
                    let rotation = store.rotate(&present(&new, generation)).await.expect("an answer");
                    assert!(matches!(rotation, RotateOutcome::Live(_)), "{rotation:?}");
                }
            })
        };
        let all_rotating: Vec<_> = (0..SESSIONS).map(rotate).collect();

        for rotating in all_rotating {
            rotating.await.expect("no panic");
        }

        let client = client(&url).await;
        assert_eq!(number(&client, "SELECT count(*) FROM tollgate.auth_session").await, i64::from(SESSIONS));
        // A server process reports its statistics when it ends.
        drop(store);
        let column = |name: &str| {
            format!("SELECT coalesce(sum({name}), 0)::int8 FROM pg_stat_user_tables WHERE relname = 'auth_session'")
        };
        let all = i64::from(SESSIONS * ROTATIONS);

        for _ in 0..200 {
            if number(&client, &column("n_tup_upd")).await == all {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }

        assert_eq!(number(&client, &column("n_tup_upd")).await, all);
        let hot = number(&client, &column("n_tup_hot_upd")).await;
        assert!(hot * 100 >= all * 95, "{hot} of {all}");
    });
}

fn store_keeps_arbitrary_texts() {
    let url = database();
    crate::runtime().block_on(async {
        let store = store(&url);
        for subject in
            ["a\0b", "\u{10ffff} İ ß", "'; DROP TABLE auth_session; --", "\\x00", &"x".repeat(2000)]
        {
            let new = unborn(subject).with_meta(Some("{\"\0\": \"é\"}".into()));
            let view = store.create(&new).await.expect("a session");
            assert_eq!((&*view.subject, &view.meta), (subject, &new.meta));
            assert_eq!(store.list(subject, 10).await.expect("a list"), [view]);
            let scope = RevokeScope::Subject { subject: subject.into(), keep: None };
            store.revoke(&revoke(scope)).await.expect("written");
            assert!(store.list(subject, 10).await.expect("a list").is_empty());
        }
    });
}

fn revoke(scope: RevokeScope) -> RevokeRequest {
    RevokeRequest::new(scope, RevokeReason::Logout, Duration::from_secs(600))
}
