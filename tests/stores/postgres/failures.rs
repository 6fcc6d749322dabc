//! Servers that are down, hang, crash, are read-only, or contain other data.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio_postgres::{Client, NoTls};
use tollgate_sessions::session::{NewSession, RevokeReason};
use tollgate_sessions::store::{
    Durability, PostgresStore, RefreshKind, RefreshPolicy, RevokeRequest, RevokeScope, RotateOutcome,
    SessionStore as _, StoreError, StoreErrorKind,
};
use tollgate_tests::certificates::Authority;
use tollgate_tests::postgres::{PASSWORD, PostgresServer};

use super::{client, database, execute, in_time, number, present, store, unborn};
use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| crate::trial(format!("postgres::{name}"), body);
    vec![
        trial("store_recovers_after_a_restart_of_the_server", store_recovers_after_a_restart_of_the_server),
        trial("calls_time_out_on_a_silent_server", calls_time_out_on_a_silent_server),
        trial("call_is_ambiguous_after_a_lost_connection", call_is_ambiguous_after_a_lost_connection),
        trial("call_times_out_on_a_lock_of_another_client", call_times_out_on_a_lock_of_another_client),
        trial("store_keeps_its_connections_to_a_full_server", store_keeps_its_connections_to_a_full_server),
        trial(
            "revocation_is_best_effort_without_synchronous_commit",
            revocation_is_best_effort_without_synchronous_commit,
        ),
        trial("read_only_server_is_unavailable", read_only_server_is_unavailable),
        trial("store_rejects_foreign_and_newer_schemas", store_rejects_foreign_and_newer_schemas),
        trial("error_does_not_print_a_wrong_password", error_does_not_print_a_wrong_password),
        trial("store_verifies_tls_certificates", store_verifies_tls_certificates),
        trial("acknowledged_writes_survive_a_server_crash", acknowledged_writes_survive_a_server_crash),
        trial("promoted_standby_has_acknowledged_writes", promoted_standby_has_acknowledged_writes),
    ]
}

/// Waits until the store answers again, which needs no action.
async fn recovered(store: &PostgresStore) {
    for _ in 0..300 {
        if in_time(store.ping()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the store does not recover: {:?}", store.ping().await);
}

async fn born(store: &PostgresStore) -> NewSession {
    let new = unborn("alice");
    store.create(&new).await.expect("a session");
    new
}

fn logout(session: &NewSession) -> RevokeRequest {
    let scope = RevokeScope::Session { session: session.session, owner: None };
    RevokeRequest::new(scope, RevokeReason::Logout, Duration::from_secs(600))
}

fn is_away(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Ambiguous)
}

fn store_recovers_after_a_restart_of_the_server() {
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
                matches!(&rotation, RotateOutcome::Live(refreshed) if refreshed.kind == RefreshKind::Rotated),
                "{rotation:?}"
            );
        });
    }
}

/// The server accepts connections and never answers.
fn calls_time_out_on_a_silent_server() {
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
            let error = in_time(asked).await.expect("no panic").expect_err("the server is silent");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "nothing was sent: {error}");
            assert!(!format!("{error:?}{store:?}").contains(PASSWORD));
        }
    });
}

/// Locks the table of sessions until the returned client rolls back.
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

