//! [`SessionEndpoints`]: log in, renew, log out over HTTP, without a framework.

mod address;
mod body;
mod call;
mod client;
mod cookies;
mod counts;
mod csrf;
mod forged;
mod grant;
mod list;
mod login;
mod logout;
mod password;
mod problem;
mod refresh;
mod register;
mod reply;
mod route;
mod settings;
mod user_agent;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tollgate::adapter::RequestView;
use tollgate::{AuthError, Challenge, Clock, ConfigError, CrossSite, Gate, UnixTime};
use tracing::warn;

pub use address::ClientAddress;
pub use call::{BodyError, Call};
pub use cookies::{CookieSettings, SameSite};
pub use counts::CallCounts;
pub use reply::Reply;
pub use settings::Registration;

use crate::accounts::Accounts;
use crate::issuer::TokenIssuer;
use crate::sessions::Sessions;
use call::Accepted;
use client::{Client, Presented};
use counts::Counters;
use problem::Problem;
use route::Route;

/// The endpoints of sessions: what they answer to which request. Adapters mount them with their feature `sessions`.
///
/// | call | body | answer |
/// |---|---|---|
/// | `POST /auth/login` | `{"email","password","mode","remember"}` | 200, tokens |
/// | `POST /auth/refresh` | `{"refresh_token"}`, or `{}` with the cookie | 200, tokens |
/// | `POST /auth/logout` | the same, or `{}` with an access token | 204 |
/// | `POST /auth/logout-all` | the same | 204, and all sessions of the user have ended |
/// | `POST /auth/register` | `{"email","password"}` | 201 `{"sub"}`; see [`Registration`] |
/// | `POST /auth/password` | `{"current_password","new_password"}` | 204, and all other sessions have ended |
/// | `GET /auth/sessions` | | 200 `{"sessions":[{"sid","created_at","last_used_at","current"}]}` |
/// | `DELETE /auth/sessions/{sid}` | | 204 |
/// | `POST /auth/csrf` | | 204 and an anti-CSRF token, where the gate [requires](Gate::with_csrf_verifier) them |
/// | `GET /.well-known/jwks.json` | | 200, the public keys |
///
/// `mode` is `token`, the default, or `cookie`, where the gate looks for [its cookie](CookieSettings::token_source); a session is remembered unless `remember` is `false`. Tokens are
/// `{"access_token","token_type":"Bearer","expires_in","refresh_token","refresh_expires_in","scope"}`, or
/// `{"token_type":"Cookie","expires_in","scope"}` and two cookies that no script can read. Times are in seconds, members
/// that are not known are ignored. Errors are problem details (RFC 9457) whose member `error` is stable.
///
/// Tokens in a body are taken before cookies. When one is presented where the gate looks for it, such as in `Authorization`,
/// cookies do not count.
///
/// Where the gate requires anti-CSRF tokens, a third cookie holds that of the session. Scripts read it, and repeat it in
/// `X-CSRF-Token`; whoever has lost it, or has one of an older session, asks for another. Logging in, registering and asking
/// for it need none.
///
/// ```
/// # fn endpoints(
/// #     sessions: tollgate_sessions::Sessions,
/// #     issuer: tollgate_sessions::TokenIssuer,
/// #     accounts: tollgate_sessions::Accounts,
/// #     gate: tollgate::Gate,
/// # ) -> tollgate_sessions::SessionEndpoints {
/// use tollgate_sessions::{Registration, SessionEndpoints};
///
/// SessionEndpoints::new(sessions, issuer, accounts, gate).with_registration(Registration::Discreet)
/// # }
/// ```
///
/// # Security
/// Calls that log in, renew or log out are checked for other sites even without a cookie, and take JSON alone. Name the
/// public origin in the [`CrossSite`] of the gate. Why a session cannot be renewed is for the log, but for one that has
/// expired (`reason`); the client hears the same bytes, and loses its cookies only when the session is definitely over.
#[derive(Clone)]
pub struct SessionEndpoints(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    sessions: Sessions,
    issuer: TokenIssuer,
    accounts: Accounts,
    gate: Gate,
    cookies: CookieSettings,
    client_id: Box<str>,
    base: Box<str>,
    registration: Registration,
    /// The challenge of the gate, for a request that presents nothing.
    challenge: Box<str>,
    /// The answer where an access token is needed, and none is there.
    anonymous: Reply,
    counters: Arc<Counters>,
}

