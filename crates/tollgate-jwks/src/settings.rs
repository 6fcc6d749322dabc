//! [`RefreshSettings`]: the limits of a remote key set, with their defaults and reasons.

use std::time::Duration;

use tollgate::KeySet;

/// When a remote key set is fetched again, and how long fetched keys are used.
///
/// - [Lifetime](Self::with_lifetime), 10 min: applies to a response without caching headers. Other clients use
///   5 to 15 min.
/// - [Lifetime bounds](Self::with_lifetime_bounds), 60 s to 1 h: the minimum limits the rate of requests to the
///   issuer. The maximum limits how long a removed key is accepted, whatever caching headers the issuer sends.
/// - [Maximum staleness](Self::with_max_staleness), 1 h: bridges an outage for as long as most access tokens
///   live. After that, a key may have been removed for too long.
/// - [Cooldown](Self::with_cooldown), 30 s: limits the requests to the issuer that forged key IDs and forged
///   signatures cause. This is a common value.
/// - [Negative cache](Self::with_negative_cache), 1024 keys for 60 s: a token with an absent key ID, or with a wrong
///   signature for a confirmed key, is rejected without another fetch. A longer time would let an attacker block a
///   guessed key ID before the issuer uses it.
/// - [Timeout](Self::with_timeout), 5 s: the longest time that a request waits for keys.
/// - [Quick retry](Self::with_quick_retry), 200 ms: a connection reset or a 502 often disappears at once. There
///   is one retry, within the timeout.
/// - [Backoff](Self::with_backoff), 1 s to 60 s: doubles each time, with ±20 % jitter, so that many nodes do
///   not retry at the same time.
/// - [Longest `Retry-After`](Self::with_longest_retry_after), 10 min: bounds the pause that an issuer can ask
///   for.
/// - [Waiting requests](Self::with_max_waiting), 1024: bounds the memory that a slow issuer and forged key IDs
///   can take.
/// - [Document size](Self::with_max_document_bytes), 512 KiB: the largest sets in use have about 30 KiB.
/// - [Number of keys](Self::with_max_keys), 256: preparing each key takes time.
/// - [Metadata lifetime](Self::with_metadata_lifetime), 24 h: the URL of the keys changes rarely. It is also
///   looked up again after a fetch of the keys has failed.
///
/// Keys are refreshed after 80 % of their lifetime (±5 %), so they do not expire during requests.
#[derive(Clone, Debug)]
pub struct RefreshSettings {
    pub(crate) lifetime: Duration,
    pub(crate) shortest_lifetime: Duration,
    pub(crate) longest_lifetime: Duration,
    pub(crate) max_staleness: Duration,
    pub(crate) cooldown: Duration,
    pub(crate) max_absent: usize,
    pub(crate) absent_for: Duration,
    pub(crate) timeout: Duration,
    pub(crate) quick_retry: Option<Duration>,
    pub(crate) first_backoff: Duration,
    pub(crate) longest_backoff: Duration,
    pub(crate) longest_retry_after: Duration,
    pub(crate) max_waiting: usize,
    pub(crate) max_document_bytes: usize,
    pub(crate) max_keys: usize,
    pub(crate) metadata_lifetime: Duration,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(600),
            shortest_lifetime: Duration::from_secs(60),
            longest_lifetime: Duration::from_secs(3600),
            max_staleness: Duration::from_secs(3600),
            cooldown: Duration::from_secs(30),
            max_absent: 1024,
            absent_for: Duration::from_secs(60),
            timeout: Duration::from_secs(5),
            quick_retry: Some(Duration::from_millis(200)),
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
            longest_retry_after: Duration::from_secs(600),
            max_waiting: 1024,
            max_document_bytes: KeySet::MAX_DOCUMENT_BYTES,
            max_keys: KeySet::MAX_KEYS,
            metadata_lifetime: Duration::from_secs(24 * 3600),
        }
    }
}

impl RefreshSettings {
    /// Returns the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long keys are fresh when the response does not say (no `Cache-Control: max-age`, no `Expires`).
    /// The default is 10 min.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// Sets the minimum and maximum time that keys are fresh, whatever the response says. A removed key is
    /// rejected after the maximum at the latest, as long as the issuer is reachable. The defaults are 60 s and 1 h.
    ///
    /// The [lifetime](Self::with_lifetime) has to be between both; otherwise, starting the key set fails.
    #[must_use]
    pub fn with_lifetime_bounds(self, shortest: Duration, longest: Duration) -> Self {
        Self { shortest_lifetime: shortest, longest_lifetime: longest, ..self }
    }

    /// Sets how long keys are used after their lifetime while the issuer is unreachable. With zero, keys are not used
    /// after their lifetime. The default is 1 h.
    #[must_use]
    pub fn with_max_staleness(self, max_staleness: Duration) -> Self {
        Self { max_staleness, ..self }
    }

    /// Sets the minimum time between two fetches that unknown key IDs or wrong signatures cause. The default
    /// is 30 s.
    #[must_use]
    pub fn with_cooldown(self, cooldown: Duration) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets how many keys that the issuer does not have are cached, and for how long. The default is 1024 keys for
    /// 60 s.
    #[must_use]
    pub fn with_negative_cache(self, max: usize, ttl: Duration) -> Self {
        Self { max_absent: max, absent_for: ttl, ..self }
    }

