//! [`RefreshSettings`]: every number, with its default and the reason for it.

use std::time::Duration;

use tollgate::KeySet;

/// When a remote key set is fetched again, and how long what was fetched is believed.
///
/// | setting | default | why |
/// |---|---|---|
/// | [lifetime](Self::with_lifetime) | 10 min | what an answer without caching fields is good for; other clients use 5 to 15 min |
/// | [lifetime bounds](Self::with_lifetime_bounds) | 60 s to 1 h | below, an issuer could make us hammer it; the upper end is how long a withdrawn key can live on, whatever the issuer's cache fields say |
/// | [max staleness](Self::with_max_staleness) | 1 h | an outage is survived for as long as most access tokens live; beyond that nobody can say that a key was not withdrawn |
/// | [cooldown](Self::with_cooldown) | 30 s | what forged key ids can cost the issuer; the usual number |
/// | [memory of absent keys](Self::with_negative_cache) | 1024 for 60 s | a token with a dead key id is refused without asking again; longer would let a guessed key id be blocked before it is used |
/// | [timeout](Self::with_timeout) | 5 s | the longest that a request can wait for keys |
/// | [quick retry](Self::with_quick_retry) | 200 ms | a reset connection or a 502 is often gone at once; one more try, within the timeout |
/// | [backoff](Self::with_backoff) | 1 s to 60 s | doubled each time, ±20 %, so that many nodes do not return at once |
/// | [longest `Retry-After`](Self::with_longest_retry_after) | 10 min | an issuer may ask for a pause, not for eternity |
/// | [waiting requests](Self::with_max_waiting) | 1024 | what a slow issuer and forged key ids can pile up in memory |
/// | [document size](Self::with_max_document_bytes) | 512 KiB | the largest real set is some 30 KiB |
/// | [number of keys](Self::with_max_keys) | 256 | each key is prepared, which costs time |
/// | [metadata lifetime](Self::with_metadata_lifetime) | 24 h | where the keys are changes rarely; it is looked up again as well when they cannot be had |
///
/// Keys are fetched again when 80 % of their lifetime (±5 %) are over, so that no request sees them expire.
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
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long keys are fresh when the issuer's answer does not say (no `Cache-Control: max-age`, no `Expires`).
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// The shortest and the longest time that keys are fresh, whatever the issuer's answer says. A withdrawn key stops
    /// working within the longest one, as long as the issuer can be reached.
    #[must_use]
    pub fn with_lifetime_bounds(self, shortest: Duration, longest: Duration) -> Self {
        Self { shortest_lifetime: shortest, longest_lifetime: longest, ..self }
    }

    /// How long keys are used after their lifetime while the issuer cannot be reached. Zero: not at all.
    #[must_use]
    pub fn with_max_staleness(self, max_staleness: Duration) -> Self {
        Self { max_staleness, ..self }
    }

    /// The least time between two fetches that unknown key ids cause.
    #[must_use]
    pub fn with_cooldown(self, cooldown: Duration) -> Self {
        Self { cooldown, ..self }
    }

    /// How many key ids that the issuer does not have are remembered, and for how long.
    #[must_use]
    pub fn with_negative_cache(self, max: usize, remembered_for: Duration) -> Self {
        Self { max_absent: max, absent_for: remembered_for, ..self }
    }

    /// The longest time for one refresh, with discovery and a second try: the longest that a request waits for keys.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The pause before the one further try within a refresh, for failures that may be gone at once: a broken
    /// connection, 500, 502, 503 or 504 without `Retry-After`. `None`: no further try.
    #[must_use]
    pub fn with_quick_retry(self, pause: Option<Duration>) -> Self {
        Self { quick_retry: pause, ..self }
    }

    /// The first and the longest pause between refreshes that fail.
    #[must_use]
    pub fn with_backoff(self, first: Duration, longest: Duration) -> Self {
        Self { first_backoff: first, longest_backoff: longest, ..self }
    }

    /// The longest pause that an issuer can ask for with `Retry-After`.
    #[must_use]
    pub fn with_longest_retry_after(self, longest: Duration) -> Self {
        Self { longest_retry_after: longest, ..self }
    }

    /// How many requests may wait for keys at once. Further ones are answered 503 without waiting.
    #[must_use]
    pub fn with_max_waiting(self, max: usize) -> Self {
        Self { max_waiting: max, ..self }
    }

    /// The largest key set document, in bytes; at most [`KeySet::MAX_DOCUMENT_BYTES`]. Holds for metadata as well.
    #[must_use]
    pub fn with_max_document_bytes(self, max: usize) -> Self {
        Self { max_document_bytes: max, ..self }
    }

    /// The largest number of keys in a set, those that cannot be used included; at most [`KeySet::MAX_KEYS`].
    #[must_use]
    pub fn with_max_keys(self, max: usize) -> Self {
        Self { max_keys: max, ..self }
    }

    /// How long the issuer's metadata is believed before it is read again.
    #[must_use]
    pub fn with_metadata_lifetime(self, lifetime: Duration) -> Self {
        Self { metadata_lifetime: lifetime, ..self }
    }

    /// What cannot be right, as a sentence.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.shortest_lifetime < SHORTEST, "the shortest lifetime must be at least 10 ms"),
            (self.first_backoff < SHORTEST, "the first backoff must be at least 10 ms"),
            (self.shortest_lifetime > self.longest_lifetime, "the lifetime bounds are the wrong way round"),
            (self.first_backoff > self.longest_backoff, "the backoff bounds are the wrong way round"),
            (self.timeout.is_zero(), "a timeout of zero lets no fetch succeed"),
            (self.max_waiting == 0, "with no request allowed to wait, no rotation can be seen in time"),
            (self.max_document_bytes == 0, "a document of no bytes holds no keys"),
            (self.longest_backoff > LONGEST, "the longest backoff is above a year"),
            (self.quick_retry.is_some_and(|pause| pause > LONGEST), "the quick retry is above a year away"),
            (self.max_keys == 0, "a set of no keys verifies nothing"),
            (self.max_document_bytes > KeySet::MAX_DOCUMENT_BYTES, "the document size is above 512 KiB"),
            (self.max_keys > KeySet::MAX_KEYS, "the number of keys is above 256"),
        ];
        rules.into_iter().find_map(|(broken, rule)| broken.then_some(rule)).map_or(Ok(()), Err)
    }

    /// How long an answer is fresh that says this of itself.
    pub(crate) fn clamp_lifetime(&self, said: Option<Duration>) -> Duration {
        said.unwrap_or(self.lifetime).clamp(self.shortest_lifetime, self.longest_lifetime)
    }
}

/// Below this, waiting would be spinning.
const SHORTEST: Duration = Duration::from_millis(10);

/// Above this, waiting would be forever, and sums of times could overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_right_is_said() {
        let secs = Duration::from_secs;
        let settings = RefreshSettings::new;
        assert_eq!(settings().check(), Ok(()));
        for (broken, sentence) in [
            (settings().with_lifetime_bounds(secs(0), secs(9)), "at least 10 ms"),
            (settings().with_lifetime_bounds(secs(9), secs(8)), "wrong way round"),
            (settings().with_backoff(secs(0), secs(8)), "at least 10 ms"),
            (settings().with_backoff(secs(9), secs(8)), "wrong way round"),
            (settings().with_backoff(secs(9), Duration::MAX), "above a year"),
            (settings().with_quick_retry(Some(Duration::MAX)), "above a year"),
            (settings().with_timeout(secs(0)), "timeout"),
            (settings().with_max_waiting(0), "wait"),
            (settings().with_max_document_bytes(0), "bytes"),
            (settings().with_max_document_bytes(usize::MAX), "512 KiB"),
            (settings().with_max_keys(0), "no keys"),
            (settings().with_max_keys(257), "256"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn lifetimes_stay_within_their_bounds() {
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
