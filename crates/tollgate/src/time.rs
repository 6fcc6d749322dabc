//! Time as a value. The core does not read a clock, except in [`SystemClock`].

use std::fmt;
use std::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds ignored (a `NumericDate`, RFC 7519 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The latest time that the type can represent.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates the time that is this many seconds after the epoch, or before it when negative.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Returns the seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// Returns the time that is `by` later. Fractions of a second are dropped, and the result is [`UnixTime::MAX`] at
    /// most.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_secs(by)))
    }

    /// Returns the time that is `by` earlier. Fractions of a second are dropped, and the result saturates at the
    /// earliest time.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_secs(by)))
    }

    /// Returns the time since `earlier`, or zero when `earlier` is later.
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

/// The clock of a gate, from which adapters get the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> UnixTime;
}

/// The operating system's clock.
///
/// On Linux, this reads the coarse clock, which takes a quarter of the time. That clock returns the time of the
/// last tick of the kernel. One tick (10 ms) is added, so that the result is some milliseconds ahead, not
/// behind, and tokens that were just issued are valid already. The verifier's leeway covers larger differences,
/// which also occur when a machine misses ticks.
///
/// When the clock is set before 1970, it returns [`UnixTime::MAX`]. Every token has then expired, so none is
/// accepted by mistake.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Creates the operating system's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        since_epoch().map_or(UnixTime::MAX, |since| UnixTime(whole_secs(since)))
    }
}

/// Returns the time, or `None` before the epoch.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_epoch() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    /// The longest interval between ticks of a kernel.
    const TICK: Duration = Duration::from_millis(10);

    let time = clock_gettime(ClockId::RealtimeCoarse);
    let (secs, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    Some(Duration::new(secs, nanos).saturating_add(TICK))
}

/// Returns the time, or `None` before the epoch.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "the only function that reads the clock")]
fn since_epoch() -> Option<Duration> {
    use std::time::{SystemTime, UNIX_EPOCH};

    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

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
    #[expect(clippy::disallowed_methods, reason = "the expected value")]
    fn system_clock_returns_the_current_time() {
        let exact = || SystemTime::now().duration_since(UNIX_EPOCH).map(whole_secs).unwrap();
        // A busy machine may miss ticks.
        let (before, now, after) = (exact() - 1, SystemClock::new().now(), exact() + 1);
        assert!((before..=after).contains(&now.as_secs()), "{before} {now} {after}");
    }
}
