//! [`AccessToken`]: the content of an access token, before it is signed.

use serde::Serialize;
use serde_json::{Map, Value};

use super::IssueError;
use super::secret_names;
use crate::session::SessionInfo;

/// The content of an access token, before a [`TokenIssuer`](crate::TokenIssuer) signs it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    subject: Box<str>,
    client_id: ClientId,
    scopes: Vec<String>,
    roles: Vec<String>,
    extra: Map<String, Value>,
}

impl AccessToken {
    /// Makes a token for a subject (the `sub` claim) and a client.
    pub fn new(subject: impl Into<Box<str>>, client_id: ClientId) -> Self {
        let subject = subject.into();
        Self { subject, client_id, scopes: Vec::new(), roles: Vec::new(), extra: Map::new() }
    }

    /// Makes a token of a session, for its subject and with the claims `sid`, `sep` and `auth_time`. A gate
    /// that checks [`RevokedSessions`](crate::RevokedSessions) rejects the token once the session is revoked.
    #[must_use]
    pub fn of_session(session: &SessionInfo, client_id: ClientId) -> Self {
        let mut token = Self::new(session.subject.clone(), client_id);
        token.extra.insert("sid".to_owned(), session.session.to_string().into());
        token.extra.insert("sep".to_owned(), session.epoch.into());
        token.extra.insert("auth_time".to_owned(), session.created_at.to_unix_time().as_secs().into());
        token
    }

    /// Adds scopes to the `scope` claim.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Adds roles to the `roles` claim.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// [`IssueError::ReservedClaim`] for a claim that the issuer sets; [`IssueError::SecretClaim`] for a claim
    /// whose name, or the name of a member inside, suggests a secret; [`IssueError::Claim`] for a value that
    /// cannot be serialized to JSON.
    ///
    /// # Security
    /// Every holder of the token can read its claims. Do not put secrets into a claim.
    pub fn with_claim(self, name: &str, value: impl Serialize) -> Result<Self, IssueError> {
        let value = to_json(name, value)?;
        if let Some(found) = secret_names::find(name, &value) {
            return Err(IssueError::SecretClaim { name: found.into() });
        }
        self.insert(name, value)
    }

    /// Adds a claim whose name suggests a secret, but which is not secret.
    ///
    /// # Errors
    /// The same as for [`with_claim`](Self::with_claim), except [`IssueError::SecretClaim`].
    pub fn with_sensitive_claim(self, name: &str, value: impl Serialize) -> Result<Self, IssueError> {
        let value = to_json(name, value)?;
        self.insert(name, value)
    }

    /// Returns the claims, without those that only the issuer can set.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let mut claims = self.extra.clone();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("sub", (*self.subject).into());
        set("client_id", (*self.client_id.0).into());
        if !self.scopes.is_empty() {
            set("scope", self.scopes.join(" ").into());
        }
        if !self.roles.is_empty() {
            set("roles", self.roles.clone().into());
        }
        claims
    }

    fn insert(mut self, name: &str, value: Value) -> Result<Self, IssueError> {
        if RESERVED.contains(&name) {
            return Err(IssueError::ReservedClaim { name: name.into() });
        }
        self.extra.insert(name.to_owned(), value);
        Ok(self)
    }
}

/// The client that an access token is for: its `client_id` claim (RFC 9068 §2.2).
///
/// A type of its own, so that no caller can swap it with the subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(Box<str>);

impl ClientId {
    /// Makes a client ID.
    pub fn new(client_id: impl Into<Box<str>>) -> Self {
        Self(client_id.into())
    }

    /// Returns the client ID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn to_json(name: &str, value: impl Serialize) -> Result<Value, IssueError> {
    serde_json::to_value(value).map_err(|_cause| IssueError::Claim { name: name.into() })
}

/// Claims that an application cannot set.
pub(super) const RESERVED: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "roles",
    "sid",
    "sep",
    "auth_time",
];
