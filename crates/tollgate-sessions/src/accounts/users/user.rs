//! [`User`]: a user with an account.

use super::login_name::LoginName;
use crate::accounts::passwords::PasswordHash;

/// A user with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The subject of the user in tokens and sessions. It never changes.
    pub subject: Box<str>,
    /// The name that the user logs in with.
    pub login: LoginName,
    /// The scopes that access tokens grant to the user.
    pub scopes: Vec<String>,
    /// The roles of the user in access tokens.
    pub roles: Vec<String>,
    /// Whether the user may log in and refresh sessions.
    pub enabled: bool,
}

impl User {
    /// Returns a disabled user without scopes and roles, for a store that then sets the fields from its row. If the
    /// store leaves a field unset, it thus grants too little, and never too much.
    pub fn new(subject: impl Into<Box<str>>, login: LoginName) -> Self {
        Self { subject: subject.into(), login, scopes: Vec::new(), roles: Vec::new(), enabled: false }
    }

    /// Adds scopes that access tokens grant to the user.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Adds roles of the user.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }
}

/// A user, and the hash that a password is verified against.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredCredential {
    /// The user itself, without its password.
    pub user: User,
    /// The hash of the password. `None` for a user without a password, who logs in some other way.
    pub hash: Option<PasswordHash>,
}

impl StoredCredential {
    /// Returns what a store has found.
    #[must_use]
    pub fn new(user: User, hash: Option<PasswordHash>) -> Self {
        Self { user, hash }
    }
}

/// A user to add to a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewUser {
    /// The user itself, without its password.
    pub user: User,
    /// The hash of the password. `None` for a user without a password.
    pub hash: Option<PasswordHash>,
}

impl NewUser {
    /// Returns an enabled user without scopes, roles and password. The user cannot log in without a password.
    pub fn new(subject: impl Into<Box<str>>, login: LoginName) -> Self {
        let mut user = User::new(subject, login);
        user.enabled = true;
        Self { user, hash: None }
    }

    /// Sets the hash of the password.
    #[must_use]
    pub fn with_hash(self, hash: PasswordHash) -> Self {
        Self { hash: Some(hash), ..self }
    }

    /// Adds scopes that access tokens grant to the user.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        Self { user: self.user.with_scopes(scopes), ..self }
    }

    /// Adds roles of the user.
    #[must_use]
    pub fn with_roles<S: Into<String>>(self, roles: impl IntoIterator<Item = S>) -> Self {
        Self { user: self.user.with_roles(roles), ..self }
    }

    /// Disables the user until the application enables it.
    #[must_use]
    pub fn with_disabled(mut self) -> Self {
        self.user.enabled = false;
        self
    }
}