impl SessionEndpoints {
    /// Sessions of the users of `accounts`, with access tokens by `issuer`. `gate` is the one that the application's
    /// own routes have: it admits those tokens, and tells the time and which origins are ours. For cookie mode its
    /// sources have to include [`CookieSettings::token_source`].
    #[must_use]
    pub fn new(sessions: Sessions, issuer: TokenIssuer, accounts: Accounts, gate: Gate) -> Self {
        let anonymous = gate.refuse(AuthError::MissingToken);
        Self(Arc::new(Inner {
            sessions,
            issuer,
            accounts,
            cookies: CookieSettings::default(),
            client_id: "first-party".into(),
            base: "/auth".into(),
            registration: Registration::Closed,
            challenge: anonymous.challenge().map(Challenge::to_string).unwrap_or_default().into(),
            anonymous: Reply::from(&anonymous),
            gate,
            counters: Arc::default(),
        }))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Other cookies.
    #[must_use]
    pub fn with_cookies(self, cookies: CookieSettings) -> Self {
        self.change(|inner| inner.cookies = cookies)
    }

    /// How to tell whether another site caused a request. The default is that of the gate.
    #[must_use]
    pub fn with_cross_site(self, cross_site: CrossSite) -> Self {
        self.change(|inner| inner.gate = inner.gate.clone().with_cross_site(cross_site))
    }

    /// The `client_id` of access tokens (RFC 9068 §2.2). The default is `first-party`.
    #[must_use]
    pub fn with_client_id(self, client_id: impl Into<Box<str>>) -> Self {
        self.change(|inner| inner.client_id = client_id.into())
    }

    /// Whether everybody can make an account. The default is that nobody can.
    #[must_use]
    pub fn with_registration(self, registration: Registration) -> Self {
        self.change(|inner| inner.registration = registration)
    }

    /// Serves below this path instead of `/auth`. The key set stays where it is.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] unless it is empty, or an absolute path of letters, digits, `/`, `-`, `.`, `_` and `~`
    /// that does not end with a slash.
    pub fn with_base(self, base: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let base = base.into();
        if !base.is_empty() && (!settings::is_plain_path(&base) || base.ends_with('/')) {
            return Err(ConfigError::Conflict("the base of the endpoints has to be like /auth"));
        }
        Ok(self.change(|inner| inner.base = base))
    }

    /// Takes the time from this clock. The default is that of the gate. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.change(|inner| inner.gate = inner.gate.clone().with_clock(clock))
    }

    /// The path below which calls are served.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// Where the public keys are served (RFC 7517 §5).
    pub const KEY_SET_PATH: &'static str = route::KEY_SET_PATH;

    /// Whether a request for this path is answered here.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        Route::exists(&self.0.base, path)
    }

    /// Looks at the head of a request, before anything of its body is read. `peer` is the address of the client, as far as
    /// it can be trusted: attempts to log in are counted by it.
    ///
    /// # Errors
    /// The [`Reply`] to a request that is refused.
    pub fn accept<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        peer: Option<IpAddr>,
    ) -> Result<Call, Reply> {
        self.0.accept(request, path, peer).map_or_else(
            |problem| Err(self.0.counters.refused(problem).reply(&self.0.challenge)),
            |accepted| Ok(Call::new(self.clone(), accepted)),
        )
    }
}

impl Inner {
    /// What costs least first.
    fn accept<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        peer: Option<IpAddr>,
    ) -> Result<Accepted, Problem> {
        let route = Route::find(&self.base, path, request.method())?;
        if route.takes_body() {
            body::check_head(request)?;
        }
        let presented = Presented::read(self, request);
        if route != Route::KeySet {
            self.check_origin(request, &route, &presented)?;
            self.check_csrf_token(request, &route, &presented)?;
            self.check_profile(request, peer)?;
        }
        let (client, awaited) = Client::read(self, request, presented, &route, peer)?;
        Ok(Accepted { route, client, awaited })
    }

    fn check_origin<R: RequestView>(
        &self,
        request: &R,
        route: &Route,
        presented: &Presented,
    ) -> Result<(), Problem> {
        let cross_site = self.gate.cross_site();
        let verdict = if presented.ambient {
            cross_site.check(request)
        } else if route.is_for_strangers() {
            cross_site.check_without_credential(request)
        } else {
            Ok(())
        };
        verdict.map_err(|error| {
            warn!(?route, %error, "call refused: another site may have caused it");
            Problem::CrossSite(error)
        })
    }

    fn check_profile<R: RequestView>(&self, request: &R, peer: Option<IpAddr>) -> Result<(), Problem> {
        if !self.cookies.is_for_development() || settings::is_on_loopback(request, peer) {
            return Ok(());
        }
        tracing::error!(?peer, "call refused: cookies for development, on a host that is not loopback");
        Err(Problem::InsecureCookies)
    }

    fn now(&self) -> UnixTime {
        self.gate.now()
    }
}

impl fmt::Debug for SessionEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEndpoints")
            .field("sessions", &self.0.sessions)
            .field("issuer", &self.0.issuer)
            .field("cookies", &self.0.cookies)
            .field("base", &self.0.base)
            .field("registration", &self.0.registration)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod outage_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests;
