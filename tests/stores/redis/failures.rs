//! Servers that are gone, frozen, full, misconfigured, or contain other data.

use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::session::RevokeReason;
use tollgate_sessions::sessions::{RefreshError, SessionError, TokenTransport};
use tollgate_sessions::store::{RedisStore, SessionStore, StoreError, StoreErrorKind};
use tollgate_sessions::{Login, Sessions, open_store};
use tollgate_tests::certificates::Authority;
use tollgate_tests::log::Log;
use tollgate_tests::redis::RedisServer;

use crate::child::sessions;

fn refused(outcome: Result<impl Sized, RefreshError>) -> StoreError {
    match outcome.err() {
        Some(RefreshError::Store(error)) => error,
        Some(other) => panic!("an outage must not decide on the session: {other:?}"),
        None => panic!("the server cannot have answered"),
    }
}

async fn ping(store: &dyn SessionStore) -> StoreErrorKind {
    store.ping().await.expect_err("it cannot be used").kind()
}

/// Calls fail soon while the server is gone, and work again after its restart.
pub fn store_recovers_after_a_restart_of_the_server() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open_store(&server.url()).expect("a store");
    crate::runtime().block_on(async {
        let sessions = sessions(Arc::clone(&store));
        let mut token = sessions.create(&Login::new("alice")).await.expect("a login").refresh_token.expose();
        for _ in 0..3 {
            server.kill();
            for _ in 0..20 {
                let error = refused(sessions.refresh(&token, TokenTransport::Body, None).await);
                assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
                assert_eq!(ping(&*store).await, StoreErrorKind::Unavailable);
                assert!(store.revocations(None).await.is_err());
            }
            server.restart();
            token = sessions
                .refresh(&token, TokenTransport::Body, None)
                .await
                .expect("refreshed")
                .refresh_token
                .expose();
        }
        sessions.logout(&token).await.expect("a logout");
    });
}

/// A server that does not answer. Every call fails in time, as ambiguous or unavailable, and the session stays valid.
pub fn calls_time_out_on_a_frozen_server() {
    let server = RedisServer::start(&[]);
    let store: Arc<dyn SessionStore> = open_store(&server.url()).expect("a store");
    crate::runtime().block_on(async {
        let sessions = sessions(Arc::clone(&store));
        let token = sessions.create(&Login::new("alice")).await.expect("a login").refresh_token.expose();
        for freeze in [true, false] {
            // A stopped process still accepts connections; a paused server still answers reads.
            let wake = || drop(server.try_ask::<String>(&["CLIENT", "UNPAUSE"]));
            if freeze {
                server.signal("STOP");
            } else {
                server.ask::<String>(&["CLIENT", "PAUSE", "600000", "WRITE"]);
            }

            let mut calls = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let (sessions, token) = (sessions.clone(), token.clone());
                calls.spawn(async move { sessions.refresh(&token, TokenTransport::Body, None).await });
            }

            // Only prevents a hanging test. The duration of a call is not asserted.
            let all = tokio::time::timeout(Duration::from_secs(30), calls.join_all());
            for outcome in all.await.expect("no call hangs") {
                let kind = refused(outcome).kind();
                assert!(matches!(kind, StoreErrorKind::Ambiguous | StoreErrorKind::Unavailable), "{kind:?}");
            }

            if freeze {
                server.signal("CONT");
            } else {
                wake();
            }
        }

        store.ping().await.expect("it answers again");
        // The refresh may have taken effect, so this token is the current one or the previous one.
        let outcome = sessions.logout(&token).await.expect("a logout");
        assert!(outcome.changed);
    });
}

/// The store sends its scripts again after `SCRIPT FLUSH`.
pub fn store_reloads_flushed_scripts() {
    let server = RedisServer::start(&[]);
    crate::runtime().block_on(async {
        let sessions = sessions(open_store(&server.url()).expect("a store"));
        let flush = || server.ask::<String>(&["SCRIPT", "FLUSH"]);
        let issued = sessions.create(&Login::new("alice")).await.expect("a login");
        flush();
        let token = issued.refresh_token.expose();
        let token = sessions
            .refresh(&token, TokenTransport::Body, None)
            .await
            .expect("refreshed")
            .refresh_token
            .expose();
        flush();

        assert!(sessions.revoke_all("bob", RevokeReason::Administrator).await.expect("written").changed);
        flush();
        assert!(sessions.logout(&token).await.expect("a logout").changed);
    });
}

/// A server without memory rejects writes. The session survives.
pub fn full_server_is_unavailable() {
    let server = RedisServer::start(&[]);
    crate::runtime().block_on(async {
        let sessions = sessions(open_store(&server.url()).expect("a store"));
        let token = sessions.create(&Login::new("alice")).await.expect("a login").refresh_token.expose();
        server.ask::<String>(&["CONFIG", "SET", "maxmemory", "1"]);
        let error = refused(sessions.refresh(&token, TokenTransport::Body, None).await);
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        server.ask::<String>(&["CONFIG", "SET", "maxmemory", "0"]);
        assert!(sessions.refresh(&token, TokenTransport::Body, None).await.is_ok());
    });
    assert_eviction_is_logged();
}

/// The log warns of a server that evicts keys and has no persistence.
fn assert_eviction_is_logged() {
    let server = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(open_store(&server.url()).expect("a store").ping()).expect("it answers");
    });
    for words in ["allkeys-lru", "users will be logged out", "neither an append-only file nor a replica"] {
        assert!(log.text().contains(words), "{words}: {}", log.text());
    }
}

