//! Time as a value. The core never reads a clock; [`SystemClock`] is the one place that does.

use std::fmt;
use std::time::Duration;

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
/// On Linux it is the coarse one, which is read in a quarter of the time: it says when the last tick was. A tick is added, so
/// that it is some milliseconds ahead rather than behind, and tokens that were just issued are good already. A verifier's leeway
/// is there for larger differences, which a machine that misses ticks can have too.
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
    fn now(&self) -> UnixTime {
        since_epoch().map_or(UnixTime::MAX, |since| UnixTime(whole_secs(since)))
    }
}

/// `None` before the epoch.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_epoch() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    /// Kernels tick at least so often.
    const TICK: Duration = Duration::from_millis(10);

    let time = clock_gettime(ClockId::RealtimeCoarse);
    let (secs, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    Some(Duration::new(secs, nanos).saturating_add(TICK))
}

/// `None` before the epoch.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
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
    #[expect(clippy::disallowed_methods, reason = "what it is compared with")]
    fn the_system_clock_is_the_time_of_the_system() {
        let exact = || SystemTime::now().duration_since(UNIX_EPOCH).map(whole_secs).unwrap();
        // A busy machine may miss ticks.
        let (before, now, after) = (exact() - 1, SystemClock::new().now(), exact() + 1);
        assert!((before..=after).contains(&now.as_secs()), "{before} {now} {after}");
    }
}
