//! [`Lifetimes`]: the two limits of a session.

use std::time::Duration;

use crate::support::SettingError;

/// The longest absolute lifetime of a session: 400 days.
///
/// Stores rely on this bound: 400 days after a subject's sessions were revoked, none of them can be live, and
/// the store may purge the [epoch](crate::store::SessionStore#epochs) that revoked them.
pub const MAX_ABSOLUTE_LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

/// How long a session lives: its idle lifetime and its absolute lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    idle: Duration,
    absolute: Duration,
}

impl Lifetimes {
    /// Creates lifetimes: a session expires `idle` after its last refresh, and at the latest `absolute` after its
    /// login.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when `absolute` is shorter than a second or longer than
    /// [`MAX_ABSOLUTE_LIFETIME`], and when `idle` is shorter than a second or longer than `absolute`.
    pub fn new(idle: Duration, absolute: Duration) -> Result<Self, SettingError> {
        let shortest = Duration::from_secs(1);
        SettingError::check_duration("absolute lifetime", absolute, shortest, MAX_ABSOLUTE_LIFETIME)?;
        SettingError::check_duration("idle lifetime", idle, shortest, absolute)?;
        Ok(Self { idle, absolute })
    }

    /// Both limits, for defaults that are known to be valid.
    pub(crate) const fn from_hours(idle: u64, absolute: u64) -> Self {
        const HOUR: u64 = 3600;
        Self {
            idle: Duration::from_secs(idle.saturating_mul(HOUR)),
            absolute: Duration::from_secs(absolute.saturating_mul(HOUR)),
        }
    }

    /// Returns how long the session lives without a refresh.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns how long the session lives at most. A refresh does not extend it.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_reject_limits_out_of_bounds_or_in_the_wrong_order() {
        let day = Duration::from_secs(24 * 3600);
        assert!(Lifetimes::new(day, day).is_ok());
        assert!(Lifetimes::new(day, MAX_ABSOLUTE_LIFETIME).is_ok());
        for (idle, absolute) in [
            (day, MAX_ABSOLUTE_LIFETIME.saturating_add(Duration::from_millis(1))),
            (Duration::MAX, Duration::MAX),
            (2 * day, day),
            (Duration::ZERO, day),
            (Duration::ZERO, Duration::ZERO),
        ] {
            assert!(Lifetimes::new(idle, absolute).is_err(), "{idle:?} {absolute:?}");
        }
    }
}
