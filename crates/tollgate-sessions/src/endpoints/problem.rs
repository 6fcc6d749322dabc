//! [`Problem`]: why a call fails, and the one place where that becomes an answer.

use std::borrow::Cow;
use std::time::Duration;

use tollgate::CrossSiteError;
use tollgate::adapter::ProblemDetails;
use tracing::{error, warn};

use super::reply::Reply;
use crate::accounts::{ChangePasswordError, LoginError, NewPasswordError, RegisterError};
use crate::error::IssueError;
use crate::sessions::{RefreshError, SessionError};
use crate::store::StoreError;

/// Why a call fails, as far as its client may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Nothing is served at this path.
    NoSuchPath,
    /// No live session of this user has that id. It may be another user's.
    NoSuchSession,
    /// The path is served, but not with this method.
    Method { allow: &'static str },
    /// The body is something else than JSON.
    MediaType,
    /// The body is too long.
    TooLarge,
    /// The body did not come in time.
    Slow,
    /// The body could not be read.
    Unreadable,
    /// The body is not what is expected.
    Malformed,
    /// A cookie of ours came twice.
    RepeatedCookie,
    /// A refresh token came another way than it was given out.
    WrongTransport,
    /// Tokens in cookies, where nobody looks for them.
    NoCookies,
    /// Cookies for development, and this is no longer development.
    InsecureCookies,
    /// Another site may have caused the request.
    CrossSite(CrossSiteError),
    /// There is no session to renew: whatever the reason, the client hears this.
    InvalidGrant,
    /// The same for a session that nobody has ended: it was not used for too long, or is too old.
    Expired,
    /// Login name and password do not belong to a user who may log in.
    InvalidCredentials,
    /// Too many attempts.
    Throttled { retry_after: Duration },
    /// Somebody else has the login name.
    Taken,
    /// The login name cannot be one.
    LoginName,
    /// The password cannot be one.
    Password,
    /// The password cannot be chosen.
    NewPassword(NewPasswordError),
    /// It is not the password of the user who is logged in.
    WrongPassword,
    /// Something that is needed does not answer.
    Unavailable { retry_after: Duration },
    /// The server is not set up correctly.
    Failed,
}

impl Problem {
    /// The answer. `challenge` goes with 401 (RFC 9110 §15.5.2).
    pub(super) fn reply(self, challenge: &str) -> Reply {
        let (status, error, detail) = self.parts();
        let detail = match self {
            Self::NewPassword(error) => Cow::Owned(error.to_string()),
            _ => Cow::Borrowed(detail),
        };
        let problem = ProblemDetails::new(status, &detail).with_error(error);
        let problem = if self == Self::Expired { problem.with_reason("expired") } else { problem };
        let reply = Reply::problem(status, &problem);
        match self {
            Self::InvalidGrant | Self::Expired | Self::InvalidCredentials => {
                reply.with_header("www-authenticate", challenge)
            }
            Self::Method { allow } => reply.with_header("allow", allow),
            // What is still to come of the body is not read.
            Self::Slow | Self::TooLarge => reply.with_header("connection", "close"),
            Self::Throttled { retry_after } | Self::Unavailable { retry_after } => {
                reply.with_header("retry-after", whole_secs(retry_after).to_string())
            }
            _ => reply,
        }
    }

    fn busy(retry_after: Duration) -> Self {
        warn!("call refused: too many passwords are being checked");
        Self::Unavailable { retry_after }
    }

    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        error!(%error, "call failed");
        Self::Failed
    }

    /// Status, error code and what people read. Exhaustive on purpose.
    #[deny(clippy::wildcard_enum_match_arm)]
    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NoSuchPath => (404, "not_found", "nothing is served at this path"),
            Self::NoSuchSession => (404, "not_found", "there is no such session"),
            Self::Method { .. } => (405, "method_not_allowed", "this path is not served with this method"),
            Self::MediaType => (
                415,
                "unsupported_media_type",
                "the body has to be JSON, with the content type application/json",
            ),
            Self::TooLarge => (413, "content_too_large", "the body is too long"),
            Self::Slow => (408, "request_timeout", "the body did not come in time"),
            Self::Unreadable => (400, "invalid_request", "the body could not be read"),
            Self::Malformed => {
                (400, "invalid_request", "the body is not the JSON object that is expected here")
            }
            Self::RepeatedCookie => {
                (400, "invalid_request", "a cookie that holds a token came more than once")
            }
            Self::WrongTransport => {
                (400, "invalid_request", "the refresh token came another way than it was given out")
            }
            Self::NoCookies => (400, "invalid_request", "tokens are not given out in cookies here"),
            Self::InsecureCookies => {
                (403, "insecure_cookies", "cookies for development are given out on loopback only")
            }
            Self::CrossSite(error) => (403, csrf_code(error), "another site may have caused the request"),
            Self::InvalidGrant | Self::Expired => {
                (401, "invalid_grant", "there is no session to renew; log in again")
            }
            Self::InvalidCredentials => (401, "invalid_credentials", "login name or password is not right"),
            Self::Throttled { .. } => (429, "too_many_attempts", "too many attempts; wait a while"),
            Self::Taken => (409, "login_taken", "somebody else has this login name"),
            Self::LoginName => (400, "invalid_login", "the login name cannot be used"),
            Self::Password | Self::NewPassword(_) => (400, "invalid_password", "the password cannot be used"),
            Self::WrongPassword => (403, "invalid_credentials", "the current password is not right"),
            Self::Unavailable { .. } => {
                (503, "temporarily_unavailable", "sessions cannot be reached at present; nothing was lost")
            }
            Self::Failed => (500, "server_error", "the server is not set up correctly"),
        }
    }
}

/// Which signal spoke against the request.
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

/// At least one: a client that waits for nothing comes back at once.
fn whole_secs(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::WrongTransport => Self::WrongTransport,
            RefreshError::Store(error) => error.into(),
            RefreshError::Expired(_) => Self::Expired,
            // Identical bytes for all others: a thief must not learn that the theft was noticed.
            RefreshError::Malformed
            | RefreshError::Forged
            | RefreshError::Unknown
            | RefreshError::Ended(_)
            | RefreshError::Reuse => Self::InvalidGrant,
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Denied(_) => Self::InvalidCredentials,
            LoginError::Throttled { retry_after } => Self::Throttled { retry_after },
            LoginError::Busy { retry_after } => Self::busy(retry_after),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Name(_) => Self::LoginName,
            RegisterError::Password(error) => Self::NewPassword(error),
            RegisterError::Throttled { retry_after } => Self::Throttled { retry_after },
            RegisterError::Busy { retry_after } => Self::busy(retry_after),
            RegisterError::Store(error) => error.into(),
            RegisterError::Crypto => Self::failed(&error),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Denied(_) => Self::WrongPassword,
            ChangePasswordError::Password(error) => Self::NewPassword(error),
            ChangePasswordError::Throttled { retry_after } => Self::Throttled { retry_after },
            ChangePasswordError::Busy { retry_after } => Self::busy(retry_after),
            ChangePasswordError::Store(error) => error.into(),
            ChangePasswordError::Crypto => Self::failed(&error),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => error.into(),
            SessionError::EmptySubject | SessionError::Crypto(_) => Self::failed(&error),
        }
    }
}

/// Whatever a store fails with, it says nothing about a session.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        error!(%error, "call failed: a store does not answer");
        Self::Unavailable { retry_after: StoreError::RETRY_AFTER }
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        Self::failed(&error)
    }
}
