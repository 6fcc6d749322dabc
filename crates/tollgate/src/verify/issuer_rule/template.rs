//! [`Template`]: issuers that differ in one value, which a claim repeats.

use std::fmt;
use std::sync::Arc;

use crate::claims::ClaimPath;
use crate::error::{ClaimError, ConfigError, Excerpt, TokenError};
use crate::grammar::identifier;

/// A template such as `https://login.microsoftonline.com/{tid}/v2.0`.
#[derive(Clone)]
pub(super) struct Template {
    before: Box<str>,
    /// The claim that repeats the value.
    claim: ClaimPath,
    after: Box<str>,
    accepts: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Template {
    pub(super) fn new(
        template: &str,
        accepts: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    ) -> Result<Self, ConfigError> {
        let malformed = || ConfigError::IssuerTemplate { template: template.into() };
        identifier("issuer template", template.into())?;
        let (before, rest) = template.split_once('{').ok_or_else(malformed)?;
        let (claim, after) = rest.split_once('}').ok_or_else(malformed)?;
        let is_plain = |text: &str| !text.contains(['{', '}']);
        if before.is_empty() || claim.is_empty() || ![before, claim, after].into_iter().all(is_plain) {
            return Err(malformed());
        }
        Ok(Self { before: before.into(), claim: ClaimPath::name(claim), after: after.into(), accepts })
    }

    /// Returns the value in `issuer`, when the template describes it.
    fn value_in<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let value = issuer.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        (!value.is_empty() && value.bytes().all(is_unreserved)).then_some(value)
    }

    /// Returns the value in `issuer`, when the template describes it and the operator accepts the value.
    pub(super) fn accepted_value_in<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        self.value_in(issuer).filter(|value| (self.accepts)(value))
    }

    /// Checks that `issuer` is described by the template, that its value is accepted, and that the claim repeats it.
    pub(super) fn check(&self, issuer: &str, payload: &str) -> Result<(), TokenError> {
        let Some(value) = self.accepted_value_in(issuer) else {
            return Err(TokenError::IssuerMismatch { found: Excerpt::new(issuer) });
        };
        let refuse = |error| Err(TokenError::claim(self.claim.to_string(), error));
        match self.claim.find(payload).map(|found| found.filter(|json| *json != "null")) {
            Ok(None) => refuse(ClaimError::Missing),
            Ok(Some(json)) => match serde_json::from_str::<String>(json) {
                Ok(found) if found == value => Ok(()),
                Ok(_) => refuse(ClaimError::WrongValue),
                Err(_) => refuse(ClaimError::WrongType),
            },
            Err(_not_on_the_way) => refuse(ClaimError::WrongType),
        }
    }

    /// Returns whether both templates could describe one issuer. May return `true` for templates that do not.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let starts_alike = self.before.starts_with(&*other.before) || other.before.starts_with(&*self.before);
        let ends_alike = self.after.ends_with(&*other.after) || other.after.ends_with(&*self.after);
        starts_alike && ends_alike
    }
}

/// Returns whether `byte` is an unreserved character of a URI (RFC 3986 §2.3), so that a value cannot reach into
/// another part of the issuer's URL.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, claim, after, .. } = self;
        write!(f, "{before}{{{claim}}}{after}")
    }
}
