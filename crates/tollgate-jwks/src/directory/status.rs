//! [`VerifierDirectoryStatus`]: the state of a directory, for logs and metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The state of a [`VerifierDirectory`](crate::VerifierDirectory) at one time.
#[derive(Clone, Debug)]
pub struct VerifierDirectoryStatus {
    pub(super) verifiers: usize,
    pub(super) absent: usize,
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    pub(super) consecutive_failures: u32,
    pub(super) counted: Counted,
    pub(super) last_failure: Option<(String, Duration)>,
}

/// The values of [`Counts`] at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    found: u64,
    unchanged: u64,
    unknown: u64,
    failed: u64,
    waited: u64,
    refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) found: AtomicU64,
    pub(super) unchanged: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> Counted {
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

impl VerifierDirectoryStatus {
    /// Returns the number of cached verifiers.
    #[must_use]
    pub fn verifiers(&self) -> usize {
        self.verifiers
    }

    /// Returns the number of issuers in the negative cache.
    #[must_use]
    pub fn absent_issuers(&self) -> usize {
        self.absent
    }

    /// Returns the number of pending lookups.
    #[must_use]
    pub fn lookups_in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the number of requests that are waiting now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns the number of lookups that returned a verifier.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.counted.found
    }

    /// Returns the number of lookups that confirmed a verifier without replacing it.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.counted.unchanged
    }

    /// Returns the number of lookups whose issuer is not trusted.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.counted.unknown
    }

    /// Returns the number of failed lookups, including those that timed out or panicked.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.counted.failed
    }

    /// Returns the number of failed lookups since the last one that did not fail.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Returns the most recent failure with its causes on one line, and the time since.
    #[must_use]
    pub fn last_failure(&self) -> Option<(&str, Duration)> {
        self.last_failure.as_ref().map(|(cause, ago)| (cause.as_str(), *ago))
    }

    /// Returns the number of requests that waited for a lookup.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.counted.waited
    }

    /// Returns the number of requests that did not wait, because a lookup would not help or there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.counted.refused
    }
}
