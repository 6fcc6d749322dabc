//! The response to a login or a refresh: the tokens of a session, in the body or in cookies.

use std::time::Duration;

use serde::Serialize;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::accounts::users::User;
use crate::issuing::{AccessToken, ClientId, SignedToken};
use crate::session::SessionInfo;
use crate::sessions::IssuedSession;
use crate::sessions::tokens::RefreshTokenFlags;
use crate::store::{RefreshKind, RefreshPolicy};

/// An access token that goes into the response.
pub(super) struct IssuedAccessToken {
    token: SignedToken,
    expires_in: u64,
    scope: String,
    /// The `Set-Cookie` header of the token, if the session uses cookies.
    cookie: Option<String>,
}

impl Endpoints {
    /// Issues an access token for a session whose refresh token has these flags.
    pub(super) fn issue_access_token(
        &self,
        user: &User,
        session: &SessionInfo,
        flags: RefreshTokenFlags,
    ) -> Result<IssuedAccessToken, Problem> {
        let now = self.now();
        let token = AccessToken::of_session(session, ClientId::new(self.client_id.clone()))
            .with_scopes(user.scopes.iter().map(String::as_str))
            .with_roles(user.roles.iter().map(String::as_str));
        let token = self.issuer.issue(&token, now)?;
        let expires_in = token.expires_at().since(now).as_secs();
        let max_age = (!flags.is_transient()).then_some(expires_in);
        let cookie = flags.is_cookie_bound().then(|| self.cookies.set_access(token.as_str(), max_age));
        Ok(IssuedAccessToken { expires_in, scope: user.scopes.join(" "), cookie: cookie.transpose()?, token })
    }

    /// Returns the response with the tokens of a session. The flags of the refresh token decide between body
    /// and cookies.
    pub(super) fn token_response(
        &self,
        client: &Client,
        access: IssuedAccessToken,
        issued: IssuedSession,
    ) -> Result<SessionResponse, Problem> {
        let tokens = IssuedTokens { access, issued };
        match &tokens.access.cookie {
            Some(cookie) => self.cookie_response(client, &tokens, cookie),
            None => Ok(tokens.body_response()),
        }
    }

    fn cookie_response(
        &self,
        client: &Client,
        tokens: &IssuedTokens,
        access: &str,
    ) -> Result<SessionResponse, Problem> {
        let IssuedTokens { access: IssuedAccessToken { expires_in, scope, .. }, issued } = tokens;
        let transient = issued.refresh_token.flags().is_transient();
        let max_age = (!transient).then(|| tokens.refresh_token_expires_in());
        let refresh = self.cookies.set_refresh(&issued.refresh_token.expose(), max_age)?;
        let csrf = self.csrf_cookie(issued.session.session, client, max_age)?;
        let body = CookieResponse { token_type: "Cookie", expires_in: *expires_in, scope };
        Ok(SessionResponse::json(200, &body)
            .with_cookies([access.to_owned(), refresh].into_iter().chain(csrf)))
    }
}

/// The tokens that go into the response.
struct IssuedTokens {
    access: IssuedAccessToken,
    issued: IssuedSession,
}

impl IssuedTokens {
    fn body_response(&self) -> SessionResponse {
        let IssuedAccessToken { token, expires_in, scope, .. } = &self.access;
        let body = TokenResponse {
            access_token: token.as_str(),
            token_type: "Bearer",
            expires_in: *expires_in,
            refresh_token: self.issued.refresh_token.expose(),
            refresh_token_expires_in: self.refresh_token_expires_in(),
            scope,
        };
        // For caches that do not implement `Cache-Control` (RFC 6749 §5.1).
        SessionResponse::json(200, &body).with_header("pragma", "no-cache")
    }

    /// Returns the remaining idle lifetime in seconds, by the clock of the store. A replay assumes the longest
    /// grace period, as the session rotated a moment before.
    fn refresh_token_expires_in(&self) -> u64 {
        let session = &self.issued.session;
        let lifetime = session.idle_expiry.since(session.last_used_at);
        let elapsed = if self.issued.kind == Some(RefreshKind::Replayed) {
            RefreshPolicy::MAX_GRACE_PERIOD
        } else {
            Duration::ZERO
        };
        lifetime.saturating_sub(elapsed).as_secs()
    }
}

/// The body of a response with tokens (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    refresh_token_expires_in: u64,
    scope: &'a str,
}

/// The body of a response with cookies: what scripts may learn about the tokens.
#[derive(Serialize)]
struct CookieResponse<'a> {
    token_type: &'static str,
    expires_in: u64,
    scope: &'a str,
}
