//! [`PemKeySetSettings`]: the limits of a set of PEM keys, with their defaults and reasons.

use std::time::Duration;

use tollgate::KeySet;

use crate::lookups::Limits;

/// How long a [`PemKeySet`](crate::PemKeySet) uses the keys that it has fetched, and how many fetches it makes.
///
/// - [Number of keys](Self::with_max_keys), 64: the one that was fetched first is dropped first. Issuers that publish
///   keys one by one use few at a time.
/// - [Lifetime](Self::with_lifetime), 1 h: a key that the issuer removes is rejected within this time.
/// - [Maximum age](Self::with_max_age), 2 h: bridges an outage of the issuer. After that, requests get 503.
/// - [Retry](Self::with_retry), 5 s: the pause after a failed fetch of a key.
/// - [Negative cache](Self::with_negative_cache), 1024 key IDs for 60 s: a token with such a key ID is rejected without
///   another fetch. A longer time would let an attacker block a guessed key ID before the issuer uses it.
/// - [Timeout](Self::with_timeout), 5 s: the longest time that a request waits for a fetch.
/// - [Fetches in flight](Self::with_max_fetches), 8, and [rate](Self::with_fetch_rate), one per second with bursts of
///   8: bound what forged key IDs can cost. Both apply to keys that are not cached. The others are fetched once per
///   lifetime each, apart from these limits.
/// - [Waiting requests](Self::with_max_waiting), 1024, of which one key takes a quarter at most: bounds the memory that
///   a slow issuer can take. Keys that have expired have as many places of their own.
///
/// A request that a limit keeps from its fetch gets 503 with `Retry-After`, because its token may be good. Key IDs in
/// the negative cache get 401.
///
/// A document has 16 KiB at most.
#[derive(Clone, Debug)]
pub struct PemKeySetSettings(Limits);

impl Default for PemKeySetSettings {
    fn default() -> Self {
        Self(Limits {
            max_values: 64,
            lifetime: Duration::from_secs(3600),
            max_age: Duration::from_secs(2 * 3600),
            retry: Duration::from_secs(5),
            max_absent: 1024,
            absent_for: Duration::from_secs(60),
            max_in_flight: 8,
            interval: Duration::from_secs(1),
            burst: 8,
            timeout: Duration::from_secs(5),
            max_waiting: 1024,
        })
    }
}

impl PemKeySetSettings {
    /// Returns the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many keys are cached, 256 at most. The default is 64.
    #[must_use]
    pub fn with_max_keys(self, max: usize) -> Self {
        Self(Limits { max_values: max, ..self.0 })
    }

    /// Sets how long a key is used before it is fetched again. The fetch begins in the background after 80 % of this
    /// time. If no request came then, the next one waits for it. The default is 1 h.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self(Limits { lifetime, ..self.0 })
    }

    /// Sets how long a key is used after its last good fetch, while fetches fail. It must not be below the lifetime.
    /// The default is 2 h.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self(Limits { max_age, ..self.0 })
    }

    /// Sets the pause after a failed fetch of a key. The default is 5 s.
    #[must_use]
    pub fn with_retry(self, pause: Duration) -> Self {
        Self(Limits { retry: pause, ..self.0 })
    }

    /// Sets how many key IDs that the issuer does not have are cached, and for how long. The default is 1024 key IDs
    /// for 60 s.
    #[must_use]
    pub fn with_negative_cache(self, max: usize, ttl: Duration) -> Self {
        Self(Limits { max_absent: max, absent_for: ttl, ..self.0 })
    }

    /// Sets the timeout of a fetch. The default is 5 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self(Limits { timeout, ..self.0 })
    }

    /// Sets how many fetches of keys that are not cached may be in flight. The default is 8.
    #[must_use]
    pub fn with_max_fetches(self, max: usize) -> Self {
        Self(Limits { max_in_flight: max, ..self.0 })
    }

    /// Sets how often keys that are not cached are fetched: once per `interval`, and `burst` times at once after a
    /// pause. Tokens with further key IDs get 503. The default is 1 s, and 8.
    #[must_use]
    pub fn with_fetch_rate(self, interval: Duration, burst: u32) -> Self {
        Self(Limits { interval, burst, ..self.0 })
    }

    /// Sets how many requests may wait for fetches of keys that are not cached at the same time, and how many for those
    /// of other keys. A quarter of them, rounded up, may wait for the same key. Further requests get 503. The default
    /// is 1024.
    #[must_use]
    pub fn with_max_waiting(self, max: usize) -> Self {
        Self(Limits { max_waiting: max, ..self.0 })
    }

    /// Returns the limits, or the error of an invalid setting as a sentence.
    pub(super) fn check(&self) -> Result<Limits, &'static str> {
        let limits = self.0;
        let rules = [
            (limits.max_values == 0, "the number of keys must not be zero"),
            (limits.max_values > KeySet::MAX_KEYS, "the number of keys is above 256"),
            (limits.max_absent > MAX_ABSENT, "the number of cached absent keys is above 65,536"),
            (limits.lifetime < Limits::SHORTEST, "the lifetime of keys must be at least 10 ms"),
            (limits.max_age < limits.lifetime, "the maximum age of keys is below their lifetime"),
            (limits.max_age > Limits::LONGEST, "the maximum age of keys is above a year"),
            (limits.retry < Limits::SHORTEST, "the pause after a failed fetch must be at least 10 ms"),
            (limits.retry > limits.max_age, "the pause after a failed fetch is above the maximum age"),
            (limits.timeout.is_zero(), "the timeout of fetches must not be zero"),
            (limits.max_in_flight == 0, "the number of fetches in flight must not be zero"),
            (limits.interval.is_zero(), "the interval of fetches must not be zero"),
            (limits.interval > Limits::LONGEST, "the interval of fetches is above a year"),
            (limits.burst == 0, "the burst of fetches must not be zero"),
            (limits.max_waiting == 0, "the number of waiting requests must not be zero"),
        ];
        rules.into_iter().find_map(|(broken, rule)| broken.then_some(rule)).map_or(Ok(limits), Err)
    }
}

/// Bounds the memory for forged key IDs.
const MAX_ABSENT: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_settings_are_reported() {
        let settings = PemKeySetSettings::new;
        assert!(settings().check().is_ok());
        for (broken, sentence) in [
            (settings().with_max_keys(0), "must not be zero"),
            (settings().with_max_keys(257), "256"),
            (settings().with_negative_cache(65_537, Duration::ZERO), "65,536"),
            (settings().with_lifetime(Duration::ZERO), "at least 10 ms"),
            (settings().with_max_age(Duration::from_secs(3599)), "below their lifetime"),
            (settings().with_max_age(Duration::MAX), "above a year"),
            (settings().with_retry(Duration::ZERO), "at least 10 ms"),
            (settings().with_retry(Duration::from_secs(7201)), "above the maximum age"),
            (settings().with_timeout(Duration::ZERO), "timeout"),
            (settings().with_max_fetches(0), "in flight"),
            (settings().with_fetch_rate(Duration::ZERO, 1), "interval"),
            (settings().with_fetch_rate(Duration::MAX, 1), "interval"),
            (settings().with_fetch_rate(Duration::from_secs(1), 0), "burst"),
            (settings().with_max_waiting(0), "waiting requests"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
