//! [`SessionStore`]: the interface between sessions and their storage, and the stores that implement it.

mod command;
mod decide;
mod error;
mod feed;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod refresh_policy;
mod retry;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod url;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use command::{
    Durability, ExpiryKind, PurgeOutcome, RefreshKind, Refreshed, Revocation, RevocationEntry, RevokeOutcome,
    RevokeRequest, RevokeScope, RotateLifetimes, RotateMode, RotateOutcome, RotateRequest,
};
pub use decide::{RefreshDecision, decide};
pub use error::{StoreError, StoreErrorKind};
pub use feed::{FeedCursor, FeedPage, RevocationFeed};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub use refresh_policy::RefreshPolicy;
pub(crate) use retry::{call_with_retry, retry_once};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use url::open_store;

use crate::session::{NewSession, SessionInfo};

/// The future of a store call.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Stores sessions: one record per session, however often the session is refreshed.
///
/// # Contract
/// Each method is one complete operation, so that a caller cannot cause a race between two calls. Every store keeps
/// these rules:
///
/// 1. [`rotate`](Self::rotate) decides as [`decide`] does, and writes the result in the same
///    atomic step.
/// 2. Only [`create`](Self::create) adds a session.
/// 3. The first check that fails gives the outcome. The order is: revocation, epoch, expiry, generation.
/// 4. Every decision reads from the primary, never from a replica.
/// 5. One clock judges all times: the store's own, or the [`StoreClock`](crate::session::StoreClock) of a test.
/// 6. [`revoke`](Self::revoke), and a `rotate` that returns [`RotateOutcome::Reuse`], complete once the revocation is
///    as durable as the server can make it. Where a failover could still lose it, `revoke` returns
///    [`Durability::BestEffort`].
/// 7. The store announces every revocation to the [`RevocationFeed`] in the same atomic step. Where the server has no
///    such step, the store announces first, or completes the announcement when the session is presented again.
/// 8. A session that does not exist and a wrong secret give the same outcome, [`RotateOutcome::Unknown`].
/// 9. No call takes longer than about two seconds, and none retries without a limit.
///
/// # Epochs
/// Each subject has an *epoch*, a number that [`RevokeScope::Subject`] raises. A new session copies the epoch of its
/// subject, and is revoked once its copy is smaller than the subject's epoch. One write thus revokes all sessions of a
/// subject. The global epoch, which [`RevokeScope::Everything`] raises, is stored under the empty subject. The epoch
/// that counts for a session is the larger of the two.
///
/// # Security
/// Of two calls with the same token, at most one may return
/// [`RefreshKind::Rotated`]. Reporting a live session as unknown logs its user out.
/// Reporting a revoked session as live is a vulnerability. A store that fails returns a [`StoreError`], never an answer
/// about a session.
///
/// # Examples
/// A store in a hash map. Test a store of your own with `store_suite` of `tollgate-testing`, as we test this one.
///
#[doc = concat!("```\n", include_str!("../../examples/own_store.rs"), "```")]
pub trait SessionStore: RevocationFeed + fmt::Debug + Send + Sync + 'static {
    /// Adds a session that copies the epoch of its subject. The store reads the epoch in the same step, or before.
    ///
    /// Adding the same session with the same secret again changes nothing.
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo>;

    /// Rotates a session, or returns why it may not rotate.
    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome>;

    /// Revokes sessions. No call that starts after the answer finds them live.
    ///
    /// Revoking them again is no error.
    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome>;

    /// Returns at most `limit` live sessions of a subject. The one that was refreshed last comes first.
    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>>;

    /// Purges expired sessions, and the epochs and announcements that no token needs: about `budget` records of each.
    ///
    /// The store never removes a live session. The caller repeats the call periodically.
    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome>;

    /// Checks that the store answers and takes writes.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

/// Lets an `Arc<dyn SessionStore>` be used as a store.
impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        (**self).create(new)
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        (**self).rotate(request)
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        (**self).revoke(request)
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        (**self).list(subject, limit)
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        (**self).purge(budget)
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        (**self).ping()
    }
}
