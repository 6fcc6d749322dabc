//! [`Problem`]: why a request fails, and its conversion into a response.

use std::borrow::Cow;
use std::time::Duration;

use tollgate::CrossSiteError;
use tollgate::adapter::{ProblemDetails, ProblemType};
use tracing::{error, warn};

use super::problem_type;
use super::response::SessionResponse;
use crate::accounts::{ChangePasswordError, LoginError, NewPasswordError, RegisterError};
use crate::issuing::IssueError;
use crate::sessions::{RefreshError, SessionError};
use crate::store::StoreError;
use crate::support::RETRY_AFTER;

/// Why a request fails, as far as the client may learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No endpoint has this path.
    NoSuchPath,
    /// No live session of this user has the ID. Another user's session may have it.
    NoSuchSession,
    /// The endpoint does not support the method.
    Method { allow: &'static str },
    /// The body is not JSON.
    MediaType,
    /// The body is too long.
    TooLarge,
    /// The body was not received in time.
    BodyTimeout,
    /// The body could not be read.
    Unreadable,
    /// The body is not the expected JSON object.
    Malformed,
    /// The request has a cookie with a token more than once.
    RepeatedCookie,
    /// The refresh token was presented by another transport than it was issued for.
    WrongTransport,
    /// The client requests cookies, and the gate does not read them.
    CookiesNotRead,
    /// The cookies are for development, and the host or the client is not loopback.
    InsecureCookies,
    /// Another site may have caused the request.
    CrossSite(CrossSiteError),
    /// The session cannot be refreshed. All causes but expiry have this response.
    InvalidGrant,
    /// The session has reached its idle or its absolute lifetime.
    Expired,
    /// The login name and the password do not belong to a user who may log in.
    InvalidCredentials,
    /// The client has made too many attempts.
    Throttled { retry_after: Duration },
    /// Another account has the login name.
    LoginNameTaken,
    /// The login name is malformed.
    InvalidLoginName,
    /// The password is malformed.
    InvalidPassword,
    /// The new password does not meet the requirements.
    RejectedPassword(NewPasswordError),
    /// The current password of the user is another one.
    WrongPassword,
    /// A store, the password pool or the keys are unavailable.
    Unavailable { retry_after: Duration },
    /// The server is not set up correctly.
    ServerError,
}

impl Problem {
    /// Returns the response. A 401 has the `challenge` (RFC 9110 §15.5.2).
    pub(super) fn into_response(self, challenge: &str) -> SessionResponse {
        let (error, detail) = self.code_and_detail();
        let detail = match self {
            Self::RejectedPassword(error) => Cow::Owned(error.to_string()),
            _ => Cow::Borrowed(detail),
        };
        let problem = match self.kind() {
            Kind::Status(status) => ProblemDetails::new(status, &detail),
            Kind::Type(kind) => ProblemDetails::of_type(kind, &detail),
        };
        let problem = problem.with_error(error);
        let problem = if self == Self::Expired { problem.with_reason("expired") } else { problem };
        let response = SessionResponse::problem(&problem);
        match self {
            Self::InvalidGrant | Self::Expired | Self::InvalidCredentials => {
                response.with_header("www-authenticate", challenge)
            }
            Self::Method { allow } => response.with_header("allow", allow),
            // The rest of the body is not read.
            Self::BodyTimeout | Self::TooLarge => response.with_header("connection", "close"),
            Self::Throttled { retry_after } | Self::Unavailable { retry_after } => {
                response.with_header("retry-after", whole_secs(retry_after).to_string())
            }
            _ => response,
        }
    }

    fn busy(retry_after: Duration) -> Self {
        warn!("request rejected: the password pool is busy");
        Self::Unavailable { retry_after }
    }

    pub(super) fn server_error(error: &dyn std::error::Error) -> Self {
        error!(%error, "request failed");
        Self::ServerError
    }

    /// Returns what determines the status, the type and the title. The match is exhaustive on purpose.
    #[deny(clippy::wildcard_enum_match_arm)]
    fn kind(self) -> Kind {
        Kind::Type(match self {
            Self::NoSuchPath => return Kind::Status(404),
            Self::Method { .. } => return Kind::Status(405),
            Self::BodyTimeout => return Kind::Status(408),
            Self::TooLarge => return Kind::Status(413),
            Self::MediaType => return Kind::Status(415),
            Self::ServerError => return Kind::Status(500),
            Self::NoSuchSession => problem_type::SESSION_NOT_FOUND,
            Self::Unreadable | Self::Malformed => problem_type::MALFORMED_BODY,
            Self::RepeatedCookie => ProblemType::MALFORMED_CREDENTIALS,
            Self::WrongTransport => problem_type::OTHER_TRANSPORT,
            Self::CookiesNotRead => problem_type::NO_COOKIES,
            Self::InsecureCookies => problem_type::INSECURE_COOKIES,
            Self::CrossSite(CrossSiteError::NoCsrfToken | CrossSiteError::CsrfTokenMismatch) => {
                ProblemType::ANTI_CSRF_TOKEN
            }
            Self::CrossSite(_) => ProblemType::CROSS_SITE_REQUEST,
            Self::InvalidGrant | Self::Expired => problem_type::INVALID_GRANT,
            Self::InvalidCredentials => problem_type::INVALID_CREDENTIALS,
            Self::Throttled { .. } => problem_type::TOO_MANY_ATTEMPTS,
            Self::LoginNameTaken => problem_type::LOGIN_TAKEN,
            Self::InvalidLoginName => problem_type::INVALID_LOGIN,
            Self::InvalidPassword | Self::RejectedPassword(_) => problem_type::INVALID_PASSWORD,
            Self::WrongPassword => problem_type::WRONG_PASSWORD,
            Self::Unavailable { .. } => problem_type::TEMPORARILY_UNAVAILABLE,
        })
    }

