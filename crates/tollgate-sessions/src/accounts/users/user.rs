//! [`User`]: somebody with an account.

use super::login_name::LoginName;
use crate::accounts::passwords::PasswordHash;

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct User {
    /// Names the account in tokens and sessions, and never changes.
    pub subject: Box<str>,
    /// What the user logs in with.
    pub login: LoginName,
    /// What access tokens grant.
    pub scopes: Vec<String>,
    /// What access tokens say the user is.
    pub roles: Vec<String>,
    /// Whether the user may log in, and renew sessions.
    pub enabled: bool,
}

/// A user, and what a password is compared with.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it")]
pub struct StoredCredential {
    /// The user.
    pub user: User,
    /// The hash of the password; `None` for a user who has none, and logs in some other way.
    pub hash: Option<PasswordHash>,
}

/// A user to be added.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate read it")]
pub struct NewUser {
    /// The user.
    pub user: User,
    /// The hash of the password, if there is one.
    pub hash: Option<PasswordHash>,
}

impl NewUser {
    /// A user without scopes, roles and password, who may log in once there is one.
    pub fn new(subject: impl Into<Box<str>>, login: LoginName) -> Self {
        let subject = subject.into();
        Self {
            user: User { subject, login, scopes: Vec::new(), roles: Vec::new(), enabled: true },
            hash: None,
        }
    }

    /// Who has this password.
    #[must_use]
    pub fn with_hash(self, hash: PasswordHash) -> Self {
        Self { hash: Some(hash), ..self }
    }

    /// Grants these scopes.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.user.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Grants these roles.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.user.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Who may not log in yet.
    #[must_use]
    pub fn with_disabled(mut self) -> Self {
        self.user.enabled = false;
        self
    }
}
