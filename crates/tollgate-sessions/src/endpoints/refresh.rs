//! `POST refresh`.

use tracing::info;

use super::Endpoints;
use super::body::{self, TokenBody};
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::accounts::users::User;
use crate::session::{RevokeReason, SessionInfo};
use crate::sessions::TokenTransport;

impl Endpoints {
    /// A token in the body takes precedence over one in a cookie.
    pub(super) async fn refresh(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        if let Some(token) = &refresh_token {
            return self.exchange(token.expose(), TokenTransport::Body, client).await;
        }
        let Some(token) = &client.cookie else {
            info!("request without a refresh token");
            return Err(Problem::InvalidGrant);
        };
        match self.exchange(token, TokenTransport::Cookie, client).await {
            Err(denied @ (Problem::InvalidGrant | Problem::Expired)) => {
                Ok(denied.into_response(&self.challenge).with_cookies(self.cleared_cookies()))
            }
            answer => answer,
        }
    }

    /// Previews the refresh, does everything that may fail, and then commits: a token that rotates for an
    /// answer that cannot be given would be lost.
    async fn exchange(
        &self,
        token: &str,
        transport: TokenTransport,
        client: &Client,
    ) -> Result<SessionResponse, Problem> {
        let family = client.family.as_deref();
        let preview = self.sessions.preview(token, transport, family).await;
        let preview = preview.map_err(|error| self.refresh_problem(error, client))?;
        let user = self.user_of(&preview.session).await?;

        let (flags, before) = (preview.flags(), preview.session.clone());
        let mut access = self.issue_access_token(&user, &before, flags)?;
        let issued = self.sessions.commit(preview, family).await?;
        if issued.session.epoch != before.epoch {
            // Another call revoked the user's other sessions in between, and with them the access tokens of
            // before.
            access = self.issue_access_token(&user, &issued.session, flags)?;
        }
        self.token_response(client, access, issued)
    }

    /// Returns the user as of now: roles may have been withdrawn since the login.
    async fn user_of(&self, session: &SessionInfo) -> Result<User, Problem> {
        let user = self.accounts.user(&session.subject).await?;
        if let Some(user) = user.filter(|user| user.enabled) {
            return Ok(user);
        }
        info!(session = %session.session, subject = ?session.subject, "user is disabled or deleted; session revoked");
        self.sessions.revoke(session.session, &session.subject, RevokeReason::Administrator).await?;
        Err(Problem::InvalidGrant)
    }
}
