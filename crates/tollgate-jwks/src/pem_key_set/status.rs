//! [`PemKeySetStatus`]: the state of a set of PEM keys, for logs and metrics.

use std::time::Duration;

use crate::lookups::LookupStatus;

/// The state of a [`PemKeySet`](crate::PemKeySet) at one time.
#[derive(Clone, Debug)]
pub struct PemKeySetStatus(pub(super) LookupStatus);

impl PemKeySetStatus {
    /// Returns the number of cached keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.0.values
    }

    /// Returns the number of key IDs in the negative cache.
    #[must_use]
    pub fn absent_keys(&self) -> usize {
        self.0.absent
    }

    /// Returns the number of pending fetches.
    #[must_use]
    pub fn fetches_in_flight(&self) -> usize {
        self.0.in_flight
    }

    /// Returns the number of requests that are waiting now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting
    }

    /// Returns the number of fetches that returned a new key.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.0.counted.found
    }

    /// Returns the number of fetches that confirmed a key.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.0.counted.unchanged
    }

    /// Returns the number of fetches whose key the issuer does not have.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.0.counted.unknown
    }

    /// Returns the number of failed fetches.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.counted.failed
    }

    /// Returns the number of failed fetches since the last one that did not fail.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.0.consecutive_failures
    }

    /// Returns the most recent failure with its causes on one line, and the time since.
    #[must_use]
    pub fn last_failure(&self) -> Option<(&str, Duration)> {
        self.0.last_failure.as_ref().map(|(cause, ago)| (cause.as_str(), *ago))
    }

    /// Returns the number of requests that waited for a fetch.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.0.counted.waited
    }

    /// Returns the number of requests that did not wait, because a fetch would not help or there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.counted.refused
    }
}
