//! [`KeyRotationSchedule`]: when the signing keys of a ring rotate.

use std::time::Duration;

use crate::issuing::KeyRingError;

/// When the signing keys of a [`KeyRing`](crate::KeyRing) rotate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRotationSchedule(KeyRotationTimes);

/// The three durations of a [`KeyRotationSchedule`], by name, so that no caller can swap them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers name the fields")]
pub struct KeyRotationTimes {
    /// How long a key signs. The default is thirty days.
    pub rotate_every: Duration,
    /// How long a key is published before it signs. The default is an hour.
    pub publish_before: Duration,
    /// How long a replaced key stays published. The default is a day and ten minutes.
    pub keep_after: Duration,
}

/// A key signs for thirty days. It is published an hour before, and for a day and ten minutes after, which is
/// longer than verifiers accept any access token.
impl Default for KeyRotationTimes {
    fn default() -> Self {
        Self {
            rotate_every: Duration::from_secs(30 * 24 * 3600),
            publish_before: Duration::from_secs(3600),
            keep_after: Duration::from_secs(24 * 3600 + 600),
        }
    }
}

impl KeyRotationSchedule {
    /// How long caches may keep the key set that [`SessionEndpoints`](crate::SessionEndpoints) serve.
    pub const KEY_SET_MAX_AGE: Duration = Duration::from_secs(900);
    /// The shortest time that a key must be published before it signs: twice the time that caches may keep a
    /// key set without the key.
    pub const MIN_PUBLISH_BEFORE: Duration = Self::KEY_SET_MAX_AGE.saturating_mul(2);
    /// The shortest time that a replaced key must stay published: the default lifetime of access tokens, ten
    /// minutes, with the longest leeway. For a longer lifetime,
    /// [`TokenIssuer::with_lifetime`](crate::TokenIssuer::with_lifetime) requires more.
    pub const MIN_KEEP_AFTER: Duration = Duration::from_secs(900);

    /// Makes a schedule.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`] when `rotate_every` is not longer than `publish_before`;
    /// [`KeyRingError::PublishedTooLate`] when `publish_before` is shorter than
    /// [`MIN_PUBLISH_BEFORE`](Self::MIN_PUBLISH_BEFORE), and [`KeyRingError::KeptTooShort`] when `keep_after`
    /// is shorter than [`MIN_KEEP_AFTER`](Self::MIN_KEEP_AFTER): verifiers would reject valid tokens.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use tollgate_sessions::issuing::{KeyRotationSchedule, KeyRotationTimes};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let week = Duration::from_secs(7 * 24 * 3600);
    /// let schedule = KeyRotationSchedule::new(KeyRotationTimes { rotate_every: week, ..Default::default() })?;
    /// assert_eq!(schedule.times().publish_before, Duration::from_secs(3600));
    /// # Ok(()) }
    /// ```
    pub fn new(times: KeyRotationTimes) -> Result<Self, KeyRingError> {
        if times.publish_before < Self::MIN_PUBLISH_BEFORE {
            return Err(KeyRingError::PublishedTooLate {
                secs: times.publish_before.as_secs(),
                min: Self::MIN_PUBLISH_BEFORE.as_secs(),
            });
        }
        if times.keep_after < Self::MIN_KEEP_AFTER {
            return Err(KeyRingError::KeptTooShort {
                secs: times.keep_after.as_secs(),
                min: Self::MIN_KEEP_AFTER.as_secs(),
            });
        }
        Self::insecure_for_tests(times)
    }

    /// Makes a schedule with short durations, for tests that do not wait.
    ///
    /// In production, verifiers would reject valid tokens: a verifier that has fetched the key set just before
    /// does not have the key that signs, and a key is removed before its last token has expired.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`] when `rotate_every` is shorter than a second, or not longer than
    /// `publish_before`.
    pub fn insecure_for_tests(times: KeyRotationTimes) -> Result<Self, KeyRingError> {
        if times.rotate_every.as_secs() == 0 || times.publish_before >= times.rotate_every {
            return Err(KeyRingError::Schedule);
        }
        Ok(Self(times))
    }

    /// Returns the durations of the schedule.
    #[must_use]
    pub const fn times(&self) -> KeyRotationTimes {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_rejects_durations_out_of_bounds() {
        let new = |rotate_every, publish_before, keep_after| {
            let [rotate_every, publish_before, keep_after] =
                [rotate_every, publish_before, keep_after].map(Duration::from_secs);
            KeyRotationSchedule::new(KeyRotationTimes { rotate_every, publish_before, keep_after })
        };
        assert!(new(3600, 1800, 900).is_ok());
        assert!(matches!(
            new(3600, 1799, 900),
            Err(KeyRingError::PublishedTooLate { secs: 1799, min: 1800 })
        ));
        assert!(matches!(new(3600, 1800, 899), Err(KeyRingError::KeptTooShort { secs: 899, min: 900 })));
        for every in [0, 1799, 1800] {
            assert!(matches!(new(every, 1800, 900), Err(KeyRingError::Schedule)), "{every}");
        }
        assert!(KeyRotationSchedule::new(KeyRotationSchedule::default().times()).is_ok());
        let second = Duration::from_secs(1);
        let short = |rotate_every| {
            let times = KeyRotationTimes { rotate_every, publish_before: second, keep_after: second };
            KeyRotationSchedule::insecure_for_tests(times)
        };
        assert!(short(second * 2).is_ok());
        assert!(short(second).is_err());
        let late = new(3600, 60, 900).unwrap_err().to_string();
        assert_eq!(late, "`publish_before` is 60 s, and must be at least 1800 s");
    }
}