    /// Returns the error code and the detail for humans. The match is exhaustive on purpose.
    #[deny(clippy::wildcard_enum_match_arm)]
    fn code_and_detail(self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchPath => ("not_found", "there is no endpoint at this path"),
            Self::NoSuchSession => ("not_found", "there is no such session"),
            Self::Method { .. } => ("method_not_allowed", "this endpoint does not support the method"),
            Self::MediaType => {
                ("unsupported_media_type", "the body must be JSON, with the content type application/json")
            }
            Self::TooLarge => ("content_too_large", "the body is too long"),
            Self::BodyTimeout => ("request_timeout", "the body was not received in time"),
            Self::Unreadable => ("invalid_request", "the body could not be read"),
            Self::Malformed => ("invalid_request", "the body is not the expected JSON object"),
            Self::RepeatedCookie => {
                ("invalid_request", "the request has a cookie with a token more than once")
            }
            Self::WrongTransport => ("invalid_request", "the refresh token was issued for another transport"),
            Self::CookiesNotRead => ("invalid_request", "this server does not issue tokens in cookies"),
            Self::InsecureCookies => ("insecure_cookies", "development cookies are issued on loopback only"),
            Self::CrossSite(error) => (csrf_code(error), "another site may have caused the request"),
            Self::InvalidGrant | Self::Expired => {
                ("invalid_grant", "the session cannot be refreshed; log in again")
            }
            Self::InvalidCredentials => {
                ("invalid_credentials", "the login name or the password is incorrect")
            }
            Self::Throttled { .. } => ("too_many_attempts", "too many attempts; try again later"),
            Self::LoginNameTaken => ("login_taken", "the login name is taken"),
            Self::InvalidLoginName => ("invalid_login", "the login name cannot be used"),
            Self::InvalidPassword | Self::RejectedPassword(_) => {
                ("invalid_password", "the password cannot be used")
            }
            Self::WrongPassword => ("invalid_credentials", "the current password is incorrect"),
            Self::Unavailable { .. } => {
                ("temporarily_unavailable", "the service is temporarily unavailable; try again later")
            }
            Self::ServerError => ("server_error", "the server is not set up correctly"),
        }
    }
}

/// Whether the status of a problem says all, or its type says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The status, with the type `about:blank`.
    Status(u16),
    /// The type, which has a status.
    Type(ProblemType),
}

/// Returns the error code of a cross-site error.
fn csrf_code(error: CrossSiteError) -> &'static str {
    match error {
        CrossSiteError::FetchSite => "csrf_cross_origin",
        CrossSiteError::OriginMismatch => "csrf_origin_mismatch",
        CrossSiteError::MalformedOrigin => "csrf_bad_origin",
        CrossSiteError::NoProvenance => "csrf_missing_provenance",
        CrossSiteError::Repeated => "csrf_repeated",
        CrossSiteError::NoCsrfToken | CrossSiteError::CsrfTokenMismatch => "csrf_token",
        _ => "csrf_refused",
    }
}

/// Rounds up to whole seconds, and to at least one, so that clients do not retry at once.
fn whole_secs(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::WrongTransport => Self::WrongTransport,
            RefreshError::Store(error) => error.into(),
            RefreshError::Expired(_) => Self::Expired,
            // All others have the same response: an attacker must not learn that the reuse was detected.
            RefreshError::Malformed
            | RefreshError::Forged
            | RefreshError::Unknown
            | RefreshError::Revoked(_)
            | RefreshError::Reuse => Self::InvalidGrant,
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Denied(_) => Self::InvalidCredentials,
            LoginError::Throttled { retry_after } => Self::Throttled { retry_after },
            LoginError::HashPoolBusy { retry_after } => Self::busy(retry_after),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Name(_) => Self::InvalidLoginName,
            RegisterError::Password(error) => Self::RejectedPassword(error),
            RegisterError::Throttled { retry_after } => Self::Throttled { retry_after },
            RegisterError::HashPoolBusy { retry_after } => Self::busy(retry_after),
            RegisterError::Store(error) => error.into(),
            RegisterError::Crypto => Self::server_error(&error),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Denied(_) => Self::WrongPassword,
            ChangePasswordError::Password(error) => Self::RejectedPassword(error),
            ChangePasswordError::Throttled { retry_after } => Self::Throttled { retry_after },
            ChangePasswordError::HashPoolBusy { retry_after } => Self::busy(retry_after),
            ChangePasswordError::Store(error) => error.into(),
            ChangePasswordError::Crypto => Self::server_error(&error),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => error.into(),
            SessionError::EmptySubject | SessionError::Entropy(_) => Self::server_error(&error),
        }
    }
}

/// A failure of a store says nothing about a session, so it is never a denial.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        error!(%error, "request failed: a store is unavailable");
        Self::Unavailable { retry_after: RETRY_AFTER }
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        Self::server_error(&error)
    }
}

#[cfg(test)]
mod tests;
