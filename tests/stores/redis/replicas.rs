//! A primary and its replica: what a failover loses, and what it does not.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tollgate_conformance::log::Log;
use tollgate_conformance::redis::RedisServer;
use tollgate_sessions::{
    Durability, EndReason, Issued, Login, RedisStore, RefreshError, RenewalKind, RevocationFeed as _,
    RotationPolicy, SessionError, SessionSettings, SessionStore as _, Sessions, StoreError, StoreErrorKind,
    Transport,
};

/// A primary and a replica, and the wire between them, which can be cut without either of them noticing.
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

    /// The primary is gone, and the replica takes its place.
    fn fail_over(&mut self) {
        self.primary.kill();
        self.replica.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
    }
}

/// Carries bytes, or swallows them.
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
            // As long as the test runs; the threads end with the connections.
            while let Ok((here, _)) = listener.accept() {
                // The replica keeps trying when the primary is gone.
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

/// A server is given time to do what it was started for.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it does not happen that {what}");
}

fn sessions(server: &RedisServer) -> Sessions {
    let store = RedisStore::open(&server.url()).expect("a store");
    let rotation = RotationPolicy::default().with_window(Duration::ZERO);
    crate::child::sessions(Arc::new(store)).with_settings(SessionSettings::default().with_rotation(rotation))
}

async fn log_in(sessions: &Sessions) -> Issued {
    sessions.create(&Login::new("alice")).await.expect("a login")
}

async fn renew(sessions: &Sessions, issued: &Issued) -> Result<Issued, RefreshError> {
    sessions.rotate(&issued.refresh_token.expose(), Transport::Body, None).await
}

/// Acknowledged writes are lost: a token that is ahead is taken, and said to be; an end was said to be at risk.
pub fn lagging() {
    let mut pair = Pair::start();
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let before = sessions(&pair.primary);
            let (ahead, ended) = (log_in(&before).await, log_in(&before).await);
            let safe = before.logout(&log_in(&before).await.refresh_token.expose()).await.expect("a logout");
            assert_eq!(safe.durability, Durability::Durable, "so the replica has all of the above");

            pair.wire.cut.store(true, Ordering::SeqCst);
            let first = renew(&before, &ahead).await.expect("renewed");
            let second = renew(&before, &first).await.expect("renewed");
            let at_risk = before.logout(&ended.refresh_token.expose()).await.expect("a logout");
            assert_eq!((at_risk.changed, at_risk.durability), (true, Durability::BestEffort));
            let again = before.logout(&ended.refresh_token.expose()).await.expect("a logout");
            assert_eq!(
                (again.changed, again.durability),
                (false, Durability::BestEffort),
                "nor is it safe now"
            );

            pair.fail_over();
            let after = sessions(&pair.replica);
            let renewed = renew(&after, &second).await.expect("nobody is logged out");
            assert_eq!(renewed.kind, Some(RenewalKind::Ahead));
            assert!(renew(&after, &renewed).await.is_ok());
            // What was lost comes back: that is what was said.
            assert!(renew(&after, &ended).await.is_ok());
        });
    });
    assert!(log.text().contains("session store has lost writes"), "{}", log.text());
}

/// What was said to be durable is.
pub fn caught_up() {
    let mut pair = Pair::start();
    crate::runtime().block_on(async {
        let before = sessions(&pair.primary);
        let mut ended = Vec::new();
        let mut reused = Vec::new();
        for _ in 0..20 {
            let stolen = log_in(&before).await;
            renew(&before, &renew(&before, &stolen).await.expect("renewed")).await.expect("renewed");
            assert!(matches!(renew(&before, &stolen).await, Err(RefreshError::Reuse)));
            reused.push(stolen);
            let issued = log_in(&before).await;
            let revoked = before.logout(&issued.refresh_token.expose()).await.expect("a logout");
            assert_eq!((revoked.changed, revoked.durability), (true, Durability::Durable));
            ended.push(issued);
        }
        let bob = before.create(&Login::new("bob")).await.expect("a login");
        let revoked = before.revoke_all("bob", EndReason::PasswordChange).await.expect("written");
        assert_eq!(revoked.durability, Durability::Durable);
        pair.fail_over();
        let after = sessions(&pair.replica);
        for issued in &ended {
            assert!(matches!(renew(&after, issued).await, Err(RefreshError::Ended(EndReason::Logout))));
        }
        for issued in &reused {
            assert!(matches!(renew(&after, issued).await, Err(RefreshError::Ended(EndReason::Reuse))));
        }
        assert!(matches!(renew(&after, &bob).await, Err(RefreshError::Ended(EndReason::SubjectRevoked))));
    });
}

