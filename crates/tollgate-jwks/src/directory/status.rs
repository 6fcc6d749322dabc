//! [`VerifierDirectoryStatus`]: the state of a directory, for logs and metrics.

use std::time::Duration;

use crate::lookups::LookupStatus;

/// The state of a [`VerifierDirectory`](crate::VerifierDirectory) at one time.
#[derive(Clone, Debug)]
pub struct VerifierDirectoryStatus(pub(super) LookupStatus);

impl VerifierDirectoryStatus {
    /// Returns the number of cached verifiers.
    #[must_use]
    pub fn verifiers(&self) -> usize {
        self.0.values
    }

    /// Returns the number of issuers in the negative cache.
    #[must_use]
    pub fn absent_issuers(&self) -> usize {
        self.0.absent
    }

    /// Returns the number of pending lookups.
    #[must_use]
    pub fn lookups_in_flight(&self) -> usize {
        self.0.in_flight
    }

    /// Returns the number of requests that are waiting now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting
    }

    /// Returns the number of lookups that returned a verifier.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.0.counted.found
    }

    /// Returns the number of lookups that confirmed a verifier without replacing it.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.0.counted.unchanged
    }

    /// Returns the number of lookups whose issuer is not trusted.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.0.counted.unknown
    }

    /// Returns the number of failed lookups, including those that timed out or panicked.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.counted.failed
    }

    /// Returns the number of failed lookups since the last one that did not fail.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.0.consecutive_failures
    }

    /// Returns the most recent failure with its causes on one line, and the time since.
    #[must_use]
    pub fn last_failure(&self) -> Option<(&str, Duration)> {
        self.0.last_failure.as_ref().map(|(cause, ago)| (cause.as_str(), *ago))
    }

    /// Returns the number of requests that waited for a lookup.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.0.counted.waited
    }

    /// Returns the number of requests that did not wait, because a lookup would not help or there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.counted.refused
    }
}
