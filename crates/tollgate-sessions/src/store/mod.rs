//! [`SessionStore`]: the joint between sessions and what keeps them.

mod ask;
mod command;
mod decide;
mod error;
mod feed;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod url;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use ask::{ask, ask_twice};
pub use command::{
    Durability, PurgeOutcome, RefreshKind, Refreshed, Revocation, RevocationEntry, RevokeOutcome,
    RevokeRequest, RevokeScope, RotateLifetimes, RotateMode, RotateOutcome, RotateRequest,
};
pub use decide::{ExpiryKind, RefreshDecision, RefreshPolicy, decide};
pub use error::{StoreError, StoreErrorKind};
pub use feed::{FeedCursor, FeedPage, RevocationFeed};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use url::open_store;

use crate::session::{NewSession, SessionInfo};

/// A future of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What keeps sessions: one record a session, however often it is renewed.
///
/// A store speaks in whole steps, so that a race cannot be written between two of them. What it has to keep to:
///
/// 1. [`rotate`](Self::rotate) decides with [`decide`](crate::store::decide) and writes in one atomic step.
/// 2. Only [`create`](Self::create) ever adds a session.
/// 3. An end is looked for first, then the epoch, then expiry, then the generation.
/// 4. Whatever decides is read from the primary.
/// 5. One clock judges all times: the store's own, or the [`StoreClock`](crate::session::StoreClock) of a test.
/// 6. [`RotateOutcome::Reuse`] and [`revoke`](Self::revoke) return when the end is durable, or say that it may not be.
/// 7. An end is announced to the [`RevocationFeed`] in the same atomic step.
/// 8. A session that is not there and a secret that does not fit are the same [`RotateOutcome::Unknown`].
/// 9. No call takes longer than some two seconds or retries without bound.
///
/// A subject has an *epoch*, a number that [`RevokeScope::Subject`] raises. A session copies it when it begins, and is over
/// once its copy is below: so all sessions of a subject end in one write. The empty subject stands for all of them.
///
/// The suite in `tollgate-testing` tells whether a store keeps to all this.
///
/// # Security
/// Of two calls with the same token at most one may return [`RefreshKind::Rotated`](crate::store::RefreshKind::Rotated).
/// Reporting a live session as unknown logs its user out; reporting an ended one as live is a vulnerability. A store
/// that fails says so with [`StoreError`]: a failure is never an answer about a session.
pub trait SessionStore: RevocationFeed + fmt::Debug + Send + Sync + 'static {
    /// Adds a session, with the epoch of its subject copied in the same step (or read before). Adding the same session
    /// with the same secret again changes nothing.
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo>;

    /// Renews a session, or tells why not.
    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome>;

    /// Ends sessions. Once it has returned, no call that starts later finds them live. Doing it again is no error.
    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome>;

    /// The live sessions of a subject, the one last renewed first, at most `limit`.
    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>>;

    /// Forgets what is over, at most some `budget` records. Call it now and then. It never removes a live session.
    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome>;

    /// Whether the store answers.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

/// `Arc<dyn SessionStore>` and the like.
impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        (**self).create(new)
    }

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        (**self).rotate(command)
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        (**self).revoke(command)
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
