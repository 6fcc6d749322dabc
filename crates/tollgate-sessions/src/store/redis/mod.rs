//! [`RedisStore`]: sessions in Redis or Valkey.

mod address;
mod announcements;
mod call;
mod failure;
mod keys;
mod link;
mod operations;
mod row;
mod scripts;
mod setup;

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
use call::{Over, Server};
use link::{Link, Target};

/// Sessions in Redis (6.2 or later) or Valkey, for any number of machines.
///
/// It connects when it is first used, and again when the connection is gone; meanwhile calls fail within two seconds.
/// Every decision is one script with one key. What is over vanishes by itself. The server's clock is the one that counts.
///
/// What Redis has acknowledged it may still lose: in a crash what was not on the disk, in a failover what was not on the
/// replica. A renewal that is lost does no harm. The end of a session waits up to 100 ms for a replica if there is one,
/// otherwise for the disk (Valkey, and Redis 7.2 or later; before, with `appendfsync always`), and
/// [`RevokeOutcome::durability`](crate::Revoked::durability) tells what came of it. Set `appendonly yes`, and
/// `maxmemory-policy noeviction`: the first connection logs a warning where the server can lose sessions in another way.
///
/// It speaks to one server, which may be replaced by another one under the same name. A cluster with several nodes needs a
/// proxy in front.
///
/// A server that has become a replica is left at once, and answers nothing until it is a primary again. A primary that was
/// cut off and replaced without knowing of it still answers those who reach it: it renews sessions that were ended on its
/// successor, and its feed does not tell of those ends. With `min-replicas-to-write 1` it takes no writes, and so renews
/// nothing, once its replicas have been silent for `min-replicas-max-lag`, which is 10 seconds if it is not set. What it
/// cannot tell of counts for those who follow its feed when the access tokens run out.
///
/// # Security
/// Whoever can write to the server can bring sessions back. Give it a password, and TLS (`rediss:`) on any network
/// that others are on.
pub struct RedisStore {
    server: Server,
    /// What the feed was last read up to, by whomever.
    read: Mutex<Option<FeedCursor>>,
    /// Who listens for announcements.
    listening: tokio::sync::Mutex<()>,
}

impl RedisStore {
    /// The store at `redis://user:password@host:port/database`; user, password, port and database can be left out. With
    /// `rediss:` the connection is encrypted, and the certificate has to be by one of Mozilla's authorities. `valkey:` and
    /// `valkeys:` mean the same. No connection is made yet.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when that is not what `url` is.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self::at(Address::parse(url)?))
    }

    fn at(address: Address) -> Self {
        let server = Server {
            target: Target { address, marker: String::new(), warned: AtomicBool::new(false) },
            main: Link::default(),
            ends: Link::default(),
            feed: Link::default(),
            prefix: Box::default(),
            clock: StoreClock::server(),
        };
        let store = Self { server, read: Mutex::default(), listening: tokio::sync::Mutex::default() };
        store.with_prefix(PREFIX)
    }

    /// Begins the names of all keys with this, instead of `tollgate:`. Stores with the same prefix are the same store.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.server.prefix = prefix.into();
        self.server.target.marker = format!("{}schema", self.server.prefix);
        self
    }

    /// Trusts these authorities too: PEM text with one or more certificates, as for a server with a private one.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when that is not what it is, or the connection is not encrypted.
    pub fn with_authorities(mut self, pem: impl AsRef<[u8]>) -> Result<Self, StoreError> {
        self.server.target.address = self.server.target.address.with_authorities(pem.as_ref())?;
        Ok(self)
    }

    /// The same, by another clock. Then nothing vanishes by itself, but when it is next looked at.
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

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        self.server.call(|call| operations::rotate(call, command))
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.server.call(|call| operations::revoke(call, command))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.server.call(move |call| operations::list(call, subject, limit))
    }

    /// Sessions vanish by themselves; what is left are announcements.
    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.server.call(move |call| async move {
            Ok(PurgeOutcome { sessions: 0, others: announcements::trim(&call, budget).await? })
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.server.call(|call| async move {
            let connection = call.connection(Over::Main).await?;
            let mut handle = connection.handle();
            let mut fit = setup::claim(&mut handle, &call.server.target.marker).await;
            // There are replicas that take writes.
            if setup::state(&mut handle).await.is_replica {
                fit = Err(setup::no_primary());
            }
            // A server that has become a replica may have a successor under the same name.
            fit.inspect_err(|_failed| call.server.main.forget())
        })
    }
}

impl RevocationFeed for RedisStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        let page = self.server.call(move |call| announcements::page(call, after));
        Box::pin(async move {
            let page = page.await?;
            *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(page.cursor.clone());
            Ok(page)
        })
    }

    /// Hears of what came after the last page that was read before. One listens at a time; others go by their poll.
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            if let (Some(read), Ok(_alone)) = (read, self.listening.try_lock()) {
                match announcements::listen(self.server.unbounded(), &read).await {
                    Ok(()) => return,
                    Err(_failed) => self.server.feed.forget(),
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
