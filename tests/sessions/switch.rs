//! [`Switch`]: a session store that can be turned off.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_sessions::session::{NewSession, SessionInfo};
use tollgate_sessions::store::{
    FeedCursor, FeedPage, MemoryStore, PurgeOutcome, RevocationFeed, RevokeOutcome, RevokeRequest,
    RotateOutcome, RotateRequest, SessionStore, StoreError, StoreErrorKind, StoreFuture,
};

/// A session store that can be turned off. Clones share the state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch {
    store: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
}

impl Switch {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Fails if the switch is off. It must not create the future then, because [`MemoryStore`] applies changes
    /// before the future is polled.
    fn or_fail<'a, T: Send + 'a>(&self, ask: impl FnOnce() -> StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.down.load(Ordering::SeqCst) {
            Box::pin(ready(Err(StoreError::new(StoreErrorKind::Unavailable, "switched off"))))
        } else {
            ask()
        }
    }
}

impl SessionStore for Switch {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        self.or_fail(|| self.store.create(new))
    }

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        self.or_fail(|| self.store.rotate(command))
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        self.or_fail(|| self.store.revoke(command))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        self.or_fail(|| self.store.list(subject, limit))
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        self.or_fail(|| self.store.purge(budget))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.or_fail(|| self.store.ping())
    }
}

impl RevocationFeed for Switch {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        self.or_fail(|| self.store.revocations(after))
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.store.changed()
    }
}
