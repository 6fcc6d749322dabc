//! [`Grant`]: tokens to hand out, and the answer that does it.

use std::time::Duration;

use serde::Serialize;

use super::Inner;
use super::client::Client;
use super::problem::Problem;
use super::reply::Reply;
use crate::issuer::{AccessToken, SignedToken};
use crate::refresh::{RenewalKind, RotationPolicy};
use crate::sessions::Issued;
use crate::users::User;

/// Tokens to hand out.
struct Grant {
    access: SignedToken,
    issued: Issued,
    expires_in: u64,
    scope: String,
}

impl Inner {
    /// The answer that hands out the tokens of a session: in the body or in cookies, as its refresh token says.
    pub(super) fn hand_out(&self, client: &Client, user: &User, issued: Issued) -> Result<Reply, Problem> {
        let now = self.now();
        let token = AccessToken::of_session(&issued.session, self.client_id.clone())
            .with_scopes(user.scopes.iter().map(String::as_str))
            .with_roles(user.roles.iter().map(String::as_str));
        let access = self.issuer.issue(&token, now)?;
        let expires_in = access.expires_at().since(now).as_secs();
        let grant = Grant { access, issued, expires_in, scope: user.scopes.join(" ") };
        if grant.issued.refresh_token.flags().is_cookie_bound() {
            self.in_cookies(client, &grant)
        } else {
            Ok(grant.in_body())
        }
    }

    fn in_cookies(&self, client: &Client, grant: &Grant) -> Result<Reply, Problem> {
        let flags = grant.issued.refresh_token.flags();
        let max_age = |secs| (!flags.is_transient()).then_some(secs);
        let session_age = max_age(grant.refresh_expires_in());
        let cookies = [
            self.cookies.set_access(grant.access.as_str(), max_age(grant.expires_in))?,
            self.cookies.set_refresh(&grant.issued.refresh_token.expose(), session_age)?,
        ];
        let csrf = self.csrf_cookie(grant.issued.session.session, client, session_age)?;
        let body = CookieGrant { token_type: "Cookie", expires_in: grant.expires_in, scope: &grant.scope };
        Ok(Reply::json(200, &body).with_cookies(cookies.into_iter().chain(csrf)))
    }
}

impl Grant {
    fn in_body(&self) -> Reply {
        Reply::json(
            200,
            &TokenGrant {
                access_token: self.access.as_str(),
                token_type: "Bearer",
                expires_in: self.expires_in,
                refresh_token: self.issued.refresh_token.expose(),
                refresh_expires_in: self.refresh_expires_in(),
                scope: &self.scope,
            },
        )
    }

    /// By the store's clock alone. An answer that is given again was true a moment ago.
    fn refresh_expires_in(&self) -> u64 {
        let session = &self.issued.session;
        let left = session.idle_expiry.since(session.rotated_at);
        let ago = if self.issued.kind == Some(RenewalKind::Replayed) {
            RotationPolicy::MAX_WINDOW
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
    refresh_expires_in: u64,
    scope: &'a str,
}

/// What scripts may know of tokens in cookies.
#[derive(Serialize)]
struct CookieGrant<'a> {
    token_type: &'static str,
    expires_in: u64,
    scope: &'a str,
}
