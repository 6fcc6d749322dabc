//! [`Counter`]: an event counter.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of times an event has occurred since the process started. Counters are read for dashboards only,
/// so relaxed ordering is enough.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds one to the counter.
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
