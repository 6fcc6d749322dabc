//! [`UnixMillis`]: time as sessions count it, and [`StoreClock`]: whose clock a store goes by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tollgate::UnixTime;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// An instant that many milliseconds after the epoch; negative is before it.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved later; it stops at the latest that can be expressed.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(by)))
    }

    /// This instant moved earlier; it stops at the earliest that can be expressed.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(by)))
    }

    /// How long after `earlier` this instant is. Zero when it is not after it: a clock that stepped back is not late.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The same instant in whole seconds, rounded down.
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

/// The clock that a store judges expiry by: one for all of its users, whatever their own clocks say.
///
/// A database server has a clock, and its store uses that one. Memory and SQLite use the machine's. Tests set one by
/// hand.
#[derive(Clone, Debug, Default)]
pub struct StoreClock(Option<Arc<AtomicI64>>);

impl StoreClock {
    /// The store's own clock.
    #[must_use]
    pub fn server() -> Self {
        Self::default()
    }

    /// A clock that only [`set`](Self::set) and [`advance`](Self::advance) move. Clones share it.
    #[must_use]
    pub fn manual(now: UnixMillis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.0))))
    }

    /// Moves a clock set by hand; does nothing to any other.
    pub fn advance(&self, by: Duration) {
        if let Some(now) = self.manual_time() {
            self.set(now.saturating_add(by));
        }
    }

    /// Sets a clock set by hand; does nothing to any other.
    pub fn set(&self, now: UnixMillis) {
        if let Some(at) = &self.0 {
            at.store(now.0, Ordering::SeqCst);
        }
    }

    /// The time of a clock set by hand; `None` means: ask the store's own.
    #[must_use]
    pub fn manual_time(&self) -> Option<UnixMillis> {
        self.0.as_ref().map(|at| UnixMillis(at.load(Ordering::SeqCst)))
    }

    /// The present instant, for stores whose clock is the machine's, and for making session ids.
    ///
    /// A clock set before 1970 answers the latest instant: every session is then expired, none lives on by mistake.
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
    fn a_clock_by_hand_is_shared_and_stands_still() {
        let clock = StoreClock::manual(UnixMillis::from_millis(5));
        let other = clock.clone();
        clock.advance(Duration::from_secs(1));
        assert_eq!(other.now(), UnixMillis::from_millis(1005));
        assert!(StoreClock::server().now().as_millis() > 1_577_836_800_000);
    }

    #[test]
    fn what_is_not_later_is_no_time_later() {
        let (early, late) = (UnixMillis::from_millis(-1500), UnixMillis::from_millis(i64::MAX));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.saturating_add(Duration::MAX), late);
        assert_eq!(early.to_unix_time(), UnixTime::from_secs(-2));
    }
}
