//! Servers that are down, hang, crash, take no writes, or hold something else.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio_postgres::{Client, NoTls};
use tollgate_conformance::certificates::Authority;
use tollgate_conformance::postgres::{PASSWORD, PostgresServer};
use tollgate_sessions::{
    Durability, EndReason, NewSession, PostgresStore, RenewalKind, Revoke, RevokeScope, Rotation,
    RotationPolicy, SessionStore as _, StoreError, StoreErrorKind,
};

use super::{client, database, execute, in_time, number, present, store, unborn};
use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| crate::trial(format!("postgres::{name}"), body);
    vec![
        trial("a_server_that_was_down_is_found_again", down),
        trial("a_server_that_says_nothing_is_not_waited_for", silent),
        trial("a_connection_that_is_lost_within_a_call", lost),
        trial("a_lock_of_others_is_not_waited_for", locked),
        trial("a_server_that_takes_no_more_connections", crowded),
        trial("what_is_not_on_the_disk_is_said_to_be_at_risk", unsynced),
        trial("a_server_that_takes_no_writes_denies_nobody", read_only),
        trial("schemas_of_others_are_refused", others),
        trial("a_wrong_password_is_not_shown", password),
        trial("tls_is_verified_or_refused", tls),
        trial("what_was_said_survives_a_crash_of_the_server", crashed),
        trial("a_standby_takes_over", promoted),
    ]
}

/// Until the store answers again, which it does by itself.
async fn recovered(store: &PostgresStore) {
    for _ in 0..300 {
        if in_time(store.ping()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the store does not come back: {:?}", store.ping().await);
}

async fn born(store: &PostgresStore) -> NewSession {
    let new = unborn("alice");
    store.create(&new).await.expect("a session");
    new
}

fn logout(session: &NewSession) -> Revoke {
    let scope = RevokeScope::Session { session: session.session, owner: None };
    Revoke { scope, reason: EndReason::Logout, announce_for: Duration::from_secs(600) }
}

fn is_away(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Ambiguous)
}

fn down() {
    let mut server = PostgresServer::start(&["fsync=off"]);
    let store = store(&server.url("postgres"));
    let runtime = crate::runtime();
    let new = runtime.block_on(born(&store));
    for (round, how) in ["fast", "immediate"].into_iter().enumerate() {
        server.stop(how);
        runtime.block_on(async {
            for _ in 0..20 {
                let error = in_time(store.rotate(&present(&new, 9))).await.expect_err("there is no server");
                assert!(is_away(&error), "{error}");
            }
            let error = in_time(store.list("alice", 1)).await.expect_err("there is no server");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        });
        server.resume();
        runtime.block_on(async {
            recovered(&store).await;
            let generation = u32::try_from(round).expect("a small number");
            let rotation = store.rotate(&present(&new, generation)).await.expect("an answer");
            assert!(
                matches!(&rotation, Rotation::Live(renewed) if renewed.kind == RenewalKind::Rotated),
                "{rotation:?}"
            );
        });
    }
}

/// It accepts connections, and that is all.
fn silent() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let store = Arc::new(store(&format!("postgres://alice:{PASSWORD}@127.0.0.1:{port}/app")));
    crate::runtime().block_on(async {
        let ask = |_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.revoke(&logout(&unborn("alice"))).await })
        };
        let asking: Vec<_> = (0..64).map(ask).collect();
        for asked in asking {
            let error = in_time(asked).await.expect("no panic").expect_err("nothing is said");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "nothing was sent: {error}");
            assert!(!format!("{error:?}{store:?}").contains(PASSWORD));
        }
    });
}

/// Has the sessions locked, by somebody who forgets about it.
async fn lock(url: &str) -> Client {
    let client = client(url).await;
    client.batch_execute("BEGIN; LOCK TABLE tollgate.auth_session").await.expect("a lock");
    client
}

