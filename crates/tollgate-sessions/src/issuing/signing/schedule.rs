//! [`KeyRotationSchedule`]: when signing keys replace each other.

use std::time::Duration;

use crate::issuing::KeyRingError;

/// When keys replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRotationSchedule {
    /// How long a key signs.
    pub(super) every: Duration,
    /// How long it is published before.
    pub(super) publish_before: Duration,
    /// How long it stays published after.
    pub(super) keep_after: Duration,
}

/// Thirty days; published an hour before; kept for a day and ten minutes, which is longer than any access token is
/// accepted.
impl Default for KeyRotationSchedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30 * 24 * 3600),
            publish_before: Duration::from_secs(3600),
            keep_after: Duration::from_secs(24 * 3600 + 600),
        }
    }
}

impl KeyRotationSchedule {
    /// How long caches may keep the key set that [`SessionEndpoints`](crate::SessionEndpoints) serve.
    pub const KEY_SET_MAX_AGE: Duration = Duration::from_secs(900);
    /// The least time that a key is published before it signs: twice as long as caches may keep the key set without it.
    pub const MIN_PUBLISH_BEFORE: Duration = Self::KEY_SET_MAX_AGE.saturating_mul(2);
    /// The least time that a replaced key is kept: as long as a token of the usual ten minutes is accepted, with the longest
    /// leeway. [`TokenIssuer::with_lifetime`](crate::TokenIssuer::with_lifetime) asks for more where tokens live longer.
    pub const MIN_KEEP_AFTER: Duration = Duration::from_secs(900);

    /// Another schedule: how long a key signs, how long it is published before, and how long after.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`] when a key would have to be published before its predecessor signs,
    /// [`KeyRingError::PublishedTooLate`] and [`KeyRingError::KeptTooShort`] below [`MIN_PUBLISH_BEFORE`](Self::MIN_PUBLISH_BEFORE) and
    /// [`MIN_KEEP_AFTER`](Self::MIN_KEEP_AFTER): good tokens would be refused.
    pub fn new(
        every: Duration,
        publish_before: Duration,
        keep_after: Duration,
    ) -> Result<Self, KeyRingError> {
        if publish_before < Self::MIN_PUBLISH_BEFORE {
            return Err(KeyRingError::PublishedTooLate { secs: publish_before.as_secs() });
        }
        if keep_after < Self::MIN_KEEP_AFTER {
            return Err(KeyRingError::KeptTooShort { secs: keep_after.as_secs() });
        }
        Self::insecure_for_tests(every, publish_before, keep_after)
    }

    /// A schedule with any times, for tests that do not want to wait. In production it refuses good tokens: whoever has
    /// fetched the keys just before does not know the one that signs, and a key is gone before its last token has expired.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`], as [`new`](Self::new).
    pub fn insecure_for_tests(
        every: Duration,
        publish_before: Duration,
        keep_after: Duration,
    ) -> Result<Self, KeyRingError> {
        if every.as_secs() == 0 || publish_before >= every {
            return Err(KeyRingError::Schedule);
        }
        Ok(Self { every, publish_before, keep_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_bounded() {
        let of = |every, before, after| {
            let secs = Duration::from_secs;
            KeyRotationSchedule::new(secs(every), secs(before), secs(after))
        };
        assert!(of(3600, 1800, 900).is_ok());
        assert!(matches!(of(3600, 1799, 900), Err(KeyRingError::PublishedTooLate { secs: 1799 })));
        assert!(matches!(of(3600, 1800, 899), Err(KeyRingError::KeptTooShort { secs: 899 })));
        for every in [0, 1799, 1800] {
            assert!(matches!(of(every, 1800, 900), Err(KeyRingError::Schedule)), "{every}");
        }
        let KeyRotationSchedule { every, publish_before, keep_after } = KeyRotationSchedule::default();
        assert!(KeyRotationSchedule::new(every, publish_before, keep_after).is_ok());
        let second = Duration::from_secs(1);
        assert!(KeyRotationSchedule::insecure_for_tests(second * 2, second, second).is_ok());
        assert!(KeyRotationSchedule::insecure_for_tests(second, second, second).is_err());
    }
}
