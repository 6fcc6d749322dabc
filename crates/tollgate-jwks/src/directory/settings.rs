//! [`VerifierDirectorySettings`]: the limits of a directory, with their defaults and reasons.

use std::time::Duration;

use crate::lookups::Limits;

/// How long a [`VerifierDirectory`](crate::VerifierDirectory) uses what it has looked up, and how many lookups it
/// makes.
///
/// - [Number of verifiers](Self::with_max_verifiers), 1024: the least recently used one is dropped first.
/// - [Lifetime](Self::with_lifetime), 5 min: a tenant that the application removes is rejected within this time,
///   without a call of [`invalidate`](crate::VerifierDirectory::invalidate).
/// - [Maximum age](Self::with_max_age), 1 h: bridges an outage of the application's database. After that, requests get
///   503.
/// - [Retry](Self::with_retry), 5 s: the pause after a failed lookup of an issuer.
/// - [Negative cache](Self::with_negative_cache), 4096 issuers for 60 s: a new tenant is accepted within this time,
///   if a token of it came too early.
/// - [Timeout](Self::with_timeout), 5 s: the longest time that a request waits for a lookup.
/// - [Lookups in flight](Self::with_max_lookups), 16, and [rate](Self::with_lookup_rate), one per 100 ms with bursts of
///   32: bound what made-up issuers can cost. Both apply to issuers without a verifier. The others are looked up once
///   per lifetime each, apart from these limits, so that made-up issuers do not delay them.
/// - [Waiting requests](Self::with_max_waiting), 1024, of which one issuer takes a quarter at most: bounds the memory
///   that slow lookups can take. Issuers whose verifier has expired have as many places of their own.
///
/// A request that a limit keeps from its lookup gets 503 with `Retry-After`, because its token may be good. Issuers in
/// the negative cache get 401.
///
/// Issuers of more than 512 bytes are never looked up.
#[derive(Clone, Debug)]
pub struct VerifierDirectorySettings(Limits);

impl Default for VerifierDirectorySettings {
    fn default() -> Self {
        Self(Limits {
            max_values: 1024,
            lifetime: Duration::from_secs(300),
            max_age: Duration::from_secs(3600),
            retry: Duration::from_secs(5),
            max_absent: 4096,
            absent_for: Duration::from_secs(60),
            max_in_flight: 16,
            interval: Duration::from_millis(100),
            burst: 32,
            timeout: Duration::from_secs(5),
            max_waiting: 1024,
        })
    }
}

impl VerifierDirectorySettings {
    /// Returns the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many verifiers are cached, 65,536 at most. The default is 1024.
    #[must_use]
    pub fn with_max_verifiers(self, max: usize) -> Self {
        Self(Limits { max_values: max, ..self.0 })
    }

    /// Sets how long a verifier is used before its issuer is looked up again. The lookup begins in the background after
    /// 80 % of this time. If no request came then, the next one waits for it. The default is 5 min.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self(Limits { lifetime, ..self.0 })
    }

    /// Sets how long a verifier is used after its last good lookup, while lookups fail. It must not be below the
    /// lifetime. The default is 1 h.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self(Limits { max_age, ..self.0 })
    }

    /// Sets the pause after a failed lookup of an issuer. The default is 5 s.
    #[must_use]
    pub fn with_retry(self, pause: Duration) -> Self {
        Self(Limits { retry: pause, ..self.0 })
    }

    /// Sets how many issuers that are not trusted are cached, and for how long. The default is 4096 issuers for 60 s.
    #[must_use]
    pub fn with_negative_cache(self, max: usize, ttl: Duration) -> Self {
        Self(Limits { max_absent: max, absent_for: ttl, ..self.0 })
    }

    /// Sets the timeout of a lookup. The default is 5 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self(Limits { timeout, ..self.0 })
    }

    /// Sets how many lookups of issuers without a verifier may be in flight. The default is 16.
    #[must_use]
    pub fn with_max_lookups(self, max: usize) -> Self {
        Self(Limits { max_in_flight: max, ..self.0 })
    }

    /// Sets how often issuers without a verifier are looked up: once per `interval`, and `burst` times at once after a
    /// pause. Tokens of further issuers get 503. The default is 100 ms, and 32.
    #[must_use]
    pub fn with_lookup_rate(self, interval: Duration, burst: u32) -> Self {
        Self(Limits { interval, burst, ..self.0 })
    }

    /// Sets how many requests may wait for lookups of issuers without a verifier at the same time, and how many for
    /// those of other issuers. A quarter of them, rounded up, may wait for the same issuer. Further requests get 503.
    /// The default is 1024.
    #[must_use]
    pub fn with_max_waiting(self, max: usize) -> Self {
        Self(Limits { max_waiting: max, ..self.0 })
    }

    /// Returns the limits, or the error of an invalid setting as a sentence.
    pub(super) fn check(self) -> Result<Limits, &'static str> {
        let limits = self.0;
        let rules = [
            (limits.max_values == 0, "the number of verifiers must not be zero"),
            (limits.max_values > MAX_VERIFIERS, "the number of verifiers is above 65,536"),
            (limits.max_absent > MAX_VERIFIERS, "the number of cached absent issuers is above 65,536"),
            (limits.lifetime < Limits::SHORTEST, "the lifetime of verifiers must be at least 10 ms"),
            (limits.max_age < limits.lifetime, "the maximum age of verifiers is below their lifetime"),
            (limits.max_age > Limits::LONGEST, "the maximum age of verifiers is above a year"),
            (limits.retry < Limits::SHORTEST, "the pause after a failed lookup must be at least 10 ms"),
            (limits.retry > limits.max_age, "the pause after a failed lookup is above the maximum age"),
            (limits.timeout.is_zero(), "the timeout of lookups must not be zero"),
            (limits.max_in_flight == 0, "the number of lookups in flight must not be zero"),
            (limits.interval.is_zero(), "the interval of lookups must not be zero"),
            (limits.interval > Limits::LONGEST, "the interval of lookups is above a year"),
            (limits.burst == 0, "the burst of lookups must not be zero"),
            (limits.max_waiting == 0, "the number of waiting requests must not be zero"),
        ];
        rules.into_iter().find_map(|(broken, rule)| broken.then_some(rule)).map_or(Ok(limits), Err)
    }
}

/// Every new verifier copies the map of all, which requests read without a lock.
const MAX_VERIFIERS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_settings_are_reported() {
        let settings = VerifierDirectorySettings::new;
        assert_eq!(settings().check().map(drop), Ok(()));
        for (broken, sentence) in [
            (settings().with_max_verifiers(0), "must not be zero"),
            (settings().with_max_verifiers(65_537), "65,536"),
            (settings().with_negative_cache(65_537, Duration::ZERO), "65,536"),
            (settings().with_lifetime(Duration::ZERO), "at least 10 ms"),
            (settings().with_max_age(Duration::from_secs(299)), "below their lifetime"),
            (settings().with_max_age(Duration::MAX), "above a year"),
            (settings().with_retry(Duration::ZERO), "at least 10 ms"),
            (settings().with_retry(Duration::from_secs(3601)), "above the maximum age"),
            (settings().with_timeout(Duration::ZERO), "timeout"),
            (settings().with_max_lookups(0), "in flight"),
            (settings().with_lookup_rate(Duration::ZERO, 1), "interval"),
            (settings().with_lookup_rate(Duration::MAX, 1), "interval"),
            (settings().with_lookup_rate(Duration::from_secs(1), 0), "burst"),
            (settings().with_max_waiting(0), "waiting requests"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
