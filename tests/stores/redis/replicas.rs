//! A primary and its replica: which writes a failover loses.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tollgate_sessions::session::RevokeReason;
use tollgate_sessions::sessions::{
    IssuedSession, RefreshError, SessionError, SessionSettings, TokenTransport,
};
use tollgate_sessions::store::{
    Durability, RedisStore, RefreshKind, RefreshPolicy, RevocationFeed as _, SessionStore as _, StoreError,
    StoreErrorKind,
};
use tollgate_sessions::{Login, Sessions};
use tollgate_tests::log::Log;
use tollgate_tests::redis::RedisServer;

/// A primary, a replica, and the connection between them, which can be cut without either server noticing.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
    wire: Wire,
}

impl Pair {
    fn start() -> Self {
        let primary = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
        let wire = Wire::to(primary.port());
        let replica = RedisServer::start(&["--replicaof", &format!("127.0.0.1 {}", wire.port)]);
        wait_for("the replica is up to date", || {
            replica.ask::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        Self { primary, replica, wire }
    }

    /// Kills the primary and promotes the replica.
    fn fail_over(&mut self) {
        self.primary.kill();
        self.replica.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
    }
}

/// A TCP proxy that forwards bytes until it is cut. After that it drops them.
struct Wire {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Wire {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let wire = Self { port: listener.local_addr().expect("an address").port(), cut: Arc::default() };
        let cut = Arc::clone(&wire.cut);

        std::thread::spawn(move || {
            // Runs until the test ends; the forwarding threads end with their connections.
            while let Ok((here, _)) = listener.accept() {
                // The replica keeps reconnecting after the primary is gone.
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                carry(&here, &there, &cut);
                carry(&there, &here, &cut);
            }
        });
        wire
    }
}

fn carry(from: &TcpStream, to: &TcpStream, cut: &Arc<AtomicBool>) {
    use std::io::{Read as _, Write as _};
    let (mut from, mut to, cut) =
        (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"), Arc::clone(cut));
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if !cut.load(Ordering::SeqCst) && to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        drop(to.shutdown(std::net::Shutdown::Both));
    });
}

/// Waits until a condition holds, for at most ten seconds.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("did not happen within ten seconds: {what}");
}

fn sessions(server: &RedisServer) -> Sessions {
    let store = RedisStore::open(&server.url()).expect("a store");
    let rotation = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within the bounds");
    crate::child::sessions(Arc::new(store))
        .with_settings(SessionSettings::default().with_refresh_policy(rotation))
}

async fn log_in(sessions: &Sessions) -> IssuedSession {
    sessions.create(&Login::new("alice")).await.expect("a login")
}

async fn refresh(sessions: &Sessions, issued: &IssuedSession) -> Result<IssuedSession, RefreshError> {
    sessions.refresh(&issued.refresh_token.expose(), TokenTransport::Body, None).await
}

/// A failover loses acknowledged writes. Tokens newer than the store are accepted and reported. The lost revocation was
/// only acknowledged as best effort.
pub fn promoted_lagging_replica_accepts_newer_tokens() {
    let mut pair = Pair::start();
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let before = sessions(&pair.primary);
            let (ahead, ended) = (log_in(&before).await, log_in(&before).await);
            let safe = before.logout(&log_in(&before).await.refresh_token.expose()).await.expect("a logout");
            assert_eq!(safe.durability, Durability::Durable, "the replica has all earlier writes");

            pair.wire.cut.store(true, Ordering::SeqCst);
            let first = refresh(&before, &ahead).await.expect("refreshed");
            let second = refresh(&before, &first).await.expect("refreshed");
            let at_risk = before.logout(&ended.refresh_token.expose()).await.expect("a logout");
            assert_eq!((at_risk.changed, at_risk.durability), (true, Durability::BestEffort));
            let again = before.logout(&ended.refresh_token.expose()).await.expect("a logout");
            assert_eq!(
                (again.changed, again.durability),
                (false, Durability::BestEffort),
                "repeating the logout does not make it durable"
            );

            pair.fail_over();
            let after = sessions(&pair.replica);
            let refreshed = refresh(&after, &second).await.expect("the client stays logged in");
            assert_eq!(refreshed.kind, Some(RefreshKind::StoreBehind));
            assert!(refresh(&after, &refreshed).await.is_ok());
            // The revocation is lost, as `BestEffort` permits.
            assert!(refresh(&after, &ended).await.is_ok());
        });
    });
    assert!(log.text().contains("session store has lost writes"), "{}", log.text());
}

