//! [`Rejection`]: what the client is told. The one place where an error becomes an answer.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::challenge::{Challenge, ErrorCode, Protection};
use crate::error::AuthError;

/// The answer to a request that was not admitted: status, header fields and an RFC 9457 body.
///
/// It depends on the kind of error only, so every bad token gets the same bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rejection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    error: AuthError,
    status: u16,
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
    detail: &'static str,
}

impl Rejection {
    /// Maps the error. Exhaustive on purpose: a new error has to be thought about here.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub(crate) fn new(error: AuthError, protection: &Arc<Protection>) -> Self {
        let refuse = |status, code| (status, Some(Challenge::error(protection, code)), None);
        let unavailable = |retry_after| (503, None, Some(retry_after));
        let (detail, (status, challenge, retry_after)) = match &error {
            // RFC 6750 §3.1: no error code when the request lacks any authentication information.
            AuthError::MissingToken => {
                ("an access token is required", (401, Some(Challenge::bare(protection)), None))
            }
            AuthError::InvalidRequest(_) => (
                "the credentials are malformed or were presented more than once",
                refuse(400, ErrorCode::InvalidRequest),
            ),
            AuthError::InvalidToken(_) => {
                ("the access token is not valid here", refuse(401, ErrorCode::InvalidToken))
            }
            AuthError::InsufficientScope { scopes } => {
                let (status, challenge, retry_after) = refuse(403, ErrorCode::InsufficientScope);
                let challenge = challenge.map(|challenge| challenge.with_scopes(scopes.clone()));
                ("the access token does not grant enough", (status, challenge, retry_after))
            }
            // No challenge: presenting other credentials would not help.
            AuthError::CrossSite(_) => {
                ("the request may have been caused by another site", (403, None, None))
            }
            AuthError::KeysUnavailable(error) => {
                ("tokens cannot be verified at present", unavailable(error.retry_after()))
            }
            AuthError::RevocationsUnavailable(error) => {
                ("tokens cannot be verified at present", unavailable(error.retry_after()))
            }
            AuthError::NoGate => ("the server is not set up correctly", (500, None, None)),
        };
        Self(Arc::new(Inner { error, status, challenge, retry_after, detail }))
    }

    /// The same, with the reason in the log.
    pub(crate) fn logged(error: AuthError, protection: &Arc<Protection>) -> Self {
        match &error {
            AuthError::MissingToken => tracing::debug!("request refused: no token presented"),
            AuthError::KeysUnavailable(_) | AuthError::RevocationsUnavailable(_) => {
                tracing::error!(cause = %Causes(&error), "request refused: cannot verify tokens");
            }
            _ => tracing::info!(cause = %Causes(&error), "request refused"),
        }
        Self::new(error, protection)
    }

    /// The answer where no gate stands in front of a route that asks for a verified token: 500, logged as an error.
    #[must_use]
    pub fn missing_gate() -> Self {
        tracing::error!(
            "a handler asks for a verified token, but no tollgate layer stands in front of it: add the layer to this route"
        );
        Self::new(AuthError::NoGate, &Arc::default())
    }

    /// Why the request was not admitted. For the log, never for the client.
    #[must_use]
    pub fn error(&self) -> &AuthError {
        &self.0.error
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The challenge, for 400, 401 and 403.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.0.challenge.as_ref()
    }

    /// The header fields that the answer has whatever its body is, names in lower case, values visible ASCII.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> + '_ {
        let challenge = self.challenge().map(|challenge| ("www-authenticate", challenge.to_string().into()));
        let retry_after =
            self.0.retry_after.map(|after| ("retry-after", after.as_secs().max(1).to_string().into()));
        let fixed = ("cache-control", Cow::Borrowed("no-store"));
        challenge.into_iter().chain(retry_after).chain([fixed])
    }

    /// The media type of [`body`](Self::body) (RFC 9457 §3).
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// Problem details (RFC 9457). The OAuth error code, if there is one, is its member `error`.
    #[must_use]
    pub fn body(&self) -> String {
        let problem = Problem {
            kind: "about:blank",
            title: reason_phrase(self.status()),
            status: self.status(),
            detail: self.0.detail,
            error: self.challenge().and_then(Challenge::error_code).map(ErrorCode::as_str),
        };
        // Strings and a number always have a JSON form.
        serde_json::to_string(&problem).unwrap_or_default()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request answered with {}", self.status())
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.error)
    }
}

/// An error with all its causes, on one line.
struct Causes<'a>(&'a AuthError);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// RFC 9457 §4.2.1: with `about:blank` the title is the status phrase.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
        let error =
            AuthError::InvalidToken(crate::error::TokenError::Header(crate::error::HeaderError::Critical));
        assert_eq!(
            Causes(&error).to_string(),
            "token refused: header refused: `crit` asks for extensions that are not understood"
        );
    }
}
