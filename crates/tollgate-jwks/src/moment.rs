//! [`Moment`]: monotonic time as a value.

use std::time::Duration;

/// A time by a monotonic clock, counted from the start of the key set. Changes of the system's clock do not
/// affect it, and thus not the age of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    /// The start of the key set.
    pub(crate) const START: Self = Self(Duration::ZERO);

    pub(crate) const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    pub(crate) const fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// Returns the time since `earlier`, or zero when `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
