//! Errors of requests.

use std::fmt;
use std::time::Duration;

use super::{Excerpt, TokenError};
use crate::scope::ScopeSet;
use crate::step_up::StepUp;

/// The reason why a request was not admitted.
///
/// [`Rejection`](crate::Rejection) turns this into the response for the client. The details here are for logs,
/// metrics and tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no token. The challenge has no error code (RFC 6750 §3.1).
    #[error("no token was presented")]
    MissingToken,
    /// The credentials are malformed, or occur twice.
    #[error("malformed credentials")]
    InvalidRequest(#[source] RequestError),
    /// The token is invalid.
    #[error("token rejected")]
    InvalidToken(#[source] TokenError),
    /// The token is valid but does not grant enough.
    #[error("token does not grant enough: {refusal}")]
    InsufficientScope {
        /// The scopes that the policy requires, for the challenge.
        scopes: ScopeSet,
        /// What was refused to which party.
        refusal: Box<PolicyRefusal>,
    },
    /// The token grants enough, but the user has to authenticate again or in another way (RFC 9470).
    #[error("user authentication does not suffice: {refusal}")]
    InsufficientAuthentication {
        /// What the authentication has to achieve, for the challenge.
        step_up: Box<StepUp>,
        /// What was refused to which party.
        refusal: Box<PolicyRefusal>,
    },
    /// Another site may have caused the request, and the token is in a cookie or in the query.
    #[error("another site may have caused the request that carries the token")]
    CrossSite(#[source] CrossSiteError),
    /// The verification keys are unavailable. The response is 503.
    #[error("verification keys are unavailable")]
    KeysUnavailable(#[source] KeysUnavailable),
    /// The issuer of the token could not be looked up, so it is unknown whether to trust it. The response is 503.
    #[error("the issuer of the token could not be looked up")]
    IssuerUnavailable(#[source] KeysUnavailable),
    /// The revocation check is unavailable. The response is 503.
    #[error("revocation check is unavailable")]
    RevocationsUnavailable(#[source] RevocationsUnavailable),
    /// A handler asks for a verified token, but its route has no gate.
    #[error("this route has no gate; add the authentication layer")]
    NoGate,
}

/// A policy that a token does not meet, and the parties of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRefusal {
    /// The policy as text, such as `scope "orders"`.
    pub policy: Box<str>,
    /// The token's `sub`.
    pub subject: Option<Excerpt>,
    /// The `sub` of the party that acts on behalf of the subject, if there is one (RFC 8693 §4.1).
    pub actor: Option<Excerpt>,
}

impl PolicyRefusal {
    pub(crate) fn new(policy: String, subject: Option<&str>, actor: Option<&str>) -> Self {
        let [subject, actor] = [subject, actor].map(|party| party.map(Excerpt::new));
        Self { policy: policy.into(), subject, actor }
    }
}

impl fmt::Display for PolicyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} required", self.policy)?;
        match &self.subject {
            Some(subject) => write!(f, ", subject {subject}")?,
            None => f.write_str(", subject unknown")?,
        }
        self.actor.as_ref().map_or(Ok(()), |actor| write!(f, ", actor {actor}"))
    }
}

/// How the credentials of a request are malformed (RFC 6750 §3.1 `invalid_request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request carries tokens in more than one location (RFC 6750 §2).
    #[error("request carries more than one token")]
    SeveralSources,
    /// The header, cookie or parameter that carries the token occurs more than once.
    #[error("the {location} that carries the token occurs more than once")]
    Repeated {
        /// The kind of location, such as `cookie`.
        location: &'static str,
    },
    /// The value is not a `b64token` (RFC 6750 §2.1).
    #[error("the {location} does not hold exactly one b64token")]
    NotAToken {
        /// The kind of location, such as `cookie`.
        location: &'static str,
    },
}

/// The reason why a token in a cookie or in the query is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossSiteError {
    /// `Sec-Fetch-Site` says that another origin caused the request, or has an unknown value.
    #[error("Sec-Fetch-Site does not say same-origin or none")]
    FetchSite,
    /// The request has neither `Sec-Fetch-Site` nor `Origin`.
    #[error("Sec-Fetch-Site and Origin are both missing")]
    NoProvenance,
    /// The request has more than one `Origin`, `Sec-Fetch-Site` or `Host`.
    #[error("Origin, Sec-Fetch-Site or Host is repeated")]
    Repeated,
    /// `Origin` is `null`, or is not an origin.
    #[error("Origin is null or malformed")]
    MalformedOrigin,
    /// `Origin` is not the origin of this API.
    #[error("Origin is not the origin of this API")]
    OriginMismatch,
    /// `X-CSRF-Token` is missing or repeated.
    #[error("X-CSRF-Token is missing or repeated")]
    NoCsrfToken,
    /// `X-CSRF-Token` differs from the cookie, or was not made for this session.
    #[error("X-CSRF-Token does not belong to this session")]
    CsrfTokenMismatch,
}

/// The key source has no keys that are fresh enough to trust. The response is 503, never 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct KeysUnavailable {
    reason: Box<str>,
    retry_after: Duration,
}

impl KeysUnavailable {
    /// Creates the error from the reason for the log and the delay after which a retry makes sense.
    #[must_use]
    pub fn new(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self { reason: reason.into().into_boxed_str(), retry_after }
    }

    /// Returns the delay after which the client should retry.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// The revocation check is unavailable. The gate fails closed: the response is 503.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RevocationsUnavailable {
    reason: Box<str>,
    retry_after: Duration,
}

impl RevocationsUnavailable {
    /// Creates the error from the reason for the log and the delay after which a retry makes sense.
    #[must_use]
    pub fn new(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self { reason: reason.into().into_boxed_str(), retry_after }
    }

    /// Returns the delay after which the client should retry.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}