async fn wait_for_a_lock(watching: &Client) {
    while number(watching, &format!("SELECT count(*) FROM ({WAITING}) w")).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const WAITING: &str = "SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'tollgate' AND wait_event_type = 'Lock'";

fn lost() {
    let url = database();
    crate::runtime().block_on(async {
        let store = Arc::new(store(&url));
        let new = born(&store).await;
        let (locking, watching) = (lock(&url).await, client(&url).await);
        let rotating = tokio::spawn({
            let (store, rotate) = (Arc::clone(&store), present(&new, 0));
            async move { store.rotate(&rotate).await }
        });
        in_time(wait_for_a_lock(&watching)).await;
        number(&watching, &format!("SELECT count(pg_terminate_backend(pid)) FROM ({WAITING}) w")).await;
        let error = in_time(rotating).await.expect("no panic").expect_err("it was lost");
        assert_eq!(error.kind(), StoreErrorKind::Ambiguous, "it may have been done: {error}");
        locking.batch_execute("ROLLBACK").await.expect("no lock");
        let rotation = store.rotate(&present(&new, 0)).await.expect("another connection");
        assert!(
            matches!(&rotation, Rotation::Live(renewed) if renewed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

fn locked() {
    let url = database();
    crate::runtime().block_on(async {
        let store = store(&url);
        let new = born(&store).await;
        let locking = lock(&url).await;
        let error = in_time(store.rotate(&present(&new, 0))).await.expect_err("it waits for a lock");
        assert!(is_away(&error), "{error}");
        // Nor does the server go on waiting.
        let watching = client(&url).await;
        while number(&watching, &format!("SELECT count(*) FROM ({WAITING}) w")).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        locking.batch_execute("ROLLBACK").await.expect("no lock");
        let rotation = store.rotate(&present(&new, 0)).await.expect("an answer");
        assert!(
            matches!(&rotation, Rotation::Live(renewed) if renewed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

/// Others have all of its connections: who has one goes on with it, who has none says so.
fn crowded() {
    let server =
        PostgresServer::start(&["fsync=off", "max_connections=5", "superuser_reserved_connections=0"]);
    let url = server.url("postgres");
    let connected = Arc::new(store(&url));
    crate::runtime().block_on(async {
        let new = born(&connected).await;
        let mut others = Vec::new();
        while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
            tokio::spawn(connection);
            others.push(client);
        }
        assert!(!others.is_empty());
        let late = store(&url);
        for _ in 0..3 {
            let error = in_time(late.rotate(&present(&new, 0))).await.expect_err("no connection");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        }
        let ask = |_| {
            let (store, mut rotate) = (Arc::clone(&connected), present(&new, 0));
            rotate.policy = RotationPolicy::default();
            tokio::spawn(async move { store.rotate(&rotate).await })
        };
        let asking: Vec<_> = (0..32).map(ask).collect();
        for asked in asking {
            let rotation = in_time(asked).await.expect("no panic").expect("an answer");
            assert!(matches!(rotation, Rotation::Live(_)), "{rotation:?}");
        }
        drop(others);
        recovered(&late).await;
        let rotation = late.rotate(&present(&new, 0)).await.expect("an answer");
        assert!(matches!(rotation, Rotation::Live(_)), "{rotation:?}");
    });
}

/// The server says that an end is written before it is.
fn unsynced() {
    let url = database();
    let off = "DO $$BEGIN
        EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
    END$$";
    for (before, durability) in [("SELECT 1", Durability::Durable), (off, Durability::BestEffort)] {
        execute(&url, before);
        crate::runtime().block_on(async {
            let store = store(&url);
            let new = born(&store).await;
            for changed in [true, false] {
                let revoked = store.revoke(&logout(&new)).await.expect("written");
                assert_eq!((revoked.changed, revoked.durability), (changed, durability));
            }
        });
    }
}

fn read_only() {
    let server = PostgresServer::start(&["fsync=off"]);
    let url = server.url("postgres");
    let set = |value: &str| {
        execute(&url, &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
        execute(&url, "SELECT pg_reload_conf()");
    };
    let runtime = crate::runtime();
    let (connected, new) = runtime.block_on(async {
        let store = store(&url);
        let new = born(&store).await;
        (store, new)
    });
    set("on");
    runtime.block_on(async {
        let watching = client(&url).await;
        let on = "SELECT (current_setting('default_transaction_read_only') = 'on')::int::int8";
        while number(&watching, on).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for store in [&connected, &store(&url)] {
            for _ in 0..3 {
                let error = store.rotate(&present(&new, 0)).await.expect_err("no writes");
                assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
                let error = store.revoke(&logout(&new)).await.expect_err("no writes");
                assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
                assert_eq!(store.ping().await.expect_err("no writes").kind(), StoreErrorKind::Unavailable);
            }
        }
    });
    set("off");
    runtime.block_on(async {
        recovered(&connected).await;
        let rotation = connected.rotate(&present(&new, 0)).await.expect("an answer");
        assert!(
            matches!(&rotation, Rotation::Live(renewed) if renewed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

fn others() {
    let refused = |url: &str, sql: &str| {
        execute(url, sql);
        let error = crate::runtime().block_on(store(url).ping()).expect_err("it is refused");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
        error.to_string()
    };
    let url = database();
    crate::runtime().block_on(store(&url).ping()).expect("tables");
    let newer = refused(&url, "UPDATE tollgate.auth_schema SET version = 99");
    assert!(newer.contains("version 99") && newer.contains("newer release"), "{newer}");
    let emptied = refused(&url, "DELETE FROM tollgate.auth_schema");
    assert!(emptied.contains("something else"), "{emptied}");
    let foreign = refused(&database(), "CREATE SCHEMA tollgate; CREATE TABLE tollgate.booth (lane int)");
    assert!(foreign.contains("something else"), "{foreign}");
    let url = database();
    execute(&url, "CREATE SCHEMA tollgate");
    crate::runtime().block_on(store(&url).ping()).expect("an empty one is made use of");
    // Tables that are gone are no answer about a session.
    crate::runtime().block_on(async {
        let store = store(&url);
        store.ping().await.expect("tables");
        client(&url).await.batch_execute("DROP TABLE tollgate.auth_session").await.expect("gone");
        let error = store.rotate(&present(&unborn("alice"), 0)).await.expect_err("no tables");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    });
}

fn password() {
    let url = database().replace(PASSWORD, "wrong-hunter3");
    crate::runtime().block_on(async {
        let store = store(&url);
        let error = store.ping().await.expect_err("a wrong password");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().contains("password authentication failed"), "{error}");
        assert!(!format!("{error} {error:?} {store:?}").contains("hunter"), "{error:?}");
    });
}

fn tls() {
    let mut server = PostgresServer::start(&["fsync=off"]);
    let asked = |server: &PostgresServer, host: &str, options: &str| {
        let url = server.url("postgres").replace("localhost", host);
        crate::runtime().block_on(store(&format!("{url}?{options}")).ping()).map_err(|error| error.kind())
    };
    // A server without TLS is not spoken to in the clear.
    assert_eq!(asked(&server, "localhost", "sslmode=require"), Err(StoreErrorKind::Misconfigured));
    assert_eq!(asked(&server, "localhost", "sslmode=disable"), Ok(()));
    let (authority, stranger) = (Authority::default(), Authority::default());
    let (certificate, key) = authority.certificate("localhost");
    let trusted = server.file("trusted.pem", authority.pem()).display().to_string();
    let other = server.file("other.pem", stranger.pem()).display().to_string();
    let path = |name: &str, text: &str| server.file(name, text).display().to_string();
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", path("server.pem", &certificate)),
        format!("ssl_key_file={}", path("server.key", &key)),
    ];
    server.restart_with(&settings);
    for mode in ["require", "verify-full"] {
        let with = |authority: &str| format!("sslmode={mode}&sslrootcert={authority}");
        assert_eq!(asked(&server, "localhost", &with(&trusted)), Ok(()));
        assert_eq!(asked(&server, "localhost", &with(&other)), Err(StoreErrorKind::Misconfigured));
        // A certificate for another name.
        assert_eq!(asked(&server, "127.0.0.1", &with(&trusted)), Err(StoreErrorKind::Misconfigured));
        // The public authorities know nothing of it.
        assert_eq!(
            asked(&server, "localhost", &format!("sslmode={mode}")),
            Err(StoreErrorKind::Misconfigured)
        );
    }
    let encrypted = format!("{}?sslmode=require&sslrootcert={trusted}", server.url("postgres"));
    crate::runtime().block_on(async {
        let store = store(&encrypted);
        store.ping().await.expect("it answers");
        let sql = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'tollgate'";
        assert_eq!(number(&client(&server.url("postgres")).await, sql).await, 1);
    });
}

/// Two processes renew and end sessions while the server crashes; 50 rounds are what a release is tried with.
fn crashed() {
    let mut server = PostgresServer::start(&[]);
    let url = server.url("postgres");
    crate::runtime().block_on(store(&url).ping()).expect("tables");
    for round in 0..child::rounds(3) {
        let mut children = [Rotating::start(&url), Rotating::start(&url)];
        let mut said: Vec<_> = children.iter_mut().map(|child| child.line().expect("it comes up")).collect();
        // Somewhere in their work, which is where the randomness of the machine puts it.
        std::thread::sleep(Duration::from_micros(u64::from(round % 97) * 1733));
        server.stop("immediate");
        for child in children {
            said.extend(child.kill());
        }
        server.resume();
        let store = store(&url);
        crate::runtime().block_on(async {
            recovered(&store).await;
            child::check(&sessions(Arc::new(store)), said, round).await;
        });
    }
}

/// Both are named in the URL, and what was acknowledged is on both.
fn promoted() {
    let mut primary = PostgresServer::start(&["fsync=off", "synchronous_standby_names=*"]);
    let standby = primary.standby(&["fsync=off"]);
    let both = primary.url("postgres").replace(
        &format!("localhost:{}", primary.port()),
        &format!("localhost:{},localhost:{}", standby.port(), primary.port()),
    );
    let store = store(&both);
    let runtime = crate::runtime();
    let (live, ended) = runtime.block_on(async {
        recovered(&store).await;
        let (live, ended) = (born(&store).await, born(&store).await);
        store.rotate(&present(&live, 0)).await.expect("renewed");
        assert!(store.revoke(&logout(&ended)).await.expect("written").changed);
        (live, ended)
    });
    primary.stop("immediate");
    standby.promote();
    runtime.block_on(async {
        recovered(&store).await;
        let rotation = store.rotate(&present(&live, 1)).await.expect("an answer");
        assert!(
            matches!(&rotation, Rotation::Live(renewed) if renewed.kind == RenewalKind::Rotated),
            "{rotation:?}"
        );
        let rotation = store.rotate(&present(&ended, 0)).await.expect("an answer");
        assert_eq!(rotation, Rotation::Ended(EndReason::Logout));
    });
}
