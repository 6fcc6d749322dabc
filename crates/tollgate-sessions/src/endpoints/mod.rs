//! [`SessionEndpoints`]: login, refresh, logout and more over HTTP, independent of any framework.

mod address;
mod body;
mod client;
mod cookies;
mod counts;
mod csrf;
mod forged_tokens;
mod list;
mod login;
mod logout;
mod password;
mod problem;
mod problem_type;
mod refresh;
mod register;
mod request;
mod response;
mod route;
mod settings;
mod token_response;
mod user_agent;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tollgate::adapter::RequestView;
use tollgate::{AuthError, Challenge, Clock, ConfigError, CrossSite, Gate, TrustedProxies, UnixTime};
use tracing::warn;

use address::Addresses;
pub use address::ClientAddress;
pub use cookies::{CookieSettings, SameSite};
pub use counts::EndpointCounts;
pub use request::{BodyError, SessionRequest};
pub use response::SessionResponse;
pub use settings::RegistrationMode;

use crate::accounts::Accounts;
use crate::issuing::TokenIssuer;
use crate::sessions::Sessions;
use client::{Client, TokenCookies};
use counts::Counters;
use problem::Problem;
use request::RequestHead;
use route::Route;

/// The HTTP endpoints of sessions. The adapters mount them as routes when their feature `sessions` is enabled.
///
/// | request | body | response |
/// |---|---|---|
/// | `POST /auth/login` | `{"email","password","mode","remember"}` | 200, tokens |
/// | `POST /auth/refresh` | `{"refresh_token"}`, or `{}` with the cookie | 200, tokens |
/// | `POST /auth/logout` | the same, or `{}` with an access token | 204 |
/// | `POST /auth/logout-all` | the same | 204; all sessions of the user are revoked |
/// | `POST /auth/register` | `{"email","password"}` | 201 `{"sub"}`; see [`RegistrationMode`] |
/// | `POST /auth/password` | `{"current_password","new_password"}` | 204; all other sessions of the user are revoked |
/// | `GET /auth/sessions` | | 200 `{"sessions":[{"sid","created_at","last_used_at","current"}]}` |
/// | `DELETE /auth/sessions/{sid}` | | 204 |
/// | `POST /auth/csrf` | | 204 and an anti-CSRF token, if the gate [requires](Gate::with_csrf_verifier) one |
/// | `GET /.well-known/jwks.json` | | 200, the public keys of the issuer |
///
/// The `mode` of a login is `token` (the default) or `cookie`. Mode `cookie` requires a gate that reads the
/// [access token cookie](CookieSettings::token_source). The session is persistent unless `remember` is `false`.
///
/// In mode `token`, the response body has both tokens:
/// `{"access_token","token_type":"Bearer","expires_in","refresh_token","refresh_token_expires_in","scope"}`. In
/// mode `cookie`, the response body is `{"token_type":"Cookie","expires_in","scope"}`, and the tokens are in
/// two cookies that scripts cannot read. Durations are in seconds. Times are in seconds since 1970-01-01T00:00:00Z.
/// Unknown members of requests are ignored, and a member that is `null` counts as absent. Errors are problem details
/// (RFC 9457); the values of their members `type` and `error` are stable.
///
/// A refresh token in the body takes precedence over the cookie. If the request has an explicit token, such as
/// in `Authorization`, all cookies are ignored.
///
/// If the gate requires anti-CSRF tokens, a third cookie has the anti-CSRF token of the session. Scripts read it and
/// repeat it in the header `X-CSRF-Token`. A client that has lost this token, or has one of an older session, gets
/// another from `POST /auth/csrf`. Login, registration and `POST /auth/csrf` need no anti-CSRF token.
///
/// # Examples
/// ```
/// # fn endpoints(
/// #     sessions: tollgate_sessions::Sessions,
/// #     issuer: tollgate_sessions::TokenIssuer,
/// #     accounts: tollgate_sessions::Accounts,
/// #     gate: tollgate::Gate,
/// # ) -> tollgate_sessions::SessionEndpoints {
/// use tollgate_sessions::{RegistrationMode, SessionEndpoints};
///
/// SessionEndpoints::new(sessions, issuer, accounts, gate).with_registration(RegistrationMode::HideExisting)
/// # }
/// ```
///
/// An adapter passes the head of a request to [`begin`](Self::begin), and then its body to
/// [`respond_with`](SessionRequest::respond_with):
///
/// ```
/// use std::net::IpAddr;
/// use tollgate::adapter::RequestView;
/// use tollgate_sessions::SessionEndpoints;
/// use tollgate_sessions::endpoints::SessionResponse;
///
/// async fn serve<R: RequestView>(
///     endpoints: &SessionEndpoints,
///     head: &R,
///     path: &str,
///     peer: IpAddr,
///     body: Vec<u8>,
/// ) -> SessionResponse {
///     match endpoints.begin(head, path, Some(peer)) {
///         Ok(request) => request.respond_with(async { Ok(body) }).await,
///         Err(response) => response,
///     }
/// }
/// ```
///
/// # Security
/// - Login, refresh, logout and registration reject cross-site requests even without a cookie, and accept JSON
///   only. Set the public origin in the [`CrossSite`] of the gate.
/// - All denials of a refresh have the same response, except for an expired session (`reason`). The log has the
///   cause.
/// - A response clears the cookies only at a logout, or when the session certainly is not live.
#[derive(Clone)]
pub struct SessionEndpoints(Arc<Endpoints>);

