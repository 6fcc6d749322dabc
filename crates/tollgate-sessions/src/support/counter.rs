//! [`Counter`]: how often something has happened.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something has happened since the process began. Nothing is decided by it, so it orders nothing.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// It has happened once more.
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
