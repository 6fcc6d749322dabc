//! [`Switch`]: a session store that fails on command.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate_sessions::{
    FeedCursor, FeedPage, MemoryStore, NewSession, Purged, RevocationFeed, Revoke, Revoked, Rotate, Rotation,
    SessionStore, SessionView, StoreError, StoreErrorKind, StoreFuture,
};

/// A session store that fails on command. Clones are one store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch {
    store: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
}

impl Switch {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Does not even ask when it is to fail: what is in memory is changed at once.
    fn or_fail<'a, T: Send + 'a>(&self, ask: impl FnOnce() -> StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.down.load(Ordering::SeqCst) {
            Box::pin(ready(Err(StoreError::new(StoreErrorKind::Unavailable, "switched off"))))
        } else {
            ask()
        }
    }
}

impl SessionStore for Switch {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionView> {
        self.or_fail(|| self.store.create(new))
    }

    fn rotate<'a>(&'a self, command: &'a Rotate) -> StoreFuture<'a, Rotation> {
        self.or_fail(|| self.store.rotate(command))
    }

    fn revoke<'a>(&'a self, command: &'a Revoke) -> StoreFuture<'a, Revoked> {
        self.or_fail(|| self.store.revoke(command))
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionView>> {
        self.or_fail(|| self.store.list(subject, limit))
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, Purged> {
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
