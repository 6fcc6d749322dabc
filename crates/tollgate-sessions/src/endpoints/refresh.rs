//! `POST refresh`.

use tracing::info;

use super::Inner;
use super::body::{self, TokenBody};
use super::client::Client;
use super::problem::Problem;
use super::response::Reply;
use crate::session::SessionView;
use crate::sessions::Transport;
use crate::session::EndReason;
use crate::accounts::users::User;

impl Inner {
    /// A token in the body counts before one in a cookie.
    pub(super) async fn refresh(&self, client: &Client, body: &[u8]) -> Result<Reply, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        if let Some(token) = &refresh_token {
            return self.renew(token.expose(), Transport::Body, client).await;
        }
        let Some(token) = &client.cookie else {
            info!("no refresh token was presented");
            return Err(Problem::InvalidGrant);
        };
        match self.renew(token, Transport::Cookie, client).await {
            Err(denied @ (Problem::InvalidGrant | Problem::Expired)) => {
                Ok(denied.reply(&self.challenge).with_cookies(self.cleared_cookies()))
            }
            answer => answer,
        }
    }

    /// What can fail is done first: a session that was renewed for an answer that cannot be given would be lost.
    async fn renew(&self, token: &str, transport: Transport, client: &Client) -> Result<Reply, Problem> {
        let family = client.family.as_deref();
        let looked = self.sessions.look_ahead(token, transport, family).await;
        let looked = looked.map_err(|error| self.refusal(error, client))?;
        let user = self.user_of(&looked.session).await?;
        let (flags, before) = (looked.flags(), looked.session.clone());
        let mut access = self.access(&user, &before, flags)?;
        let issued = self.sessions.go_ahead(looked, family).await?;
        if issued.session.epoch != before.epoch {
            // Other sessions of the user were ended in between, and access tokens of before with them.
            access = self.access(&user, &issued.session, flags)?;
        }
        self.hand_out(client, access, issued)
    }

    /// The user as of now: what was granted at the login may have been taken away since.
    async fn user_of(&self, session: &SessionView) -> Result<User, Problem> {
        let user = self.accounts.user(&session.subject).await?;
        if let Some(user) = user.filter(|user| user.enabled) {
            return Ok(user);
        }
        info!(session = %session.session, subject = ?session.subject, "user is disabled or gone; session ended");
        self.sessions.revoke(session.session, &session.subject, EndReason::Administrator).await?;
        Err(Problem::InvalidGrant)
    }
}
