//! [`ThrottleSettings`]: what the operator chooses.

use std::time::Duration;

/// What the operator chooses about attempts to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    pub(super) peer_burst: u32,
    pub(super) peer_interval: Duration,
    pub(super) name_burst: u32,
    pub(super) first_delay: Duration,
    pub(super) longest_delay: Duration,
    pub(super) forget_after: Duration,
    pub(super) entries: usize,
}

/// From an address 20 attempts, and one more every 3 seconds; as many forged refresh tokens. For a login name 5 attempts without a delay, then one of a
/// second that doubles with each, up to a minute; an attempt is forgotten after 5 minutes, one after the other. 65,536
/// addresses and as many names are remembered.
impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            peer_burst: 20,
            peer_interval: Duration::from_secs(3),
            name_burst: 5,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(60),
            forget_after: Duration::from_secs(300),
            entries: 65_536,
        }
    }
}

impl ThrottleSettings {
    /// From one address: `burst` attempts, at least one, and one more in each `interval`. Forged refresh tokens are counted
    /// apart, by the same numbers.
    #[must_use]
    pub fn with_peers(self, burst: u32, interval: Duration) -> Self {
        Self { peer_burst: burst.max(1), peer_interval: interval, ..self }
    }

    /// For one login name: `burst` attempts without a delay, then one of `first` that doubles up to `longest`.
    #[must_use]
    pub fn with_names(self, burst: u32, first: Duration, longest: Duration) -> Self {
        Self { name_burst: burst, first_delay: first, longest_delay: longest, ..self }
    }

    /// How long it takes until one attempt for a login name is forgotten.
    #[must_use]
    pub fn with_forget_after(self, forget_after: Duration) -> Self {
        Self { forget_after, ..self }
    }

    /// How many addresses, and how many names, are remembered; at least one.
    #[must_use]
    pub fn with_entries(self, entries: usize) -> Self {
        Self { entries: entries.max(1), ..self }
    }
}
