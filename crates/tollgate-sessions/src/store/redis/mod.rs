//! [`RedisStore`]: sessions in Redis or Valkey.

mod address;
mod announcements;
mod call;
mod connection;
mod failure;
mod keys;
mod operations;
mod row;
mod scripts;
mod server_info;

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use super::command::{PurgeOutcome, RevokeOutcome, RevokeRequest, RotateOutcome, RotateRequest};
use super::error::{StoreError, StoreErrorKind};
use super::feed::{FeedCursor, FeedPage, RevocationFeed};
use super::{SessionStore, StoreFuture};
use crate::session::{NewSession, SessionInfo, StoreClock};
use address::Address;
use call::{ConnectionKind, Server};
use connection::{SharedConnection, Target};

/// A store in Redis (6.2 or later) or Valkey, for any number of machines.
///
/// Each decision is one script with one key. The server removes expired sessions by itself, and its clock judges all
/// times. The store reconnects when the connection is lost; meanwhile calls fail within two seconds.
///
/// # Durability
/// Redis may lose writes that it has acknowledged: in a crash those that were not on the disk, in a failover those
/// that were not on the replica. A lost rotation does no harm. A revocation waits up to 100 ms for a replica if
/// there is one, and otherwise for the disk (Valkey, and Redis 7.2 or later; before, with `appendfsync always`).
/// [`RevokeOutcome::durability`] reports the result. Set `appendonly yes` and `maxmemory-policy noeviction`: the
/// first connection logs a warning if the server can lose sessions in another way.
///
/// # Failover
/// The store uses one server, which may be replaced by another one under the same name. A cluster with several nodes
/// needs a proxy in front.
///
/// When the server becomes a replica, the store stops using it at once. Calls fail until the store reaches a primary
/// again.
///
/// A primary that is cut off from its replicas may not know that it was replaced. It still answers the clients that can
/// reach it: it rotates sessions that were revoked on its successor, and its feed lacks those revocations. With
/// `min-replicas-to-write 1` it takes no writes, and so rotates nothing, once its replicas have been silent for
/// `min-replicas-max-lag` (10 seconds by default). For gates that follow its feed, such a revocation takes effect when
/// the access tokens expire.
///
/// # Security
/// An attacker who can write to the server can restore revoked sessions. Set a password, and use TLS (`rediss:`) on
/// every network that you share with others.
pub struct RedisStore {
    server: Server,
    /// The position of the last page, of any reader in this process.
    last_read: Mutex<Option<FeedCursor>>,
    /// Held by the reader that listens for announcements.
    listening: tokio::sync::Mutex<()>,
}

impl RedisStore {
    /// Opens the store at `redis://user:password@host:port/database`. This neither blocks nor connects; the first call
    /// connects.
    ///
    /// User, password, port and database are optional. `rediss:` uses TLS, and trusts Mozilla's authorities.
    /// `valkey:` and `valkeys:` mean the same as `redis:` and `rediss:`.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when `url` is not such a URL.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self::at(Address::parse(url)?))
    }

    fn at(address: Address) -> Self {
        let server = Server {
            target: Target { address, marker: String::new(), warned: AtomicBool::new(false) },
            main: SharedConnection::default(),
            revocations: SharedConnection::default(),
            feed: SharedConnection::default(),
            prefix: Box::default(),
            clock: StoreClock::server(),
        };
        let store = Self { server, last_read: Mutex::default(), listening: tokio::sync::Mutex::default() };
        store.with_prefix(PREFIX)
    }

    /// Sets the prefix of all keys, instead of `tollgate:`. Stores with the same prefix share their sessions.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.server.prefix = prefix.into();
        self.server.target.marker = format!("{}schema", self.server.prefix);
        self
    }

    /// Also trusts the authorities in a PEM text, for a server with a certificate of a private authority.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the text contains no certificates, or the URL does not use TLS.
    pub fn with_authorities(mut self, pem: impl AsRef<[u8]>) -> Result<Self, StoreError> {
        self.server.target.address = self.server.target.address.with_authorities(pem.as_ref())?;
        Ok(self)
    }

    /// Sets the clock that judges all times, instead of the server's. For tests. The store then removes an expired
    /// session when a call reads it.
    #[must_use]
    pub fn with_clock(mut self, clock: StoreClock) -> Self {
        self.server.clock = clock;
        self
    }
}

impl SessionStore for RedisStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        self.server.call(|call| operations::create(call, new))
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        self.server.call(|call| operations::rotate(call, request))
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.server.call(|call| operations::revoke(call, request))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.server.call(move |call| operations::list(call, subject, limit))
    }

    /// Purges announcements only. The server removes sessions and epochs by itself.
    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.server.call(move |call| async move {
            Ok(PurgeOutcome { sessions: 0, others: announcements::trim(&call, budget).await? })
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.server.call(|call| async move {
            let connection = call.connection(ConnectionKind::Main).await?;
            let mut handle = connection.handle();
            let mut result = server_info::check_marker(&mut handle, &call.server.target.marker).await;
            // A replica may be configured to take writes.
            if server_info::read_state(&mut handle).await.is_replica {
                result = Err(server_info::not_primary());
            }
            // A server that has become a replica may have a successor under the same name.
            result.inspect_err(|_failed| call.server.main.reset())
        })
    }
}

impl RevocationFeed for RedisStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        let page = self.server.call(move |call| announcements::page(call, after));
        Box::pin(async move {
            let page = page.await?;
            *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(page.cursor.clone());
            Ok(page)
        })
    }

    /// Completes when there is an announcement after the last page that was read. One reader listens at a time; the
    /// others rely on their polls.
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let last_read = self.last_read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            if let (Some(last_read), Ok(_guard)) = (last_read, self.listening.try_lock()) {
                match announcements::listen(self.server.unbounded(), &last_read).await {
                    Ok(()) => return,
                    Err(_failed) => self.server.feed.reset(),
                }
            }
            pending::<()>().await;
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.server.target.address.to_string();
        let prefix = &self.server.prefix;
        f.debug_struct("RedisStore")
            .field("address", &address)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

const PREFIX: &str = "tollgate:";