    /// Sets the timeout of a refresh, including discovery and a retry. It is also the longest time that a request
    /// waits for keys. The default is 5 s.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the pause before the only retry within a refresh. The retry is for failures that may be short: a
    /// broken connection, and 500, 502, 503 or 504 without `Retry-After`. `None` disables the retry. The
    /// default is 200 ms.
    #[must_use]
    pub fn with_quick_retry(self, pause: Option<Duration>) -> Self {
        Self { quick_retry: pause, ..self }
    }

    /// Sets the first and the longest pause after failed refreshes. The defaults are 1 s and 60 s.
    #[must_use]
    pub fn with_backoff(self, first: Duration, longest: Duration) -> Self {
        Self { first_backoff: first, longest_backoff: longest, ..self }
    }

    /// Sets the longest pause that an issuer can ask for with `Retry-After`. The default is 10 min.
    #[must_use]
    pub fn with_longest_retry_after(self, longest: Duration) -> Self {
        Self { longest_retry_after: longest, ..self }
    }

    /// Sets how many requests may wait for keys at the same time. Further requests get 503 without waiting. The
    /// default is 1024.
    #[must_use]
    pub fn with_max_waiting(self, max: usize) -> Self {
        Self { max_waiting: max, ..self }
    }

    /// Sets the size limit of the key set document, in bytes. The default and the maximum are
    /// [`KeySet::MAX_DOCUMENT_BYTES`]. The limit also applies to metadata.
    #[must_use]
    pub fn with_max_document_bytes(self, max: usize) -> Self {
        Self { max_document_bytes: max, ..self }
    }

    /// Sets the largest number of keys in a set, including unusable ones. The default and the maximum are
    /// [`KeySet::MAX_KEYS`].
    #[must_use]
    pub fn with_max_keys(self, max: usize) -> Self {
        Self { max_keys: max, ..self }
    }

    /// Sets how long the issuer's metadata is cached. The default is 24 h.
    #[must_use]
    pub fn with_metadata_lifetime(self, lifetime: Duration) -> Self {
        Self { metadata_lifetime: lifetime, ..self }
    }

    /// Returns the error of an invalid setting as a sentence.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.shortest_lifetime < SHORTEST, "the shortest lifetime must be at least 10 ms"),
            (self.first_backoff < SHORTEST, "the first backoff must be at least 10 ms"),
            (self.shortest_lifetime > self.longest_lifetime, "the shortest lifetime is above the longest"),
            (self.first_backoff > self.longest_backoff, "the first backoff is above the longest"),
            (self.lifetime < self.shortest_lifetime, "the lifetime is below the shortest"),
            (self.lifetime > self.longest_lifetime, "the lifetime is above the longest"),
            (self.timeout.is_zero(), "the timeout must not be zero"),
            (self.max_waiting == 0, "the number of waiting requests must not be zero"),
            (self.max_document_bytes == 0, "the document size must not be zero"),
            (self.longest_backoff > LONGEST, "the longest backoff is above a year"),
            (self.quick_retry.is_some_and(|pause| pause > LONGEST), "the quick retry is above a year"),
            (self.max_keys == 0, "the number of keys must not be zero"),
            (self.max_document_bytes > KeySet::MAX_DOCUMENT_BYTES, "the document size is above 512 KiB"),
            (self.max_keys > KeySet::MAX_KEYS, "the number of keys is above 256"),
        ];
        rules.into_iter().find_map(|(broken, rule)| broken.then_some(rule)).map_or(Ok(()), Err)
    }

    /// Returns the lifetime for a response that states `said`.
    pub(crate) fn clamp_lifetime(&self, said: Option<Duration>) -> Duration {
        said.unwrap_or(self.lifetime).clamp(self.shortest_lifetime, self.longest_lifetime)
    }
}

/// Shorter waits would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(10);

/// Longer waits would effectively never end, and sums of times could overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_settings_are_reported() {
        let secs = Duration::from_secs;
        let settings = RefreshSettings::new;
        assert_eq!(settings().check(), Ok(()));
        for (broken, sentence) in [
            (settings().with_lifetime_bounds(secs(0), secs(9)), "at least 10 ms"),
            (settings().with_lifetime_bounds(secs(9), secs(8)), "shortest lifetime is above the longest"),
            (settings().with_lifetime(secs(59)), "below the shortest"),
            (settings().with_lifetime(secs(3601)), "lifetime is above the longest"),
            (settings().with_backoff(secs(0), secs(8)), "at least 10 ms"),
            (settings().with_backoff(secs(9), secs(8)), "above the longest"),
            (settings().with_backoff(secs(9), Duration::MAX), "above a year"),
            (settings().with_quick_retry(Some(Duration::MAX)), "above a year"),
            (settings().with_timeout(secs(0)), "timeout"),
            (settings().with_max_waiting(0), "waiting requests"),
            (settings().with_max_document_bytes(0), "document size must not be zero"),
            (settings().with_max_document_bytes(usize::MAX), "512 KiB"),
            (settings().with_max_keys(0), "number of keys must not be zero"),
            (settings().with_max_keys(257), "256"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn lifetimes_are_clamped_to_their_bounds() {
        let settings = RefreshSettings::new();
        for (said, lifetime) in [
            (None, 600),
            (Some(0), 60),
            (Some(59), 60),
            (Some(61), 61),
            (Some(3601), 3600),
            (Some(u64::MAX), 3600),
        ] {
            assert_eq!(settings.clamp_lifetime(said.map(Duration::from_secs)).as_secs(), lifetime);
        }
    }
}
