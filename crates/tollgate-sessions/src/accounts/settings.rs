//! [`AccountSettings`]: what the operator chooses.

use std::time::Duration;

use super::error::NewPasswordError;
use crate::accounts::passwords::Password;

/// What the operator chooses about accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    minimum: usize,
    maximum: usize,
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) store_timeout: Duration,
}

/// Passwords of 8 characters to 1024 bytes (NIST SP 800-63B §3.1.1.2 asks for at least 8 to 64); new accounts have no scopes and no
/// roles.
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
    /// How many characters a new password has at least; at least one.
    #[must_use]
    pub fn with_minimum_length(self, characters: usize) -> Self {
        Self { minimum: characters.max(1), ..self }
    }

    /// How many bytes a new password has at most; not more than [`Password::MAX_BYTES`]. Passwords that were chosen before
    /// still work.
    #[must_use]
    pub fn with_maximum_length(self, bytes: usize) -> Self {
        Self { maximum: bytes.min(Password::MAX_BYTES), ..self }
    }

    /// Which scopes a new account has.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Which roles a new account has.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// How long to wait for the store.
    #[must_use]
    pub fn with_store_timeout(self, store_timeout: Duration) -> Self {
        Self { store_timeout, ..self }
    }

    /// Whether a password can be chosen.
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
