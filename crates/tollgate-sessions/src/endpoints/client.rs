//! [`Client`]: the client of a request, as the head of the request shows it.

use std::net::IpAddr;
use std::time::Duration;

use tollgate::adapter::{Decision, RequestView, find_cookie};
use tollgate::{Admission, AuthError, ClaimError, Excerpt, KeyRefresh, Rejection, TokenError};
use zeroize::Zeroizing;

use super::problem::Problem;
use super::response::SessionResponse;
use super::route::Route;
use super::{Endpoints, user_agent};
use crate::session::{SessionClaims, SessionId};

/// The client of a request, as the head of the request shows it.
pub(super) struct Client {
    /// The address of the client, if the adapter knows it.
    pub(super) peer: Option<IpAddr>,
    /// The family and platform of the client; see [`Login::with_client`](crate::Login::with_client).
    pub(super) family: Option<Box<str>>,
    /// The refresh token in the cookie.
    pub(super) cookie: Option<Zeroizing<String>>,
    /// The anti-CSRF token in the cookie.
    pub(super) csrf_token: Option<Box<str>>,
    /// Whether the endpoints read cookies from this request: it has no explicit token.
    pub(super) uses_cookies: bool,
    /// The holder of the access token, or the response for an endpoint that requires a holder.
    pub(super) holder: Result<Holder, SessionResponse>,
}

/// The user that an access token identifies.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) subject: Box<str>,
    /// The session of the access token.
    pub(super) session: Option<SessionId>,
}

/// The cookies of a request that contain tokens.
pub(super) struct TokenCookies {
    refresh: Option<Zeroizing<String>>,
    csrf: Option<Box<str>>,
    /// Whether the request has an access token or a refresh token in a cookie. Browsers add cookies to
    /// cross-site requests too.
    pub(super) ambient: bool,
    /// Whether the access token or the refresh token is in more than one cookie.
    repeated: bool,
    uses_cookies: bool,
}

impl TokenCookies {
    /// Reads the cookies, unless the request has an explicit token: cookies never replace that token, even if
    /// it is malformed. The gate decides what an explicit token is. `Authorization: Basic` is none, as browsers
    /// add it for a proxy that requests a password.
    pub(super) fn read<R: RequestView>(endpoints: &Endpoints, request: &R) -> Self {
        let no_cookies =
            Self { refresh: None, csrf: None, ambient: false, repeated: false, uses_cookies: false };
        if endpoints.gate.has_explicit_credential(request) {
            return no_cookies;
        }
        let cookies = &endpoints.cookies;
        let access = find_cookie(request, cookies.access_name());
        let refresh = find_cookie(request, cookies.refresh_name());
        let is_present = |found: &Result<Option<&[u8]>, _>| !matches!(found, Ok(None));
        let text = |value: &[u8]| Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        let csrf = endpoints.gate.csrf_verifier().map(|tokens| find_cookie(request, tokens.cookie_name()));
        let csrf = csrf.and_then(|found| std::str::from_utf8(found.ok()??).ok());
        Self {
            csrf: csrf.map(Into::into),
            ambient: is_present(&access) || is_present(&refresh),
            repeated: access.is_err() || refresh.is_err(),
            refresh: refresh.ok().flatten().map(text),
            uses_cookies: true,
        }
    }

    pub(super) fn refresh_token(&self) -> Option<&str> {
        self.refresh.as_ref().map(|token| token.as_str())
    }
}

impl Client {
    /// Reads the client from the head of a request. Also returns a fetch of keys to wait for before the request
    /// is rejected, so that a retry finds the keys.
    pub(super) fn read<R: RequestView>(
        endpoints: &Endpoints,
        request: &R,
        cookies: TokenCookies,
        route: &Route,
        peer: Option<IpAddr>,
    ) -> Result<(Self, Option<KeyRefresh>), Problem> {
        if cookies.repeated {
            return Err(Problem::RepeatedCookie);
        }
        let (holder, pending_keys) = if route.reads_access_token() {
            authenticate(endpoints, request)?
        } else {
            (Err(endpoints.anonymous.clone()), None)
        };
        let client = Self {
            peer,
            family: user_agent::family(request),
            cookie: cookies.refresh,
            csrf_token: cookies.csrf,
            uses_cookies: cookies.uses_cookies,
            holder,
        };
        Ok((client, pending_keys))
    }
}

/// Verifies the access token with the gate.
fn authenticate<R: RequestView>(
    endpoints: &Endpoints,
    request: &R,
) -> Result<(Result<Holder, SessionResponse>, Option<KeyRefresh>), Problem> {
    let gate = &endpoints.gate;
    Ok(match gate.admit(request, gate.now()) {
        Decision::Admitted(admission) => {
            (holder(endpoints, &admission).map_err(|refused| SessionResponse::from(&refused)), None)
        }
        Decision::Rejected(rejection) => match rejection.error() {
            // Reject this also on endpoints that do not require an access token, such as logout.
            AuthError::CrossSite(error) => return Err(Problem::CrossSite(*error)),
            _ => (Err(SessionResponse::from(&rejection)), None),
        },
        Decision::AwaitKeys(refresh) => {
            let unavailable = Problem::Unavailable { retry_after: Duration::from_secs(1) };
            (Err(unavailable.into_response("")), Some(refresh))
        }
    })
}

/// Returns the holder of an admitted token. Rejects tokens of other issuers, which the gate may admit too:
/// their subjects are other users.
fn holder(endpoints: &Endpoints, admission: &Admission) -> Result<Holder, Rejection> {
    let token = admission.require()?;
    let refuse = |error| endpoints.gate.reject(AuthError::InvalidToken(error));
    if token.issuer() != endpoints.issuer.issuer().as_str() {
        return Err(refuse(TokenError::IssuerMismatch { found: Excerpt::new(token.issuer()) }));
    }
    let subject = token.subject().filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| refuse(missing("sub")))?;
    let claims = admission.claims::<SessionClaims>()?;
    Ok(Holder { subject: subject.into(), session: claims.session() })
}

fn missing(name: &str) -> TokenError {
    TokenError::Claim { name: name.into(), error: ClaimError::Missing }
}
