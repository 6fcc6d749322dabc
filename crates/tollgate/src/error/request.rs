//! Why a request was not admitted.

use std::time::Duration;

use super::TokenError;
use crate::scope::ScopeSet;

/// Why a request was not admitted.
///
/// [`Rejection`](crate::Rejection) turns this into what the client is told, in one place; the details here are for
/// the log, for metrics and for tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Nothing was presented (RFC 6750 §3.1: a challenge without an error code).
    #[error("no token was presented")]
    MissingToken,
    /// Credentials were malformed or presented twice.
    #[error("malformed credentials")]
    InvalidRequest(#[source] RequestError),
    /// The token is bad.
    #[error("token refused")]
    InvalidToken(#[source] TokenError),
    /// The token is good but does not grant enough.
    #[error("token does not grant enough")]
    InsufficientScope {
        /// The scopes that the policy names, for the challenge.
        scopes: ScopeSet,
    },
    /// A cookie-borne token on a request that another site may have caused.
    #[error("cookie-borne token on a request that another site may have caused")]
    CrossSite(#[source] CrossSiteError),
    /// Keys cannot be had at present.
    #[error("keys cannot be had at present")]
    KeysUnavailable(#[source] KeysUnavailable),
    /// It cannot be told at present whether the token was revoked.
    #[error("revocations cannot be checked at present")]
    RevocationsUnavailable(#[source] RevocationsUnavailable),
    /// A handler asks for a verified token, but no gate stands in front of it.
    #[error("no gate stands in front of this route; add the authentication layer")]
    NoGate,
}

/// How the credentials of a request are malformed (RFC 6750 §3.1 `invalid_request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Tokens in more than one place (RFC 6750 §2).
    #[error("tokens were presented in more than one way")]
    SeveralSources,
    /// A field, cookie or parameter that carries a token occurs more than once.
    #[error("the {location} that carries the token occurs more than once")]
    Repeated {
        /// Where.
        location: &'static str,
    },
    /// Not `b64token` (RFC 6750 §2.1).
    #[error("the {location} does not hold one b64token")]
    NotAToken {
        /// Where.
        location: &'static str,
    },
}

/// What speaks against a cookie-borne token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossSiteError {
    /// `Sec-Fetch-Site` says that another origin caused the request, or says something unknown.
    #[error("Sec-Fetch-Site does not say same-origin or none")]
    FetchSite,
    /// Neither `Sec-Fetch-Site` nor `Origin` is there.
    #[error("neither Sec-Fetch-Site nor Origin says where the request comes from")]
    NoProvenance,
    /// More than one `Origin`, `Sec-Fetch-Site` or `Host`.
    #[error("a field that says where the request comes from is repeated")]
    Repeated,
    /// `Origin` is `null` or not an origin.
    #[error("Origin is null or malformed")]
    MalformedOrigin,
    /// `Origin` is another origin than this one.
    #[error("Origin is not this origin")]
    OriginMismatch,
    /// `X-CSRF-Token` is not there, or repeated.
    #[error("X-CSRF-Token is not there once")]
    NoCsrfToken,
    /// `X-CSRF-Token` is not the cookie, or was not made for this session.
    #[error("X-CSRF-Token is not that of this session")]
    CsrfTokenMismatch,
}

/// The key source has no keys that it may still vouch for. Answered with 503, never with 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct KeysUnavailable {
    reason: Box<str>,
    retry_after: Duration,
}

impl KeysUnavailable {
    /// Why there are no keys, and when to ask again.
    #[must_use]
    pub fn new(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self { reason: reason.into().into_boxed_str(), retry_after }
    }

    /// When asking again makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// The revocation check cannot be made at present. Answered with 503: it fails closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RevocationsUnavailable {
    reason: Box<str>,
    retry_after: Duration,
}

impl RevocationsUnavailable {
    /// Why the check cannot be made, and when to ask again.
    #[must_use]
    pub fn new(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self { reason: reason.into().into_boxed_str(), retry_after }
    }

    /// When asking again makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}
