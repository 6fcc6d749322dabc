//! [`PostgresStore`]: sessions in a PostgreSQL database.

#[macro_use]
mod sql;

mod address;
mod announcements;
mod call;
mod connection;
mod failure;
mod ping;
mod pool;
mod purge;
mod revoke;
mod rotate;
mod row;
mod schema;
mod sessions;
mod tls;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::command::{Durability, PurgeOutcome, RevokeOutcome, RevokeRequest, RotateOutcome, RotateRequest};
use super::error::{StoreError, StoreErrorKind};
use super::feed::{FeedCursor, FeedPage, RevocationFeed};
use super::{SessionStore, StoreFuture};
use crate::session::{NewSession, SessionInfo, StoreClock};
use address::Address;
use announcements::Listener;
use call::Call;
use pool::Pool;
use purge::PurgePosition;

type Result<T> = std::result::Result<T, StoreError>;

/// A store in a PostgreSQL database, for any number of machines. It needs PostgreSQL 13 or later.
///
/// A rotation is one statement, and so is a revocation with its announcement. The clock of the server judges all times.
///
/// The tables are in the schema `tollgate`, which the store creates if it is missing. For that the role needs
/// `CREATE` on the database, or on an existing empty schema of that name.
///
/// The store opens a few connections on demand, and replaces lost ones. While the server is unreachable, calls fail
/// within two seconds. If the URL lists several hosts, the store uses the one that takes writes, also after a
/// failover. The store works through a pooler such as `pgbouncer` in transaction mode; readers then learn of
/// revocations with their next poll, not at once.
///
/// A revocation is as durable as a commit of the server. To lose none when a standby takes over, set
/// `synchronous_standby_names`. With `synchronous_commit = off` the store reports [`Durability::BestEffort`].
///
/// # Security
/// Connections to another host use TLS and verify the certificate and its name, unless the URL sets
/// `sslmode=disable`. Connections to the same machine use plain text, unless the URL sets `sslmode=require`.
/// `sslrootcert=` names a file with the authorities to trust instead of the public ones. No `sslmode` encrypts
/// without verification, or falls back to plain text.
pub struct PostgresStore {
    pool: Pool,
    clock: StoreClock,
    /// Wakes readers after an announcement of this process, or of another one.
    announced: Arc<Notify>,
    listener: Listener,
    purge_position: PurgePosition,
}

impl PostgresStore {
    /// Opens the store at `postgres://user:password@host:port/database?option=value`.
    ///
    /// This does not connect; the first call does. Call [`ping`](SessionStore::ping) while starting up to test the
    /// connection. It blocks only to read the file of `sslrootcert`.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the URL, or the file of `sslrootcert`, cannot be read.
    pub fn open(url: &str) -> Result<Self> {
        let announced = Arc::new(Notify::new());
        Ok(Self {
            pool: Pool::new(Address::parse(url)?, Arc::clone(&announced)),
            clock: StoreClock::server(),
            announced,
            listener: Listener::default(),
            purge_position: PurgePosition::default(),
        })
    }

    /// Sets the clock that judges all times, instead of the server's. For tests.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }

    async fn call(&self) -> Result<Call<'_>> {
        Call::begin(&self.pool, &self.clock).await
    }
}

impl SessionStore for PostgresStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        Box::pin(async move { sessions::create(&self.call().await?, new).await })
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        Box::pin(async move {
            let outcome = rotate::rotate(&self.call().await?, request).await?;
            if matches!(outcome, RotateOutcome::Reuse(_)) {
                self.announced.notify_waiters();
            }
            Ok(outcome)
        })
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        Box::pin(async move {
            let outcome = revoke::revoke(&self.call().await?, request).await?;
            self.announced.notify_waiters();
            Ok(outcome)
        })
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        Box::pin(async move { sessions::list(&self.call().await?, subject, limit).await })
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        Box::pin(async move { purge::purge(&self.call().await?, &self.purge_position, budget).await })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { ping::ping(&self.call().await?).await })
    }
}

impl RevocationFeed for PostgresStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        Box::pin(async move { announcements::read(&self.call().await?, after).await })
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let changed = self.announced.notified();
        Box::pin(async move {
            self.listener.ensure(self.pool.address(), &self.announced);
            changed.await;
        })
    }
}

/// Shows neither user nor password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("address", self.pool.address()).finish_non_exhaustive()
    }
}

/// How long a call may take in all. A little less than the caller's own timeout, so that the caller gets this more
/// exact error.
const CALL_TIMEOUT: Duration = Duration::from_millis(1800);
