//! [`RefreshPolicy`]: the settings of refresh-token rotation.

use std::time::Duration;

use crate::support::SettingError;

/// The settings of refresh-token rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    grace_period: Duration,
    recovery_period: Duration,
    accept_newer: bool,
}

/// A grace period of 30 seconds, no recovery, and tokens that are newer than the store are accepted.
impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { grace_period: Duration::from_secs(30), recovery_period: Duration::ZERO, accept_newer: true }
    }
}

impl RefreshPolicy {
    /// The longest grace period: a minute.
    pub const MAX_GRACE_PERIOD: Duration = Duration::from_secs(60);
    /// The longest recovery period: a week.
    pub const MAX_RECOVERY_PERIOD: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Sets how long after a rotation the store gives the same answer again, for the current token and for the one
    /// before it. The default is 30 seconds.
    ///
    /// With a grace period of zero every token can be used once, as RFC 9700 §4.14.2 describes it. Two tabs of a
    /// browser that refresh at the same time then log their user out.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is longer than [`MAX_GRACE_PERIOD`](Self::MAX_GRACE_PERIOD).
    pub fn with_grace_period(self, grace_period: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_GRACE_PERIOD;
        SettingError::check_duration("grace period", grace_period, Duration::ZERO, max)?;
        Ok(Self { grace_period, ..self })
    }

    /// Sets how long after a rotation the previous token may still rotate the session, in place of its successor. The
    /// default is zero: never.
    ///
    /// This helps mobile clients that lose an answer and return hours later. An attacker with a copied token is then
    /// detected one refresh later.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is longer than [`MAX_RECOVERY_PERIOD`](Self::MAX_RECOVERY_PERIOD).
    pub fn with_recovery_period(self, recovery_period: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_RECOVERY_PERIOD;
        SettingError::check_duration("recovery period", recovery_period, Duration::ZERO, max)?;
        Ok(Self { recovery_period, ..self })
    }

    /// Treats a token that is newer than the store as stolen. By default, such a token rotates the session. After a
    /// failover that lost writes, this setting logs out every user who refreshed in that time.
    #[must_use]
    pub fn without_accepting_newer(self) -> Self {
        Self { accept_newer: false, ..self }
    }

    /// Returns how long after a rotation the store gives the same answer again.
    #[must_use]
    pub const fn grace_period(&self) -> Duration {
        self.grace_period
    }

    /// Returns how long after a rotation the previous token may rotate the session. Zero means never.
    #[must_use]
    pub const fn recovery_period(&self) -> Duration {
        self.recovery_period
    }

    /// Returns whether a token with a later generation than the store's is accepted.
    #[must_use]
    pub const fn accepts_newer(&self) -> bool {
        self.accept_newer
    }

    /// Makes the grace period at least `shortest`, also beyond the longest that can be set.
    pub(crate) fn with_grace_period_of_at_least(self, shortest: Duration) -> Self {
        Self { grace_period: self.grace_period.max(shortest), ..self }
    }
}