#[derive(Clone)]
struct Endpoints {
    sessions: Sessions,
    issuer: TokenIssuer,
    accounts: Accounts,
    gate: Gate,
    cookies: CookieSettings,
    client_id: Box<str>,
    base: Box<str>,
    registration: RegistrationMode,
    /// The proxies that may name the address of a client; `None` for the address of the connection.
    proxies: Option<TrustedProxies>,
    /// The challenge of the gate for a request without a token.
    challenge: Box<str>,
    /// The response to a request without an access token on a route that requires one.
    anonymous: SessionResponse,
    counters: Arc<Counters>,
}

impl SessionEndpoints {
    /// Serves sessions for the users of `accounts`, with access tokens of `issuer`.
    ///
    /// `gate` is the gate of the application's own routes. The endpoints use it to verify access tokens, and
    /// use its clock and its cross-site policy. For mode `cookie`, its sources must include
    /// [`CookieSettings::token_source`].
    #[must_use]
    pub fn new(sessions: Sessions, issuer: TokenIssuer, accounts: Accounts, gate: Gate) -> Self {
        let anonymous = gate.reject(AuthError::MissingToken);
        Self(Arc::new(Endpoints {
            sessions,
            issuer,
            accounts,
            cookies: CookieSettings::default(),
            client_id: "first-party".into(),
            base: "/auth".into(),
            registration: RegistrationMode::Disabled,
            proxies: None,
            challenge: anonymous.challenge().map(Challenge::to_string).unwrap_or_default().into(),
            anonymous: SessionResponse::from(&anonymous),
            gate,
            counters: Arc::default(),
        }))
    }

    fn change(mut self, change: impl FnOnce(&mut Endpoints)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the names and attributes of the cookies.
    #[must_use]
    pub fn with_cookies(self, cookies: CookieSettings) -> Self {
        self.change(|endpoints| endpoints.cookies = cookies)
    }

    /// Sets the cross-site policy. The default is the policy of the gate.
    #[must_use]
    pub fn with_cross_site(self, cross_site: CrossSite) -> Self {
        self.change(|endpoints| endpoints.gate = endpoints.gate.clone().with_cross_site(cross_site))
    }

    /// Sets the `client_id` claim of access tokens (RFC 9068 §2.2). The default is `first-party`.
    #[must_use]
    pub fn with_client_id(self, client_id: impl Into<Box<str>>) -> Self {
        self.change(|endpoints| endpoints.client_id = client_id.into())
    }

    /// Sets whether clients can register accounts. The default is [`RegistrationMode::Disabled`].
    #[must_use]
    pub fn with_registration(self, registration: RegistrationMode) -> Self {
        self.change(|endpoints| endpoints.registration = registration)
    }

    /// Sets the path below which the endpoints are served. The default is `/auth`. The path of the key set
    /// stays the same.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] unless `base` is empty, or an absolute path of letters, digits, `/`, `-`, `.`,
    /// `_` and `~` that does not end with a slash.
    pub fn with_base(self, base: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let base = base.into();
        if !base.is_empty() && (!settings::is_plain_path(&base) || base.ends_with('/')) {
            return Err(ConfigError::Conflict(
                "the base of the endpoints must be an absolute path like /auth",
            ));
        }
        Ok(self.change(|endpoints| endpoints.base = base))
    }

    /// Sets the proxies that may name the address of a client. Without them, the address of a client is that of its
    /// connection.
    ///
    /// Login attempts and forged tokens are counted by this address. A [`ClientAddress`] that the application puts
    /// into the extensions of a request takes precedence.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.change(|endpoints| endpoints.proxies = Some(proxies))
    }

