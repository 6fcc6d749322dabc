//! [`ThrottleSettings`]: the settings of [`LoginThrottle`](super::LoginThrottle).

use std::time::Duration;

use crate::support::SettingError;

/// The settings of [`LoginThrottle`](super::LoginThrottle).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    pub(super) peer_burst: u32,
    pub(super) peer_interval: Duration,
    pub(super) name_burst: u32,
    pub(super) name_delays: NameDelays,
    pub(super) name_expiry: Duration,
    pub(super) entries: usize,
}

/// An address has 20 attempts, and one more every 3 seconds. Forged refresh tokens have the same limit, counted
/// separately. A login name has 5 attempts without a delay. After each further attempt there is a delay of one
/// second, which doubles up to one minute. Every 5 minutes, one attempt for a name expires. The throttle tracks
/// 65,536 addresses and as many names.
impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            peer_burst: 20,
            peer_interval: Duration::from_secs(3),
            name_burst: 5,
            name_delays: NameDelays { first: Duration::from_secs(1), longest: Duration::from_secs(60) },
            name_expiry: Duration::from_secs(300),
            entries: 65_536,
        }
    }
}

impl ThrottleSettings {
    /// The largest number of attempts without a delay: one million.
    pub const MAX_BURST: u32 = 1_000_000;
    /// The shortest interval, delay or time to expire: a millisecond.
    pub const MIN_INTERVAL: Duration = Duration::from_millis(1);
    /// The longest interval, delay or time to expire: a day.
    pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);
    /// The largest number of addresses, and of names, that the throttle can track: ten million.
    pub const MAX_ENTRIES: usize = 10_000_000;

    /// Sets the limit for one address: `burst` attempts at once, and one more in each `interval`. Forged refresh
    /// tokens have the same limit, and are counted separately. The default is 20 attempts, and one more every
    /// 3 seconds.
    ///
    /// # Errors
    /// [`SettingError::Number`] when `burst` is 0 or more than [`MAX_BURST`](Self::MAX_BURST);
    /// [`SettingError::Duration`] when `interval` is shorter than [`MIN_INTERVAL`](Self::MIN_INTERVAL) or
    /// longer than [`MAX_INTERVAL`](Self::MAX_INTERVAL).
    pub fn with_address_limit(self, burst: u32, interval: Duration) -> Result<Self, SettingError> {
        check_burst("attempts of an address", burst, 1)?;
        check_interval("interval between attempts of an address", interval)?;
        Ok(Self { peer_burst: burst, peer_interval: interval, ..self })
    }

    /// Sets the limit for one login name: `burst` attempts without a delay, and then `delays` between attempts. The
    /// default is 5 attempts, and delays of one second to one minute.
    ///
    /// # Errors
    /// [`SettingError::Number`] when `burst` is more than [`MAX_BURST`](Self::MAX_BURST);
    /// [`SettingError::Duration`] when the first delay is shorter than [`MIN_INTERVAL`](Self::MIN_INTERVAL), or
    /// the longest is shorter than the first or longer than [`MAX_INTERVAL`](Self::MAX_INTERVAL).
    pub fn with_name_limit(self, burst: u32, delays: NameDelays) -> Result<Self, SettingError> {
        check_burst("attempts for a name", burst, 0)?;
        check_interval("first delay for a name", delays.first)?;
        let max = Self::MAX_INTERVAL;
        SettingError::check_duration("longest delay for a name", delays.longest, delays.first, max)?;
        Ok(Self { name_burst: burst, name_delays: delays, ..self })
    }

    /// Sets how long it takes until one attempt for a login name expires. Attempts expire one after the other. The
    /// default is 5 minutes.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is shorter than [`MIN_INTERVAL`](Self::MIN_INTERVAL) or longer than
    /// [`MAX_INTERVAL`](Self::MAX_INTERVAL).
    pub fn with_name_expiry(self, name_expiry: Duration) -> Result<Self, SettingError> {
        check_interval("time until an attempt expires", name_expiry)?;
        Ok(Self { name_expiry, ..self })
    }

    /// Sets how many addresses, and how many names, the throttle tracks. Beyond them it evicts the entry that would
    /// expire first. The default is 65,536 of each.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is 0 or more than [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub fn with_max_entries(self, entries: usize) -> Result<Self, SettingError> {
        SettingError::check_number("entries of the throttle", entries, 1, Self::MAX_ENTRIES)?;
        Ok(Self { entries, ..self })
    }
}

/// The delays after attempts for one login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers name both fields, so that they cannot swap them")]
pub struct NameDelays {
    /// The delay after the first attempt beyond the burst. It doubles with each further attempt.
    pub first: Duration,
    /// The longest delay.
    pub longest: Duration,
}

fn check_burst(setting: &'static str, burst: u32, min: usize) -> Result<(), SettingError> {
    let [burst, max] =
        [burst, ThrottleSettings::MAX_BURST].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    SettingError::check_number(setting, burst, min, max).map(|_checked| ())
}

fn check_interval(setting: &'static str, interval: Duration) -> Result<(), SettingError> {
    let (min, max) = (ThrottleSettings::MIN_INTERVAL, ThrottleSettings::MAX_INTERVAL);
    SettingError::check_duration(setting, interval, min, max).map(|_checked| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttle_settings_reject_values_out_of_bounds() {
        let settings = ThrottleSettings::default();
        let (second, longest) = (Duration::from_secs(1), ThrottleSettings::MAX_INTERVAL);
        let most = ThrottleSettings::MAX_BURST;
        assert!(settings.with_address_limit(most, longest).is_ok());
        for (burst, interval) in [(0, second), (most + 1, second), (1, Duration::ZERO), (1, longest + second)]
        {
            assert!(settings.with_address_limit(burst, interval).is_err(), "{burst} {interval:?}");
        }
        assert!(settings.with_name_limit(0, NameDelays { first: longest, longest }).is_ok());
        for (burst, first, longest) in [
            (most + 1, second, second),
            (5, Duration::ZERO, second),
            (5, second * 2, second),
            (5, second, longest + second),
        ] {
            assert!(
                settings.with_name_limit(burst, NameDelays { first, longest }).is_err(),
                "{burst} {first:?}"
            );
        }
        for name_expiry in [Duration::ZERO, longest + second] {
            assert!(settings.with_name_expiry(name_expiry).is_err(), "{name_expiry:?}");
        }
        for entries in [0, ThrottleSettings::MAX_ENTRIES + 1] {
            assert!(settings.with_max_entries(entries).is_err(), "{entries}");
        }
    }
}
