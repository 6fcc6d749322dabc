//! Time as a value. The core never reads a clock; [`SystemClock`] is the one place that does.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z, leap seconds ignored (a `NumericDate`, RFC 7519 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The latest instant that can be expressed.
    pub const MAX: Self = Self(i64::MAX);

    /// An instant that many seconds after the epoch; negative is before it.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// This instant moved later; sub-second parts are dropped, overflow stops at [`UnixTime::MAX`].
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_secs(by)))
    }

    /// This instant moved earlier; sub-second parts are dropped, overflow stops at the earliest instant.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_secs(by)))
    }

    /// How long after `earlier` this instant is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let secs = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_secs(secs.unsigned_abs())
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn whole_secs(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Where an adapter gets the time from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> UnixTime;
}

/// The operating system's clock.
///
/// A clock set before 1970 answers [`UnixTime::MAX`]: every token is then expired, none is accepted by mistake.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The operating system's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> UnixTime {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(UnixTime::MAX, |since| UnixTime(whole_secs(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let end = UnixTime::MAX.saturating_add(Duration::from_secs(u64::MAX));
        assert_eq!(end, UnixTime::MAX);
        let start = UnixTime::from_secs(i64::MIN).saturating_sub(Duration::from_secs(1));
        assert_eq!(start.as_secs(), i64::MIN);
        assert_eq!(start.since(end), Duration::ZERO);
        assert_eq!(end.since(UnixTime::from_secs(i64::MAX - 7)), Duration::from_secs(7));
    }

    #[test]
    fn system_clock_is_past_2020() {
        assert!(SystemClock::new().now().as_secs() > 1_577_836_800);
    }
}
