//! [`SettingError`]: a setting outside its bounds.

use std::time::Duration;

/// A setting is outside its bounds. Settings are never clamped silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A duration is outside its bounds.
    #[error("{setting} is {value:?}, and must be between {min:?} and {max:?}")]
    Duration {
        /// The name of the setting.
        setting: &'static str,
        /// The value that was given.
        value: Duration,
        /// The smallest value allowed.
        min: Duration,
        /// The largest value allowed.
        max: Duration,
    },
    /// A number is outside its bounds.
    #[error("{setting} is {value}, and must be between {min} and {max}")]
    Number {
        /// The name of the setting.
        setting: &'static str,
        /// The value that was given.
        value: usize,
        /// The smallest value allowed.
        min: usize,
        /// The largest value allowed.
        max: usize,
    },
}

impl SettingError {
    /// Returns `value` if it is between `min` and `max`, both included.
    pub(crate) fn check_duration(
        setting: &'static str,
        value: Duration,
        min: Duration,
        max: Duration,
    ) -> Result<Duration, Self> {
        if (min..=max).contains(&value) {
            Ok(value)
        } else {
            Err(Self::Duration { setting, value, min, max })
        }
    }

    /// Returns `value` if it is between `min` and `max`, both included.
    pub(crate) fn check_number(
        setting: &'static str,
        value: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, Self> {
        if (min..=max).contains(&value) { Ok(value) } else { Err(Self::Number { setting, value, min, max }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_error_names_the_setting_and_its_bounds() {
        let second = Duration::from_secs;
        let checked = SettingError::check_duration("grace period", second(61), second(0), second(60));
        assert_eq!(checked.unwrap_err().to_string(), "grace period is 61s, and must be between 0ns and 60s");
        let checked = SettingError::check_number("threads", 0, 1, 64);
        assert_eq!(checked.unwrap_err().to_string(), "threads is 0, and must be between 1 and 64");
        assert_eq!(SettingError::check_number("threads", 64, 1, 64), Ok(64));
    }
}