/// The store does not touch data of a newer release or of another application.
pub fn store_leaves_foreign_data_alone() {
    let server = RedisServer::start(&[]);
    let open = || RedisStore::open(&server.url()).expect("a store");
    crate::runtime().block_on(async {
        for (found, said) in [("7", "version 7"), ("hello", "something else"), ("0", "something else")] {
            server.ask::<String>(&["SET", "tollgate:schema", found]);
            let error = sessions(Arc::new(open())).create(&Login::new("alice")).await.expect_err("refused");
            let SessionError::Store(error) = error else { panic!("{error:?}") };
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
            assert!(error.to_string().contains(said), "{error}");
        }

        server.ask::<u8>(&["DEL", "tollgate:schema"]);
        server.ask::<u8>(&["LPUSH", "tollgate:schema", "x"]);
        assert_eq!(ping(&open()).await, StoreErrorKind::Misconfigured);

        let keys: Vec<String> = server.ask(&["KEYS", "*"]);
        assert_eq!(keys, ["tollgate:schema"], "nothing was written");
        // Another prefix is another store.
        open().with_prefix("mine:").ping().await.expect("it answers");

        // A key of the wrong type must not read as a missing session.
        let store = open().with_prefix("theirs:");
        server.ask::<u8>(&["LPUSH", "theirs:u:{alice}", "x"]);
        let error = store.list("alice", 1).await.expect_err("refused");
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
    });
}

/// Errors report a wrong password without printing it.
pub fn errors_do_not_print_passwords() {
    let server = RedisServer::start(&["--requirepass", "hunter2"]);
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port());
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut printed = String::new();

    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let store = open_store(&at(":hunter2@")).expect("a store");
            store.ping().await.expect("it answers");
            printed.push_str(&format!("{store:?} {store:#?}"));

            for wrong in ["", ":hunter2hunter2@", "alice:hunter2@"] {
                let store = open_store(&at(wrong)).expect("a store");
                let error = store.ping().await.expect_err("refused");
                assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{wrong}: {error}");
                printed.push_str(&format!("{store:?} {error} {error:?}"));
            }

            let error = open_store("redis://u:hunter2@:x").expect_err("no URL");
            printed.push_str(&format!("{error} {error:?}"));
        });
    });

    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}

/// The store accepts a certificate of a trusted authority for the right name only.
pub fn store_verifies_tls_certificates() {
    let authority = Authority::default();
    let directory = tollgate_tests::app::scratch("tollgate-redis-tls");
    let (certificate, key) = authority.certificate("localhost");

    for (name, pem) in [("cert.pem", &certificate), ("key.pem", &key)] {
        std::fs::write(directory.join(name), pem).expect("written");
    }

    let path = |name: &str| directory.join(name).display().to_string();
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let _server = RedisServer::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    let open = |host: &str| RedisStore::open(&format!("rediss://{host}:{port}")).expect("a store");

    crate::runtime().block_on(async {
        let trusting = open("localhost").with_authorities(authority.pem()).expect("an authority");
        trusting.ping().await.expect("it answers");
        assert_eq!(
            ping(&open("localhost")).await,
            StoreErrorKind::Misconfigured,
            "the authority is not trusted"
        );
        let elsewhere = open("127.0.0.1").with_authorities(authority.pem()).expect("an authority");
        assert_eq!(
            ping(&elsewhere).await,
            StoreErrorKind::Misconfigured,
            "the certificate is for another name"
        );
    });

    assert!(open("localhost").with_authorities("no PEM").is_err());
    let plain = RedisStore::open("redis://localhost").expect("a store");
    assert!(plain.with_authorities(authority.pem()).is_err());
    drop(std::fs::remove_dir_all(directory));
}

/// A cluster node with all slots rejects a command whose keys are in two of them. It accepts every script of the store.
pub fn cluster_accepts_every_script() {
    let server = RedisServer::start(&["--cluster-enabled", "yes"]);
    server.ask::<String>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let up = || server.ask::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok");

    for _ in 0..1_000 {
        if up() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }

    let two: Result<String, _> = server.try_ask(&["MSET", "a", "1", "b", "2"]);
    assert_eq!(two.expect_err("the node checks slots").code(), Some("CROSSSLOT"));
    crate::runtime().block_on(async {
        let sessions: Sessions = sessions(open_store(&server.url()).expect("a store"));
        let issued = sessions.create(&Login::new("alice")).await.expect("a login");
        let other = sessions.create(&Login::new("alice")).await.expect("a login");
        let token = issued.refresh_token.expose();
        let next = sessions
            .refresh(&token, TokenTransport::Body, None)
            .await
            .expect("refreshed")
            .refresh_token
            .expose();
        sessions
            .revoke_others("alice", issued.session.session, RevokeReason::PasswordChange)
            .await
            .expect("written");
        assert_eq!(sessions.list("alice").await.expect("a list").len(), 1);
        let after = sessions.refresh(&other.refresh_token.expose(), TokenTransport::Body, None).await;

        assert!(matches!(after, Err(RefreshError::Revoked(RevokeReason::SubjectRevoked))));
        sessions.refresh(&next, TokenTransport::Body, None).await.expect("refreshed");
        assert!(matches!(
            sessions.refresh(&token, TokenTransport::Body, None).await,
            Err(RefreshError::Reuse)
        ));

        sessions.revoke_everything(RevokeReason::Administrator).await.expect("written");
        sessions.purge(10).await.expect("purged");
        assert_eq!(sessions.store().revocations(None).await.expect("a page").entries.len(), 3);
    });
}
