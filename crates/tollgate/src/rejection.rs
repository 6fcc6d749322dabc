//! [`Rejection`]: the response to a request that a gate does not admit. No other module maps errors to responses.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::challenge::{Challenge, ErrorCode, Protection};
use crate::error::{AuthError, ConfigError, CrossSiteError, Excerpt};
use crate::metadata::ResourceMetadata;
use crate::problem::{ProblemDetails, ProblemType};
use crate::rejection_body::RejectionBody;

/// The response to a request that was not admitted: status, header fields and body.
///
/// The response depends only on the kind of error, so all invalid tokens get the same bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rejection(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    error: AuthError,
    status: u16,
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
    /// The type of the problem details; `None` for `about:blank`.
    kind: Option<ProblemType>,
    detail: &'static str,
    /// The body, when the gate replaces the default one.
    body: Option<RejectionBody>,
    grpc: bool,
}

/// How a gate rejects requests: the contents of its challenges, and the body of rejections.
#[derive(Clone, Default)]
pub(crate) struct RejectionStyle {
    protection: Arc<Protection>,
    /// Makes the body of a rejection; `None` for problem details.
    body: Option<Arc<MakeBody>>,
    /// Whether gRPC requests get a response of their protocol.
    grpc: bool,
}

type MakeBody = dyn Fn(&Rejection) -> RejectionBody + Send + Sync;

impl RejectionStyle {
    pub(crate) fn with_realm(&self, realm: Box<str>) -> Result<Self, ConfigError> {
        Ok(Self { protection: Arc::new(self.protection.with_realm(realm)?), ..self.clone() })
    }

    pub(crate) fn with_metadata(&self, metadata: &ResourceMetadata) -> Self {
        Self { protection: Arc::new(self.protection.with_metadata(metadata)), ..self.clone() }
    }

    pub(crate) fn with_body(&self, body: Arc<MakeBody>) -> Self {
        Self { body: Some(body), ..self.clone() }
    }

    pub(crate) fn with_grpc(&self) -> Self {
        Self { grpc: true, ..self.clone() }
    }
}

impl fmt::Debug for RejectionStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = if self.body.is_some() { "custom" } else { "problem details" };
        f.debug_struct("RejectionStyle").field("protection", &self.protection).field("body", &body).finish()
    }
}