fn call_is_ambiguous_after_a_lost_connection() {
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
        let error = in_time(rotating).await.expect("no panic").expect_err("the connection was lost");

        assert_eq!(error.kind(), StoreErrorKind::Ambiguous, "the call may have taken effect: {error}");
        locking.batch_execute("ROLLBACK").await.expect("no lock");
        let rotation = store.rotate(&present(&new, 0)).await.expect("another connection");
        assert!(
            matches!(&rotation, RotateOutcome::Live(refreshed) if refreshed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

fn call_times_out_on_a_lock_of_another_client() {
    let url = database();
    crate::runtime().block_on(async {
        let store = store(&url);
        let new = born(&store).await;
        let locking = lock(&url).await;
        let error = in_time(store.rotate(&present(&new, 0))).await.expect_err("it waits for a lock");
        assert!(is_away(&error), "{error}");

        // The server also stops waiting.
        let watching = client(&url).await;
        while number(&watching, &format!("SELECT count(*) FROM ({WAITING}) w")).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        locking.batch_execute("ROLLBACK").await.expect("no lock");
        let rotation = store.rotate(&present(&new, 0)).await.expect("an answer");
        assert!(
            matches!(&rotation, RotateOutcome::Live(refreshed) if refreshed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

/// Other clients use up the server's connections. A connected store keeps working; a new one reports the failure.
fn store_keeps_its_connections_to_a_full_server() {
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
            rotate.policy = RefreshPolicy::default();
            tokio::spawn(async move { store.rotate(&rotate).await })
        };
        let asking: Vec<_> = (0..32).map(ask).collect();

        for asked in asking {
            let rotation = in_time(asked).await.expect("no panic").expect("an answer");
            assert!(matches!(rotation, RotateOutcome::Live(_)), "{rotation:?}");
        }

        drop(others);
        recovered(&late).await;
        let rotation = late.rotate(&present(&new, 0)).await.expect("an answer");
        assert!(matches!(rotation, RotateOutcome::Live(_)), "{rotation:?}");
    });
}

/// The server acknowledges a revocation before it is on disk.
fn revocation_is_best_effort_without_synchronous_commit() {
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

fn read_only_server_is_unavailable() {
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
            matches!(&rotation, RotateOutcome::Live(refreshed) if refreshed.session.generation == 1),
            "{rotation:?}"
        );
    });
}

fn store_rejects_foreign_and_newer_schemas() {
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
    crate::runtime().block_on(store(&url).ping()).expect("the store uses an empty schema");

    // Missing tables must not read as a missing session.
    crate::runtime().block_on(async {
        let store = store(&url);
        store.ping().await.expect("tables");
        client(&url).await.batch_execute("DROP TABLE tollgate.auth_session").await.expect("gone");
        let error = store.rotate(&present(&unborn("alice"), 0)).await.expect_err("no tables");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    });
}

fn error_does_not_print_a_wrong_password() {
    let url = database().replace(PASSWORD, "wrong-hunter3");
    crate::runtime().block_on(async {
        let store = store(&url);
        let error = store.ping().await.expect_err("a wrong password");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().contains("password authentication failed"), "{error}");
        assert!(!format!("{error} {error:?} {store:?}").contains("hunter"), "{error:?}");
    });
}

fn store_verifies_tls_certificates() {
    let mut server = PostgresServer::start(&["fsync=off"]);
    let asked = |server: &PostgresServer, host: &str, options: &str| {
        let url = server.url("postgres").replace("localhost", host);
        crate::runtime().block_on(store(&format!("{url}?{options}")).ping()).map_err(|error| error.kind())
    };

    // The store does not fall back to plain text.
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
        // The public authorities did not sign the certificate.
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

/// Two processes refresh and revoke sessions while the server crashes. Releases run 50 rounds.
fn acknowledged_writes_survive_a_server_crash() {
    let mut server = PostgresServer::start(&[]);
    let url = server.url("postgres");
    crate::runtime().block_on(store(&url).ping()).expect("tables");

    for round in 0..child::rounds(3) {
        let mut children = [Rotating::start(&url), Rotating::start(&url)];
        let mut said: Vec<_> =
            children.iter_mut().map(|child| child.line().expect("the child starts")).collect();
        // The delay varies, so that the crash hits different operations.
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

/// The URL names both servers, and replication is synchronous, so both have the acknowledged writes.
fn promoted_standby_has_acknowledged_writes() {
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
        store.rotate(&present(&live, 0)).await.expect("refreshed");
        assert!(store.revoke(&logout(&ended)).await.expect("written").changed);
        (live, ended)
    });
    primary.stop("immediate");
    standby.promote();

    runtime.block_on(async {
        recovered(&store).await;
        let rotation = store.rotate(&present(&live, 1)).await.expect("an answer");
        assert!(
            matches!(&rotation, RotateOutcome::Live(refreshed) if refreshed.kind == RefreshKind::Rotated),
            "{rotation:?}"
        );
        let rotation = store.rotate(&present(&ended, 0)).await.expect("an answer");
        assert_eq!(rotation, RotateOutcome::Revoked(RevokeReason::Logout));
    });
}
