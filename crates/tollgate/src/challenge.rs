//! [`Challenge`]: the value of `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3).

use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::grammar::is_quotable;
use crate::metadata::ResourceMetadata;
use crate::scope::ScopeSet;
use crate::step_up::StepUp;

/// The registered error codes of RFC 6750 §3.1 and RFC 9470 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is malformed; the status is 400.
    InvalidRequest,
    /// The token is invalid; the status is 401.
    InvalidToken,
    /// The token does not grant enough; the status is 403.
    InsufficientScope,
    /// The user has to authenticate again or in another way; the status is 401 (RFC 9470 §3).
    InsufficientUserAuthentication,
}

impl ErrorCode {
    /// Returns the code as in the challenge.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
        }
    }
}

/// The parts that all challenges of a gate share: the realm, and the URL of the resource metadata (RFC 9728
/// §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protection {
    realm: Box<str>,
    metadata_url: Option<Box<str>>,
}

impl Default for Protection {
    fn default() -> Self {
        Self { realm: "api".into(), metadata_url: None }
    }
}

impl Protection {
    pub(crate) fn with_realm(&self, realm: Box<str>) -> Result<Self, ConfigError> {
        if !realm.bytes().all(is_quotable) {
            return Err(ConfigError::Text { what: "realm" });
        }
        Ok(Self { realm, metadata_url: self.metadata_url.clone() })
    }

    pub(crate) fn with_metadata(&self, metadata: &ResourceMetadata) -> Self {
        Self { realm: self.realm.clone(), metadata_url: Some(metadata.url().into()) }
    }
}

/// A challenge of the `Bearer` scheme. Its text is visible ASCII, so it can be the value of a header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    protection: Arc<Protection>,
    error: Option<ErrorCode>,
    scopes: ScopeSet,
    step_up: Option<Box<StepUp>>,
}

impl Challenge {
    /// Creates a challenge without an error code, for a request without credentials (RFC 6750 §3.1).
    pub(crate) fn bare(protection: &Arc<Protection>) -> Self {
        Self { protection: Arc::clone(protection), error: None, scopes: ScopeSet::new(), step_up: None }
    }

    pub(crate) fn error(protection: &Arc<Protection>, error: ErrorCode) -> Self {
        Self { error: Some(error), ..Self::bare(protection) }
    }

    pub(crate) fn with_scopes(self, scopes: ScopeSet) -> Self {
        Self { scopes, ..self }
    }

    pub(crate) fn with_step_up(self, step_up: Box<StepUp>) -> Self {
        Self { step_up: Some(step_up), ..self }
    }

    /// Returns the error code, if there is one.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.error
    }
}

/// Writes quoted parameters, separated by commas. Nothing needs escaping, because every part was checked when
/// it was created.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer realm=\"{}\"", self.protection.realm)?;
        if let Some(error) = self.error {
            write!(f, ", error=\"{}\"", error.as_str())?;
        }
        if !self.scopes.is_empty() {
            write!(f, ", scope=\"{}\"", self.scopes)?;
        }
        if let Some(step_up) = self.step_up.as_ref().filter(|step_up| ***step_up != StepUp::default()) {
            write!(f, ", {step_up}")?;
        }
        if let Some(url) = &self.protection.metadata_url {
            write!(f, ", resource_metadata=\"{url}\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn challenges_match_the_examples_of_the_rfc() {
        let protection = Protection::default();
        let challenge = |protection: &Protection, code| Challenge::error(&Arc::new(protection.clone()), code);
        assert_snapshot!(Challenge::bare(&Arc::new(protection.clone())), @r#"Bearer realm="api""#);
        let protection = protection.with_realm("orders, and 'more'".into()).unwrap();
        assert_snapshot!(
            challenge(&protection, ErrorCode::InvalidToken),
            @r#"Bearer realm="orders, and 'more'", error="invalid_token""#
        );
        let metadata = ResourceMetadata::new("https://api.example/v1").unwrap();
        let protection = protection.with_metadata(&metadata);
        let scopes = ["read:items", "write:items"].into_iter().collect();
        assert_snapshot!(
            challenge(&protection, ErrorCode::InsufficientScope).with_scopes(scopes),
            @r#"Bearer realm="orders, and 'more'", error="insufficient_scope", scope="read:items write:items", resource_metadata="https://api.example/.well-known/oauth-protected-resource/v1""#
        );
    }

    #[test]
    fn realm_is_rejected_when_it_needs_escaping() {
        for realm in ["a\"b", "a\\b", "a\r\nb", "ä", "a\tb", "\u{7f}"] {
            assert!(Protection::default().with_realm(realm.into()).is_err(), "{realm:?}");
        }
    }
}
