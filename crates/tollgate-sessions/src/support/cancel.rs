//! [`CancelFlag`]: who decides about work that somebody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever takes it first decides: a thread, that the work is done, or the one who waits, that it never is.
#[derive(Clone, Default)]
pub(crate) struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Whether nobody had taken it before.
    pub(crate) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Somebody who waits. Who goes away leaves no work behind.
#[derive(Default)]
pub(crate) struct CancelOnDrop(pub(crate) CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.take();
    }
}
