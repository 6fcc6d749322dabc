//! [`UnixMillis`], the time of sessions, and [`StoreClock`], the clock that a store uses.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tollgate::UnixTime;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// Makes the instant `millis` milliseconds after 1970-01-01T00:00:00Z, or before it when negative.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the instant `by` later, or the latest one that the type can express.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(by)))
    }

    /// Returns the instant `by` earlier, or the earliest one that the type can express.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(by)))
    }

    /// Returns how long this instant is after `earlier`. Returns zero when it is not later, as after a clock
    /// was set back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// Returns the same instant in whole seconds, rounded down.
    #[must_use]
    pub fn to_unix_time(self) -> UnixTime {
        UnixTime::from_secs(self.0.div_euclid(1000))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The clock by which a store judges expiry. All processes that share the store share this clock, so their own
/// clocks do not matter.
///
/// The PostgreSQL and Redis stores use the clock of the server. The memory and SQLite stores use the clock of
/// the machine. Tests use a manual clock.
#[derive(Clone, Debug, Default)]
pub struct StoreClock(Option<Arc<AtomicI64>>);

impl StoreClock {
    /// Uses the store's own clock.
    #[must_use]
    pub fn server() -> Self {
        Self::default()
    }

    /// Makes a manual clock, which only [`set`](Self::set) and [`advance`](Self::advance) move. Clones share
    /// its time.
    #[must_use]
    pub fn manual(now: UnixMillis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.0))))
    }

    /// Advances a manual clock. Does nothing to any other clock.
    pub fn advance(&self, by: Duration) {
        if let Some(now) = self.manual_time() {
            self.set(now.saturating_add(by));
        }
    }

    /// Sets a manual clock. Does nothing to any other clock.
    pub fn set(&self, now: UnixMillis) {
        if let Some(at) = &self.0 {
            at.store(now.0, Ordering::SeqCst);
        }
    }

    /// Returns the time of a manual clock. Returns `None` for the store's own clock.
    #[must_use]
    pub fn manual_time(&self) -> Option<UnixMillis> {
        self.0.as_ref().map(|at| UnixMillis(at.load(Ordering::SeqCst)))
    }

    /// Returns the current time, for stores that use the clock of the machine, and for generating session IDs.
    ///
    /// If the clock of the machine is set before 1970, this returns the latest instant. Every session is then
    /// expired, and none stays live by mistake.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
    pub fn now(&self) -> UnixMillis {
        self.manual_time().unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(UnixMillis(i64::MAX), |since| UnixMillis(whole_millis(since)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_is_shared_by_its_clones() {
        let clock = StoreClock::manual(UnixMillis::from_millis(5));
        let other = clock.clone();
        clock.advance(Duration::from_secs(1));
        assert_eq!(other.now(), UnixMillis::from_millis(1005));
        assert!(StoreClock::server().now().as_millis() > 1_577_836_800_000);
    }

    #[test]
    fn unix_millis_saturates_at_its_limits() {
        let (early, late) = (UnixMillis::from_millis(-1500), UnixMillis::from_millis(i64::MAX));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.saturating_add(Duration::MAX), late);
        assert_eq!(early.to_unix_time(), UnixTime::from_secs(-2));
    }
}
