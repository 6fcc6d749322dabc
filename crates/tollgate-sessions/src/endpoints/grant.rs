//! [`Grant`]: tokens to hand out, and the answer that does it.

use std::time::Duration;

use serde::Serialize;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::accounts::users::User;
use crate::issuing::{AccessToken, SignedToken};
use crate::session::SessionInfo;
use crate::sessions::IssuedSession;
use crate::sessions::tokens::RefreshTokenFlags;
use crate::store::{RefreshKind, RefreshPolicy};

/// An access token to hand out.
pub(super) struct Access {
    token: SignedToken,
    expires_in: u64,
    scope: String,
    /// The cookie that holds it, if it travels in one.
    cookie: Option<String>,
}

impl Endpoints {
    /// The access token of a session whose refresh token has these flags.
    pub(super) fn access(
        &self,
        user: &User,
        session: &SessionInfo,
        flags: RefreshTokenFlags,
    ) -> Result<Access, Problem> {
        let now = self.now();
        let token = AccessToken::of_session(session, self.client_id.clone())
            .with_scopes(user.scopes.iter().map(String::as_str))
            .with_roles(user.roles.iter().map(String::as_str));
        let token = self.issuer.issue(&token, now)?;
        let expires_in = token.expires_at().since(now).as_secs();
        let max_age = (!flags.is_transient()).then_some(expires_in);
        let in_cookie = flags.is_cookie_bound().then(|| self.cookies.set_access(token.as_str(), max_age));
        Ok(Access { expires_in, scope: user.scopes.join(" "), cookie: in_cookie.transpose()?, token })
    }

    /// The answer that hands out the tokens of a session: in the body or in cookies, as its refresh token says.
    pub(super) fn hand_out(
        &self,
        client: &Client,
        access: Access,
        issued: IssuedSession,
    ) -> Result<SessionResponse, Problem> {
        let grant = Grant { access, issued };
        match &grant.access.cookie {
            Some(cookie) => self.in_cookies(client, &grant, cookie),
            None => Ok(grant.in_body()),
        }
    }

    fn in_cookies(&self, client: &Client, grant: &Grant, access: &str) -> Result<SessionResponse, Problem> {
        let Grant { access: Access { expires_in, scope, .. }, issued } = grant;
        let transient = issued.refresh_token.flags().is_transient();
        let max_age = (!transient).then(|| grant.refresh_token_expires_in());
        let refresh = self.cookies.set_refresh(&issued.refresh_token.expose(), max_age)?;
        let csrf = self.csrf_cookie(issued.session.session, client, max_age)?;
        let body = CookieGrant { token_type: "Cookie", expires_in: *expires_in, scope };
        Ok(SessionResponse::json(200, &body)
            .with_cookies([access.to_owned(), refresh].into_iter().chain(csrf)))
    }
}

/// Tokens to hand out.
struct Grant {
    access: Access,
    issued: IssuedSession,
}

impl Grant {
    fn in_body(&self) -> SessionResponse {
        let Access { token, expires_in, scope, .. } = &self.access;
        let body = TokenGrant {
            access_token: token.as_str(),
            token_type: "Bearer",
            expires_in: *expires_in,
            refresh_token: self.issued.refresh_token.expose(),
            refresh_token_expires_in: self.refresh_token_expires_in(),
            scope,
        };
        // For caches that know no `Cache-Control` (RFC 6749 §5.1).
        SessionResponse::json(200, &body).with_header("pragma", "no-cache")
    }

    /// By the store's clock alone. An answer that is given again was true a moment ago.
    fn refresh_token_expires_in(&self) -> u64 {
        let session = &self.issued.session;
        let left = session.idle_expiry.since(session.last_used_at);
        let ago = if self.issued.kind == Some(RefreshKind::Replayed) {
            RefreshPolicy::MAX_GRACE_PERIOD
        } else {
            Duration::ZERO
        };
        left.saturating_sub(ago).as_secs()
    }
}

/// Tokens in a body (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenGrant<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    refresh_token_expires_in: u64,
    scope: &'a str,
}

/// What scripts may know of tokens in cookies.
#[derive(Serialize)]
struct CookieGrant<'a> {
    token_type: &'static str,
    expires_in: u64,
    scope: &'a str,
}