/// A store whose server has become a replica, or was one, says that it cannot serve; and serves again when it can.
pub fn read_only() {
    let (primary, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let store = RedisStore::open(&primary.url()).expect("a store");
    crate::runtime().block_on(async {
        store.ping().await.expect("it answers");
        let sessions = sessions(&primary);
        let issued = log_in(&sessions).await;
        primary.ask::<String>(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]);
        let error = store.ping().await.expect_err("a replica");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        let error = renew(&sessions, &issued).await.expect_err("a replica");
        let RefreshError::Store(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        primary.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
        store.ping().await.expect("it answers again");
    });
}

/// Nothing that decides is answered by a server that has become a replica, with a link to its primary or without: neither
/// what needs no write, nor what it was asked for on a connection from before.
pub fn demoted() {
    let other = RedisServer::start(&[]);
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    for (primary_port, link) in [(nobody, "down"), (other.port(), "up")] {
        let server = RedisServer::start(&[]);
        let connected: [Arc<RedisStore>; 6] =
            std::array::from_fn(|_| Arc::new(RedisStore::open(&server.url()).expect("a store")));
        let [replaying, ended, unknown, listing, ending, following] =
            connected.each_ref().map(|store| coalescing(Arc::clone(store)));
        crate::runtime().block_on(async {
            let issued = log_in(&replaying).await;
            let again = renew(&replaying, &issued).await.expect("renewed");
            assert_eq!(again.kind, Some(RenewalKind::Replayed));
            let over = log_in(&ended).await;
            ended.logout(&over.refresh_token.expose()).await.expect("a logout");
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
            for (what, sessions, token) in
                [("a replay", &replaying, &again), ("an end", &ended, &over), ("none", &unknown, &stranger)]
            {
                match renew(sessions, token).await {
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
            // Neither does a new connection find it to be fit.
            let fresh = RedisStore::open(&server.url()).expect("a store");
            unavailable("a new one", &fresh.ping().await.expect_err("a replica"));
            server.ask::<String>(&["CONFIG", "SET", "replica-read-only", "no"]);
            let fresh = RedisStore::open(&server.url()).expect("a store");
            unavailable("one that writes", &fresh.ping().await.expect_err("a replica"));

            server.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
            for store in &connected {
                store.revocations(None).await.expect("a page");
                store.list("alice", 10).await.expect("a list");
            }
            if link == "down" {
                let renewed = renew(&replaying, &again).await.expect("nobody was logged out");
                assert_eq!(renewed.kind, Some(RenewalKind::Replayed));
            }
        });
    }
}

/// A primary that is to have a replica and has lost it may have been replaced: it does not even answer again.
pub fn cut_off() {
    let server = RedisServer::start(&[]);
    crate::runtime().block_on(async {
        let sessions = coalescing(Arc::new(RedisStore::open(&server.url()).expect("a store")));
        let issued = log_in(&sessions).await;
        server.ask::<String>(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
        let refused = renew(&sessions, &issued).await.expect_err("it may have been replaced");
        let RefreshError::Store(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        let listed = sessions.list("alice").await;
        assert!(matches!(listed, Err(SessionError::Store(_))), "{listed:?}");
        server.ask::<String>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        let renewed = renew(&sessions, &issued).await.expect("renewed");
        assert_eq!(renewed.kind, Some(RenewalKind::Replayed));
    });
}

/// Sessions with a window, in which nothing is written.
fn coalescing(store: Arc<RedisStore>) -> Sessions {
    crate::child::sessions(store).with_settings(SessionSettings::default())
}

/// Without a replica it depends on the disk.
pub fn alone() {
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