/// A revocation acknowledged as durable survives a failover.
pub fn durable_revocation_survives_a_failover() {
    let mut pair = Pair::start();
    crate::runtime().block_on(async {
        let before = sessions(&pair.primary);
        let mut ended = Vec::new();
        let mut reused = Vec::new();

        for _ in 0..20 {
            let stolen = log_in(&before).await;
            refresh(&before, &refresh(&before, &stolen).await.expect("refreshed")).await.expect("refreshed");
            assert!(matches!(refresh(&before, &stolen).await, Err(RefreshError::Reuse)));
            reused.push(stolen);
            let issued = log_in(&before).await;
            let revoked = before.logout(&issued.refresh_token.expose()).await.expect("a logout");
            assert_eq!((revoked.changed, revoked.durability), (true, Durability::Durable));
            ended.push(issued);
        }

        let bob = before.create(&Login::new("bob")).await.expect("a login");
        let revoked = before.revoke_all("bob", RevokeReason::PasswordChange).await.expect("written");
        assert_eq!(revoked.durability, Durability::Durable);

        pair.fail_over();
        let after = sessions(&pair.replica);
        for issued in &ended {
            assert!(matches!(
                refresh(&after, issued).await,
                Err(RefreshError::Revoked(RevokeReason::Logout))
            ));
        }

        for issued in &reused {
            assert!(matches!(refresh(&after, issued).await, Err(RefreshError::Revoked(RevokeReason::Reuse))));
        }
        assert!(matches!(
            refresh(&after, &bob).await,
            Err(RefreshError::Revoked(RevokeReason::SubjectRevoked))
        ));
    });
}

