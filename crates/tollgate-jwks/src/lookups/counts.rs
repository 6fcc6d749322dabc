//! [`LookupCounts`] and [`LookupStatus`]: the counters and the state of a cache of lookups.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The state of a cache of lookups at one time.
#[derive(Clone, Debug)]
pub(crate) struct LookupStatus {
    pub(crate) values: usize,
    pub(crate) absent: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
    pub(crate) consecutive_failures: u32,
    pub(crate) counted: Counted,
    pub(crate) last_failure: Option<(String, Duration)>,
}

/// The values of [`LookupCounts`] at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) found: u64,
    pub(crate) unchanged: u64,
    pub(crate) unknown: u64,
    pub(crate) failed: u64,
    pub(crate) waited: u64,
    pub(crate) refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct LookupCounts {
    pub(crate) found: AtomicU64,
    pub(crate) unchanged: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) waited: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl LookupCounts {
    pub(crate) fn read(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            found: read(&self.found),
            unchanged: read(&self.unchanged),
            unknown: read(&self.unknown),
            failed: read(&self.failed),
            waited: read(&self.waited),
            refused: read(&self.refused),
        }
    }
}
