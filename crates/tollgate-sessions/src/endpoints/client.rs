//! [`Client`]: who calls, as far as the head of a request shows it.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use tollgate::adapter::{Decision, RequestView, find_cookie};
use tollgate::{Admission, AuthError, ClaimError, Excerpt, KeyRefresh, Rejection, TokenError};
use zeroize::Zeroizing;

use super::problem::Problem;
use super::reply::Reply;
use super::route::Route;
use super::{Inner, user_agent};
use crate::session::SessionId;

/// Who calls, as far as the head of the request shows it.
pub(super) struct Client {
    /// The address, as far as the adapter knows it.
    pub(super) peer: Option<IpAddr>,
    /// What the client says of itself; see [`Login::with_client`](crate::Login::with_client).
    pub(super) family: Option<Box<str>>,
    /// The refresh token that came in a cookie.
    pub(super) cookie: Option<Zeroizing<String>>,
    /// The anti-CSRF token that came in a cookie.
    pub(super) csrf_token: Option<Box<str>>,
    /// Whether the credentials of this request are cookies, if it has any: no token is presented explicitly.
    pub(super) uses_cookies: bool,
    /// Whose access token came along, or how a call that needs one is refused.
    pub(super) holder: Result<Holder, Reply>,
}

/// Whose access token it is.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) subject: Box<str>,
    /// The session that the token belongs to.
    pub(super) session: Option<SessionId>,
}

/// The cookies of a request that hold tokens.
pub(super) struct Presented {
    refresh: Option<Zeroizing<String>>,
    csrf: Option<Box<str>>,
    /// Whether there is any that a browser has added.
    pub(super) ambient: bool,
    repeated: bool,
    uses_cookies: bool,
}

impl Presented {
    /// A token that is presented explicitly counts alone: cookies never stand in for it, nor for one that is malformed. What
    /// is one is for the gate to say; `Authorization: Basic` is none, as a proxy that asks for a password makes browsers add it.
    pub(super) fn read<R: RequestView>(endpoints: &Inner, request: &R) -> Self {
        let none = Self { refresh: None, csrf: None, ambient: false, repeated: false, uses_cookies: false };
        if endpoints.gate.has_explicit_credential(request) {
            return none;
        }
        let cookies = &endpoints.cookies;
        let access = find_cookie(request, cookies.access_name());
        let refresh = find_cookie(request, cookies.refresh_name());
        let there = |found: &Result<Option<&[u8]>, _>| !matches!(found, Ok(None));
        let text = |value: &[u8]| Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        let csrf = endpoints.gate.csrf_verifier().map(|tokens| find_cookie(request, tokens.cookie_name()));
        let csrf = csrf.and_then(|found| std::str::from_utf8(found.ok()??).ok());
        Self {
            csrf: csrf.map(Into::into),
            ambient: there(&access) || there(&refresh),
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
    /// The client, and keys to wait for before it is refused, so that they are there when it comes back.
    pub(super) fn read<R: RequestView>(
        endpoints: &Inner,
        request: &R,
        presented: Presented,
        route: &Route,
        peer: Option<IpAddr>,
    ) -> Result<(Self, Option<KeyRefresh>), Problem> {
        if presented.repeated {
            return Err(Problem::RepeatedCookie);
        }
        let (holder, awaited) = if route.looks_for_access_token() {
            ask(endpoints, request)?
        } else {
            (Err(endpoints.anonymous.clone()), None)
        };
        let client = Self {
            peer,
            family: user_agent::family(request),
            cookie: presented.refresh,
            csrf_token: presented.csrf,
            uses_cookies: presented.uses_cookies,
            holder,
        };
        Ok((client, awaited))
    }
}

fn ask<R: RequestView>(
    endpoints: &Inner,
    request: &R,
) -> Result<(Result<Holder, Reply>, Option<KeyRefresh>), Problem> {
    let gate = &endpoints.gate;
    Ok(match gate.admit(request, gate.now()) {
        Decision::Admitted(admission) => {
            (holder(endpoints, &admission).map_err(|refused| Reply::from(&refused)), None)
        }
        Decision::Refused(rejection) => match rejection.error() {
            // Not even where calls go on without one: to log out, for instance.
            AuthError::CrossSite(error) => return Err(Problem::CrossSite(*error)),
            _ => (Err(Reply::from(&rejection)), None),
        },
        Decision::AwaitKeys(refresh) => {
            let unavailable = Problem::Unavailable { retry_after: Duration::from_secs(1) };
            (Err(unavailable.reply("")), Some(refresh))
        }
    })
}

/// A gate may admit tokens of several issuers. Subjects of another one are other people.
fn holder(endpoints: &Inner, admission: &Admission) -> Result<Holder, Rejection> {
    let token = admission.require()?;
    let refuse = |error| endpoints.gate.refuse(AuthError::InvalidToken(error));
    if token.issuer() != endpoints.issuer.issuer().as_str() {
        return Err(refuse(TokenError::IssuerMismatch { found: Excerpt::new(token.issuer()) }));
    }
    let subject = token.subject().filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| refuse(missing("sub")))?;
    let claims = admission.claims::<SessionClaims>()?;
    Ok(Holder { subject: subject.into(), session: claims.sid.as_deref().and_then(|sid| sid.parse().ok()) })
}

fn missing(name: &str) -> TokenError {
    TokenError::Claim { name: name.into(), error: ClaimError::Missing }
}

/// What a token says about its session.
#[derive(Deserialize)]
struct SessionClaims {
    sid: Option<Box<str>>,
}
