//! [`Bucket`]: a token bucket that limits a rate.

use std::time::Duration;

use crate::moment::Moment;

/// Allows one event per `interval`, and `burst` events at once after a pause.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    /// How far `full_at` may be ahead.
    tolerance: Duration,
    /// The time at which the bucket is full again.
    full_at: Moment,
}

impl Bucket {
    pub(crate) fn new(interval: Duration, burst: u32) -> Self {
        let tolerance = interval.saturating_mul(burst.saturating_sub(1));
        Self { interval, tolerance, full_at: Moment::START }
    }

    /// Returns whether an event may happen now, and counts it.
    pub(crate) fn take(&mut self, now: Moment) -> bool {
        let full_at = self.full_at.max(now);
        if full_at.since(now) > self.tolerance {
            return false;
        }
        self.full_at = full_at.plus(self.interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_limited_after_a_burst() {
        let at = |millis| Moment::after_start(Duration::from_millis(millis));
        let mut bucket = Bucket::new(Duration::from_millis(100), 5);
        assert_eq!((0..10).filter(|_| bucket.take(at(0))).count(), 5);
        assert!(!bucket.take(at(99)) && bucket.take(at(100)) && !bucket.take(at(100)));
        assert_eq!((0..10_000).filter(|n| bucket.take(at(1_000 + n))).count(), 5 + 99, "ten seconds");
        assert_eq!((0..10).filter(|_| bucket.take(at(1_000_000))).count(), 5, "no more after a long pause");
    }
}
