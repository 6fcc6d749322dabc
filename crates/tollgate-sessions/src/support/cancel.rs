//! [`CancelFlag`]: drops queued work whose caller has stopped waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by a queued job and its caller. Whichever takes the flag first decides: if the thread does, the job
/// runs; if the caller does, the job never starts.
#[derive(Clone, Default)]
pub(crate) struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Takes the flag. Returns whether this call was the first to take it.
    pub(crate) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Held by the caller while it waits. Dropping it cancels a job that has not started.
#[derive(Default)]
pub(crate) struct CancelOnDrop(pub(crate) CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.take();
    }
}
