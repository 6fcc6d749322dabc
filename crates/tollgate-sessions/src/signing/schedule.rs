//! [`RotationSchedule`]: when signing keys replace each other.

use std::time::Duration;

use crate::error::KeyRingError;

/// When keys replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationSchedule {
    /// How long a key signs.
    pub every: Duration,
    /// How long it is published before.
    pub publish_before: Duration,
    /// How long it stays published after.
    pub keep_after: Duration,
}

/// Thirty days; published an hour before; kept for a day and ten minutes, which is longer than any access token is
/// accepted.
impl Default for RotationSchedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30 * 24 * 3600),
            publish_before: Duration::from_secs(3600),
            keep_after: Duration::from_secs(24 * 3600 + 600),
        }
    }
}

impl RotationSchedule {
    /// Another schedule. `publish_before` has to be twice as long as others may cache the key set, `keep_after` as long as a
    /// token is accepted, leeway included.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`] when a key would have to be published before its predecessor signs.
    pub fn new(
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