impl Rejection {
    /// Maps the error to a response. Exhaustive on purpose, so that each new error gets its response here.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub(crate) fn new(error: AuthError, style: &RejectionStyle) -> Self {
        let refuse = |status, code| (status, Some(Challenge::error(&style.protection, code)), None);
        let unavailable = |retry_after| (503, None, Some(retry_after));
        let (detail, (status, challenge, retry_after)) = match &error {
            // RFC 6750 §3.1: no error code when the request lacks any authentication information.
            AuthError::MissingToken => {
                ("an access token is required", (401, Some(Challenge::bare(&style.protection)), None))
            }
            AuthError::InvalidRequest(_) => (
                "the credentials are malformed or were presented more than once",
                refuse(400, ErrorCode::InvalidRequest),
            ),
            AuthError::InvalidToken(_) => {
                ("the access token is not valid here", refuse(401, ErrorCode::InvalidToken))
            }
            AuthError::InsufficientScope { scopes, .. } => {
                let (status, challenge, retry_after) = refuse(403, ErrorCode::InsufficientScope);
                let challenge = challenge.map(|challenge| challenge.with_scopes(scopes.clone()));
                ("the access token does not grant enough", (status, challenge, retry_after))
            }
            AuthError::InsufficientAuthentication { step_up, .. } => {
                let (status, challenge, retry_after) = refuse(401, ErrorCode::InsufficientUserAuthentication);
                let challenge = challenge.map(|challenge| challenge.with_step_up(step_up.clone()));
                ("the user has to authenticate again or in another way", (status, challenge, retry_after))
            }
            // No challenge: presenting other credentials would not help.
            AuthError::CrossSite(_) => {
                ("the request may have been caused by another site", (403, None, None))
            }
            AuthError::KeysUnavailable(error) => {
                ("tokens cannot be verified at present", unavailable(error.retry_after()))
            }
            AuthError::IssuerUnavailable(error) => {
                ("tokens cannot be verified at present", unavailable(error.retry_after()))
            }
            AuthError::RevocationsUnavailable(error) => {
                ("tokens cannot be verified at present", unavailable(error.retry_after()))
            }
            AuthError::NoGate => ("the server is not set up correctly", (500, None, None)),
        };
        let kind = problem_type(&error);
        let mut inner = Arc::new(Inner {
            error,
            status,
            challenge,
            retry_after,
            kind,
            detail,
            body: None,
            grpc: style.grpc,
        });
        if let Some(make) = &style.body {
            let body = make(&Self(Arc::clone(&inner)));
            Arc::make_mut(&mut inner).body = Some(body);
        }
        Self(inner)
    }

    /// Creates a rejection as [`new`](Self::new) does, and logs the reason and the path of the request, if it is known.
    pub(crate) fn logged(error: AuthError, style: &RejectionStyle, path: Option<&str>) -> Self {
        let path = path.map(Excerpt::new);
        let path = path.as_ref().map(tracing::field::display);
        match &error {
            AuthError::MissingToken => tracing::debug!(path, "request rejected: no token presented"),
            AuthError::KeysUnavailable(_) | AuthError::RevocationsUnavailable(_) => {
                tracing::error!(path, cause = %Causes(&error), "request rejected: cannot verify tokens");
            }
            _ => tracing::info!(path, cause = %Causes(&error), "request rejected"),
        }
        Self::new(error, style)
    }

    /// Creates the rejection for a route that needs a verified token but has no gate in front of it: 500,
    /// logged as an error.
    #[must_use]
    pub fn missing_gate() -> Self {
        tracing::error!(
            "a handler asks for a verified token, but its route has no tollgate layer; add the layer to this route"
        );
        Self::new(AuthError::NoGate, &RejectionStyle::default())
    }

    /// Returns why the request was not admitted. For the log, never for the client.
    #[must_use]
    pub fn error(&self) -> &AuthError {
        &self.0.error
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns the challenge, for 400, 401 and 403.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.0.challenge.as_ref()
    }

    /// Returns how long the client should wait before it tries again, for 503: whole seconds, at least one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after.map(|after| Duration::from_secs(after.as_secs().max(1)))
    }

    /// Returns the explanation for people, one sentence for each kind of error. The member `detail` of the
    /// [problem details](Self::problem_details) has the same text.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        self.0.detail
    }

    /// Returns whether an adapter answers a gRPC request in its protocol, with the HTTP status 200. See
    /// [`Gate::with_grpc_rejections`](crate::Gate::with_grpc_rejections).
    #[must_use]
    pub fn allows_grpc(&self) -> bool {
        self.0.grpc
    }

    /// Returns the header fields of the response, apart from `Content-Type`. Names are in lower case, and values are
    /// visible ASCII.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> + '_ {
        let challenge = self.challenge().map(|challenge| ("www-authenticate", challenge.to_string().into()));
        let retry_after = self.retry_after().map(|after| ("retry-after", after.as_secs().to_string().into()));
        let fixed = ("cache-control", Cow::Borrowed("no-store"));
        challenge.into_iter().chain(retry_after).chain([fixed])
    }

    /// Returns the body: problem details (RFC 9457) with the OAuth error code, if there is one, as the member
    /// `error`, unless the gate has [another body](crate::Gate::with_rejection_body).
    #[must_use]
    pub fn body(&self) -> RejectionBody {
        if let Some(body) = &self.0.body {
            return body.clone();
        }
        RejectionBody::problem(&self.problem_details())
    }

    /// Returns the problem details of this rejection, which are its default body.
    #[must_use]
    pub fn problem_details(&self) -> ProblemDetails<'static> {
        let problem = match self.0.kind {
            Some(kind) => ProblemDetails::of_type(kind, self.0.detail),
            None => ProblemDetails::new(self.status(), self.0.detail),
        };
        match self.challenge().and_then(Challenge::error_code) {
            Some(code) => problem.with_error(code.as_str()),
            None => problem,
        }
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

