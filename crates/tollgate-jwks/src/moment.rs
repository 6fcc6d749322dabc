//! [`Moment`]: monotonic time as a value.

use std::time::Duration;

/// An instant by a monotonic clock, counted from when a key set was started. Setting the system's clock does not move
/// it, so keys neither grow old nor stay young by that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    /// When the key set was started.
    pub(crate) const START: Self = Self(Duration::ZERO);

    pub(crate) const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    pub(crate) const fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