    /// Sets the clock, for tests. The default is the clock of the gate.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.change(|endpoints| endpoints.gate = endpoints.gate.clone().with_clock(clock))
    }

    /// Returns the path below which the endpoints are served.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// The path at which the endpoints serve the public keys of the issuer (RFC 7517 §5).
    pub const KEY_SET_PATH: &'static str = route::KEY_SET_PATH;

    /// Returns whether this path is one of the endpoints.
    #[must_use]
    pub fn handles(&self, path: &str) -> bool {
        Route::exists(&self.0.base, path)
    }

    /// Checks the head of a request, before its body is read. `peer` is the address of the connection: that of the
    /// client, or of a [trusted proxy](Self::with_trusted_proxies).
    ///
    /// # Errors
    /// The [`SessionResponse`] to a request that is rejected.
    pub fn begin<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        peer: Option<IpAddr>,
    ) -> Result<SessionRequest, SessionResponse> {
        self.begin_from(request, path, Addresses::of(request, peer, self.0.proxies.as_ref()))
    }

    /// Does what [`begin`](Self::begin) does, for a client whose address the application has determined.
    ///
    /// # Errors
    /// The [`SessionResponse`] to a request that is rejected.
    pub fn begin_for<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        client: ClientAddress,
    ) -> Result<SessionRequest, SessionResponse> {
        self.begin_from(request, path, Addresses { peer: None, client: Some(client.0) })
    }

    fn begin_from<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        addresses: Addresses,
    ) -> Result<SessionRequest, SessionResponse> {
        self.0.read_head(request, path, addresses).map_or_else(
            |problem| Err(self.0.counters.refused(problem).into_response(&self.0.challenge)),
            |head| Ok(SessionRequest::new(self.clone(), head)),
        )
    }
}

impl Endpoints {
    /// Checks and reads the head of a request. The cheapest checks come first.
    fn read_head<R: RequestView>(
        &self,
        request: &R,
        path: &str,
        addresses: Addresses,
    ) -> Result<RequestHead, Problem> {
        let route = Route::find(&self.base, path, request.method())?;
        if route.takes_body() {
            body::check_head(request)?;
        }
        let cookies = TokenCookies::read(self, request);
        if route != Route::KeySet {
            self.check_origin(request, &route, &cookies)?;
            self.check_csrf_token(request, &route, &cookies)?;
            self.check_cookie_profile(request, addresses)?;
        }
        let (client, pending_keys) = Client::read(self, request, cookies, &route, addresses.client)?;
        Ok(RequestHead { route, client, pending_keys })
    }

    fn check_origin<R: RequestView>(
        &self,
        request: &R,
        route: &Route,
        cookies: &TokenCookies,
    ) -> Result<(), Problem> {
        let cross_site = self.gate.cross_site();
        let verdict = if cookies.ambient {
            cross_site.check(request)
        } else if route.is_for_anonymous_clients() {
            cross_site.check_without_credential(request)
        } else {
            Ok(())
        };
        verdict.map_err(|error| {
            warn!(?route, %error, "request rejected: another site may have caused it");
            Problem::CrossSite(error)
        })
    }

    fn check_cookie_profile<R: RequestView>(&self, request: &R, addresses: Addresses) -> Result<(), Problem> {
        if !self.cookies.is_for_development() || settings::is_on_loopback(request, addresses) {
            return Ok(());
        }
        tracing::error!(?addresses, "request rejected: development cookies on a host that is not loopback");
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
