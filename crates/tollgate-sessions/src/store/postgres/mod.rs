//! [`PostgresStore`]: sessions in a PostgreSQL database.

#[macro_use]
mod sql;

mod address;
mod announcements;
mod call;
mod connection;
mod failure;
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

/// Sessions in a PostgreSQL database, for any number of machines. PostgreSQL 13 or later.
///
/// A renewal is one statement, and so is every end, with its announcement. The clock of the server judges all times. The
/// tables are in the schema `tollgate`, which the store makes where it is missing: the role needs `CREATE` on the database for
/// that, or on a schema of that name that is there and empty.
///
/// A few connections are opened when there is work for them, and again when they are lost. While the server is away every
/// call fails within two seconds. Of several hosts in the URL the one that takes writes is used, also after a failover.
/// A pooler such as `pgbouncer` may be in between, in transaction mode; ends are then heard of with the next poll, and not at once.
///
/// An end is as durable as the server makes a commit: with a standby that is to take over without losing any, set
/// `synchronous_standby_names`. With `synchronous_commit = off` ends are reported as [`Durability::BestEffort`].
///
/// # Security
/// To a host elsewhere the connection is TLS, and the certificate and its name are verified, unless the URL says
/// `sslmode=disable`; to the same machine it is not, unless the URL says `sslmode=require`. `sslrootcert=` names a file with
/// the authorities to trust instead of the public ones. There is no `sslmode` that encrypts and verifies nothing, or that
/// falls back to plain text.
pub struct PostgresStore {
    pool: Pool,
    clock: StoreClock,
    /// Told of what this process announces, and of what is heard from others.
    announced: Arc<Notify>,
    listener: Listener,
    purged_up_to: PurgePosition,
}

impl PostgresStore {
    /// The store at `postgres://user:password@host:port/database?option=value`. It connects when it is first used: asking it to
    /// [`ping`](SessionStore::ping) while starting up tells whether it can.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the URL cannot be read, or the authorities that it names.
    pub fn open(url: &str) -> Result<Self> {
        let announced = Arc::new(Notify::new());
        Ok(Self {
            pool: Pool::new(Address::parse(url)?, Arc::clone(&announced)),
            clock: StoreClock::server(),
            announced,
            listener: Listener::default(),
            purged_up_to: PurgePosition::default(),
        })
    }

    /// The same, by another clock than the server's: for tests.
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

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        Box::pin(async move {
            let rotation = rotate::rotate(&self.call().await?, command).await?;
            if matches!(rotation, RotateOutcome::Reuse(_)) {
                self.announced.notify_waiters();
            }
            Ok(rotation)
        })
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        Box::pin(async move {
            let revoked = revoke::revoke(&self.call().await?, command).await?;
            self.announced.notify_waiters();
            Ok(revoked)
        })
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        Box::pin(async move { sessions::list(&self.call().await?, subject, limit).await })
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        Box::pin(async move { purge::purge(&self.call().await?, &self.purged_up_to, budget).await })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { schema::check(&self.call().await?).await })
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

/// Without user and password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("address", self.pool.address()).finish_non_exhaustive()
    }
}

/// How long a call may take, whatever it waits for: a little less than who calls waits, who is thus told what is known.
const CALL_WITHIN: Duration = Duration::from_millis(1800);
