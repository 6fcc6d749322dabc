//! [`AccountSettings`]: the settings of [`Accounts`](super::Accounts).

use std::time::Duration;

use super::error::NewPasswordError;
use crate::accounts::passwords::Password;
use crate::support::SettingError;

/// The settings of [`Accounts`](super::Accounts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    minimum: usize,
    maximum: usize,
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) store_timeout: Duration,
}

/// New passwords have 8 characters to 1024 bytes (NIST SP 800-63B §3.1.1.2 asks for a minimum of 8, and for at
/// least 64 to be allowed). New accounts have no scopes and no roles. The store has two seconds to answer.
impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            minimum: 8,
            maximum: Password::MAX_BYTES,
            scopes: Vec::new(),
            roles: Vec::new(),
            store_timeout: Duration::from_secs(2),
        }
    }
}

impl AccountSettings {
    /// The longest time that a store may have to answer: 30 seconds.
    pub const MAX_STORE_TIMEOUT: Duration = Duration::from_secs(30);

    /// Sets how many characters a new password must have at least. Existing passwords stay valid. The default is 8.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is 0 or more than the maximum length.
    pub fn with_minimum_length(self, characters: usize) -> Result<Self, SettingError> {
        SettingError::check_number("minimum password length", characters, 1, self.maximum)?;
        Ok(Self { minimum: characters, ..self })
    }

    /// Sets how many bytes a new password may have at most. Existing passwords stay valid. The default is 1024.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is less than the minimum length or more than [`Password::MAX_BYTES`].
    pub fn with_maximum_length(self, bytes: usize) -> Result<Self, SettingError> {
        SettingError::check_number("maximum password length", bytes, self.minimum, Password::MAX_BYTES)?;
        Ok(Self { maximum: bytes, ..self })
    }

    /// Adds scopes that a new account has.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Adds roles that a new account has.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Sets how long the store has to answer a call. The default is two seconds.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is shorter than a millisecond or longer than
    /// [`MAX_STORE_TIMEOUT`](Self::MAX_STORE_TIMEOUT).
    pub fn with_store_timeout(self, store_timeout: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_STORE_TIMEOUT;
        SettingError::check_duration("store timeout", store_timeout, Duration::from_millis(1), max)?;
        Ok(Self { store_timeout, ..self })
    }

    /// Checks the length of a new password.
    pub(super) fn accepts(&self, password: &Password) -> Result<(), NewPasswordError> {
        let text = password.expose();
        if text.chars().count() < self.minimum {
            return Err(NewPasswordError::TooShort { minimum: self.minimum });
        }
        if text.len() > self.maximum {
            return Err(NewPasswordError::TooLong { maximum: self.maximum });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_settings_reject_values_out_of_bounds() {
        let settings = AccountSettings::default;
        assert!(settings().with_minimum_length(0).is_err());
        assert!(settings().with_minimum_length(Password::MAX_BYTES + 1).is_err());
        assert!(settings().with_maximum_length(7).is_err(), "shorter than the minimum");
        assert!(settings().with_maximum_length(Password::MAX_BYTES + 1).is_err());
        let narrow = settings().with_maximum_length(64).unwrap().with_minimum_length(64).unwrap();
        assert!(narrow.with_minimum_length(65).is_err(), "longer than the maximum");
        for timeout in [Duration::ZERO, AccountSettings::MAX_STORE_TIMEOUT * 2] {
            assert!(settings().with_store_timeout(timeout).is_err(), "{timeout:?}");
        }
        assert!(settings().with_store_timeout(AccountSettings::MAX_STORE_TIMEOUT).is_ok());
    }
}
