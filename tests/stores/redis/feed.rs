//! Announcements reach other stores at once, and are not missed after a server has lost some.

use std::time::Duration;

use tollgate_sessions::Login;
use tollgate_sessions::session::{RevokeReason, SessionId, StoreClock};
use tollgate_sessions::sessions::{RefreshError, TokenTransport};
use tollgate_sessions::store::{Revocation, RevocationFeed as _, SessionStore as _};
use tollgate_tests::redis::RedisServer;

use super::Shared;
use crate::child::sessions;

/// A second store is notified of an announcement without polling.
pub fn announcements_reach_other_stores(shared: &Shared) {
    let prefix = shared.prefix();
    let (here, there) = (super::store(&shared.0, &prefix), super::store(&shared.0, &prefix));
    crate::runtime().block_on(async {
        let sessions = sessions(std::sync::Arc::new(here));
        let session = sessions.create(&Login::new("alice")).await.expect("a login").session.session;
        let before = there.revocations(None).await.expect("a page");
        assert!(before.entries.is_empty());

        let changed = there.changed();
        let ending = async {
            sessions.revoke(session, "alice", RevokeReason::Logout).await.expect("written");
        };
        tokio::join!(changed, ending);
        let page = there.revocations(Some(&before.cursor)).await.expect("a page");
        let found: Vec<_> = page.entries.into_iter().map(|entry| entry.revocation).collect();

        assert_eq!(found, [Revocation::Session(session)]);
        assert!(there.revocations(Some(&page.cursor)).await.expect("a page").entries.is_empty());
        // The store ignores a cursor in another format.
        let foreign = tollgate_sessions::store::FeedCursor::new("12");
        assert_eq!(there.revocations(Some(&foreign)).await.expect("a page").entries.len(), 1);
    });
}

/// If a store revokes a session and is interrupted before the announcement, the next call makes it.
pub fn interrupted_announcement_is_repeated(shared: &Shared) {
    let prefix = shared.prefix();
    let store = std::sync::Arc::new(super::store(&shared.0, &prefix));
    crate::runtime().block_on(async {
        let sessions = sessions(std::sync::Arc::clone(&store) as _);
        let issued = sessions.create(&Login::new("alice")).await.expect("a login");
        let (session, token) = (issued.session.session, issued.refresh_token.expose());
        let lose_announcement = || {
            shared.0.ask::<u8>(&["HDEL", &format!("{prefix}s:{{{session}}}"), "ev"]);
            shared.0.ask::<u8>(&["DEL", &format!("{prefix}rev")]);
        };
        let refuse = async || {
            let refused = sessions.refresh(&token, TokenTransport::Body, None).await;
            assert!(matches!(refused, Err(RefreshError::Reuse | RefreshError::Revoked(RevokeReason::Reuse))));
        };
        let announced = async || store.revocations(None).await.expect("a page").entries.len();
        sessions.refresh(&token, TokenTransport::Body, None).await.expect("refreshed");
        refuse().await;
        assert_eq!(announced().await, 1);

        lose_announcement();
        for _ in 0..2 {
            refuse().await;
            assert_eq!(announced().await, 1, "announced only once");
        }

        lose_announcement();
        assert!(!sessions.logout(&token).await.expect("a logout").changed);
        assert_eq!(announced().await, 1);
    });
}

/// After a failover the stream may end before the cursor. The store then reads it from the beginning.
pub fn feed_restarts_when_the_stream_goes_back() {
    let server = RedisServer::start(&[]);
    let (clock, reader) = (StoreClock::server(), super::store(&server, "tollgate:"));
    let id = || SessionId::generate(clock.now()).expect("an id");
    let add = |entry: &str, session: SessionId| {
        let until = (clock.now().saturating_add(Duration::from_secs(600))).to_string();
        let mut command = redis::cmd("XADD");
        command.arg("tollgate:rev").arg(entry).arg("kind").arg(1).arg("key").arg(session.as_bytes());
        command.arg("min").arg(0).arg("until").arg(until);
        let client = redis::Client::open(server.url()).expect("a URL");
        command.query::<String>(&mut client.get_connection().expect("a connection")).expect("added");
    };
    let (old, lost, late) = (id(), id(), id());
    add("1000-0", old);
    add("3000-0", lost);

    crate::runtime().block_on(async {
        let page = reader.revocations(None).await.expect("a page");
        assert_eq!(page.entries.len(), 2);
        // The stream of a replica that missed the last entry and whose clock is behind.
        server.ask::<u8>(&["DEL", "tollgate:rev"]);
        add("1000-0", old);
        add("2000-0", late);
        let page = reader.revocations(Some(&page.cursor)).await.expect("a page");
        let found: Vec<_> = page.entries.into_iter().map(|entry| entry.revocation).collect();
        assert_eq!(found, [Revocation::Session(old), Revocation::Session(late)]);

        let page = reader.revocations(Some(&page.cursor)).await.expect("a page");
        assert!(page.entries.is_empty());

        server.ask::<u8>(&["DEL", "tollgate:rev"]);
        assert!(reader.revocations(Some(&page.cursor)).await.expect("a page").entries.is_empty());
        // A purge removes expired entries from the front.
        add("4000-0", id());
        assert_eq!(reader.purge(100).await.expect("purged").others, 0);

        let far = StoreClock::manual(clock.now().saturating_add(Duration::from_secs(3600)));
        let later = super::store(&server, "tollgate:").with_clock(far);
        assert_eq!(later.purge(100).await.expect("purged").others, 1);
    });
}
