//! [`Limits`]: how many values are cached and for how long, and how many lookups are made.

use std::time::Duration;

/// The limits of a cache of lookups. Their settings check them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest number of cached values.
    pub(crate) max_values: usize,
    /// How long a value is used before it is looked up again.
    pub(crate) lifetime: Duration,
    /// How long a value is used after its last good lookup, while lookups fail.
    pub(crate) max_age: Duration,
    /// The pause after a failed lookup of a key.
    pub(crate) retry: Duration,
    /// The largest number of cached absent keys.
    pub(crate) max_absent: usize,
    /// How long an absent key is cached.
    pub(crate) absent_for: Duration,
    /// The largest number of pending lookups of keys without a value.
    pub(crate) max_in_flight: usize,
    /// The time between two lookups of keys without a value.
    pub(crate) interval: Duration,
    /// The number of such lookups that may begin at once after a pause.
    pub(crate) burst: u32,
    /// The longest time that a lookup takes.
    pub(crate) timeout: Duration,
    /// The largest number of waiting requests for keys without a value, and the same again for the other keys.
    pub(crate) max_waiting: usize,
}

impl Limits {
    /// The shortest time that a setting may have. Shorter ones would be a busy loop.
    pub(crate) const SHORTEST: Duration = Duration::from_millis(10);

    /// The longest time that a setting may have, a year.
    pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

    /// Returns how many requests may wait for one key, so that one slow lookup does not take the places of all.
    pub(super) fn max_waiting_for_key(&self) -> usize {
        self.max_waiting.div_ceil(4)
    }
}