/// A store is unavailable while its server is a replica, and works again after the promotion.
pub fn replica_is_unavailable_until_promoted() {
    let (primary, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let store = RedisStore::open(&primary.url()).expect("a store");
    crate::runtime().block_on(async {
        store.ping().await.expect("it answers");
        let sessions = sessions(&primary);
        let issued = log_in(&sessions).await;
        primary.ask::<String>(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]);
        let error = store.ping().await.expect_err("a replica");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");

        let error = refresh(&sessions, &issued).await.expect_err("a replica");
        let RefreshError::Store(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");

        primary.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
        store.ping().await.expect("it answers again");
    });
}

/// A server that has become a replica answers no deciding call, with or without a link to its primary. This
/// includes calls that need no write, and calls on connections from before.
pub fn demoted_server_decides_nothing() {
    let other = RedisServer::start(&[]);
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    for (primary_port, link) in [(unused, "down"), (other.port(), "up")] {
        let server = RedisServer::start(&[]);
        let connected: [Arc<RedisStore>; 6] =
            std::array::from_fn(|_| Arc::new(RedisStore::open(&server.url()).expect("a store")));
        let [replaying, ended, unknown, listing, ending, following] =
            connected.each_ref().map(|store| coalescing(Arc::clone(store)));
        crate::runtime().block_on(async {
            let issued = log_in(&replaying).await;
            let again = refresh(&replaying, &issued).await.expect("refreshed");
            assert_eq!(again.kind, Some(RefreshKind::Replayed));
            let finished = log_in(&ended).await;
            ended.logout(&finished.refresh_token.expose()).await.expect("a logout");
            let elsewhere = coalescing(Arc::new(RedisStore::open(&other.url()).expect("a store")));
            let (stranger, nowhere) = (log_in(&elsewhere).await, log_in(&elsewhere).await);
            for store in &connected {
                store.ping().await.expect("it answers");
            }
            let page = following.store().revocations(None).await.expect("a page");
            assert_eq!(page.entries.len(), 1);

            server.ask::<String>(&["REPLICAOF", "127.0.0.1", &primary_port.to_string()]);
            wait_for("the link is as it should be", || {
                server.ask::<String>(&["INFO", "replication"]).contains(&format!("master_link_status:{link}"))
            });
            let unavailable = |what: &str, error: &StoreError| {
                assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{what}, link {link}: {error}");
            };
            for (what, sessions, token) in [
                ("a replay", &replaying, &again),
                ("a revoked session", &ended, &finished),
                ("no session", &unknown, &stranger),
            ] {
                match refresh(sessions, token).await {
                    Err(RefreshError::Store(error)) => unavailable(what, &error),
                    other => panic!("{what}, link {link}: {other:?}"),
                }
            }
            match listing.list("alice").await {
                Err(SessionError::Store(error)) => unavailable("a list", &error),
                other => panic!("link {link}: {other:?}"),
            }
            match ending.logout(&nowhere.refresh_token.expose()).await {
                Err(RefreshError::Store(error)) => unavailable("a logout", &error),
                other => panic!("link {link}: {other:?}"),
            }
            for _ in 0..2 {
                let page = following.store().revocations(Some(&page.cursor)).await;
                unavailable("a page", &page.expect_err("a replica"));
            }
            // A new connection is rejected as well.
            let fresh = RedisStore::open(&server.url()).expect("a store");
            unavailable("a new connection", &fresh.ping().await.expect_err("a replica"));
            server.ask::<String>(&["CONFIG", "SET", "replica-read-only", "no"]);
            let fresh = RedisStore::open(&server.url()).expect("a store");
            unavailable("a writable replica", &fresh.ping().await.expect_err("a replica"));

            server.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
            for store in &connected {
                store.revocations(None).await.expect("a page");
                store.list("alice", 10).await.expect("a list");
            }
            if link == "down" {
                let refreshed = refresh(&replaying, &again).await.expect("the client stays logged in");
                assert_eq!(refreshed.kind, Some(RefreshKind::Replayed));
            }
        });
    }
}

/// A primary that has lost its required replica may have been replaced, so it does not even repeat a response.
pub fn isolated_primary_refreshes_nothing() {
    let server = RedisServer::start(&[]);
    crate::runtime().block_on(async {
        let sessions = coalescing(Arc::new(RedisStore::open(&server.url()).expect("a store")));
        let issued = log_in(&sessions).await;
        server.ask::<String>(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
        let refused = refresh(&sessions, &issued).await.expect_err("the primary may have been replaced");
        let RefreshError::Store(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");

        let listed = sessions.list("alice").await;
        assert!(matches!(listed, Err(SessionError::Store(_))), "{listed:?}");
        server.ask::<String>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        let refreshed = refresh(&sessions, &issued).await.expect("refreshed");
        assert_eq!(refreshed.kind, Some(RefreshKind::Replayed));
    });
}

/// Returns sessions with a grace period, in which a repeated refresh writes nothing.
fn coalescing(store: Arc<RedisStore>) -> Sessions {
    crate::child::sessions(store).with_settings(SessionSettings::default())
}

/// Without a replica, the durability depends on the append-only file.
pub fn durability_depends_on_the_disk_without_replicas() {
    let logout = |options: &[&str]| {
        let server = RedisServer::start(options);
        crate::runtime().block_on(async {
            let sessions = sessions(&server);
            let issued = log_in(&sessions).await;
            sessions.logout(&issued.refresh_token.expose()).await.expect("a logout").durability
        })
    };

    assert_eq!(logout(&[]), Durability::BestEffort);
    assert_eq!(logout(&["--appendonly", "yes", "--appendfsync", "no"]), Durability::BestEffort);
    assert_eq!(logout(&["--appendonly", "yes", "--appendfsync", "always"]), Durability::Durable);
}