/// Returns the type of a problem, if a client could do more about it than the status says. All invalid tokens have the
/// same type.
#[deny(clippy::wildcard_enum_match_arm)]
const fn problem_type(error: &AuthError) -> Option<ProblemType> {
    Some(match error {
        // Without a token, the status and the challenge say all. A missing gate is no concern of the client.
        AuthError::MissingToken | AuthError::NoGate => return None,
        AuthError::InvalidRequest(_) => ProblemType::MALFORMED_CREDENTIALS,
        AuthError::InvalidToken(_) => ProblemType::INVALID_TOKEN,
        AuthError::InsufficientScope { .. } => ProblemType::INSUFFICIENT_SCOPE,
        AuthError::InsufficientAuthentication { .. } => ProblemType::INSUFFICIENT_USER_AUTHENTICATION,
        AuthError::CrossSite(CrossSiteError::NoCsrfToken | CrossSiteError::CsrfTokenMismatch) => {
            ProblemType::ANTI_CSRF_TOKEN
        }
        AuthError::CrossSite(
            CrossSiteError::FetchSite
            | CrossSiteError::NoProvenance
            | CrossSiteError::Repeated
            | CrossSiteError::MalformedOrigin
            | CrossSiteError::OriginMismatch,
        ) => ProblemType::CROSS_SITE_REQUEST,
        AuthError::KeysUnavailable(_)
        | AuthError::IssuerUnavailable(_)
        | AuthError::RevocationsUnavailable(_) => ProblemType::VERIFICATION_UNAVAILABLE,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{KeysUnavailable, PolicyRefusal, RequestError, RevocationsUnavailable, TokenError};
    use crate::scope::ScopeSet;

    /// The status of the problem details is that of the response, and each type is used.
    #[test]
    fn problem_types_have_the_status_of_the_rejection() {
        let cross_site = [
            CrossSiteError::FetchSite,
            CrossSiteError::NoProvenance,
            CrossSiteError::Repeated,
            CrossSiteError::MalformedOrigin,
            CrossSiteError::OriginMismatch,
            CrossSiteError::NoCsrfToken,
            CrossSiteError::CsrfTokenMismatch,
        ];
        let refusal = || Box::new(PolicyRefusal::new("scope".to_owned(), None, None));
        let errors = [
            AuthError::MissingToken,
            AuthError::NoGate,
            AuthError::InvalidRequest(RequestError::SeveralSources),
            AuthError::InvalidToken(TokenError::Unsigned),
            AuthError::InsufficientScope { scopes: ScopeSet::default(), refusal: refusal() },
            AuthError::InsufficientAuthentication { step_up: Box::default(), refusal: refusal() },
            AuthError::KeysUnavailable(KeysUnavailable::new("down", Duration::ZERO)),
            AuthError::IssuerUnavailable(KeysUnavailable::new("down", Duration::ZERO)),
            AuthError::RevocationsUnavailable(RevocationsUnavailable::new("down", Duration::ZERO)),
        ];
        let mut used = Vec::new();
        for error in errors.into_iter().chain(cross_site.map(AuthError::CrossSite)) {
            let rejection = Rejection::new(error, &RejectionStyle::default());
            assert_eq!(rejection.problem_details().status(), rejection.status(), "{:?}", rejection.error());
            used.extend(rejection.0.kind);
        }
        assert!(ProblemType::ALL.iter().all(|kind| used.contains(kind)));
    }

    #[test]
    fn causes_are_logged_once_each() {
        let error = AuthError::InvalidToken(TokenError::Header(crate::error::HeaderError::Critical));
        assert_eq!(
            Causes(&error).to_string(),
            "token rejected: unsupported header: `crit` requires extensions that are not supported"
        );
    }
}
