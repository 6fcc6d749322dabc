//! `POST logout` and `POST logout-all`.

use super::Endpoints;
use super::body::{self, Secret, TokenBody};
use super::client::{Client, Holder};
use super::problem::Problem;
use super::response::SessionResponse;
use crate::session::RevokeReason;
use crate::sessions::tokens::RefreshToken;
use crate::sessions::{RefreshError, TokenTransport};

impl Endpoints {
    /// The session of the refresh token ends, in the body or in the cookie; without one of ours, that of the access token.
    /// Who has none of them is logged out already (RFC 7009 §2.2).
    pub(super) async fn log_out(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        let presented = Presented::of(refresh_token.as_ref(), client)?;
        let outcome = self.end_presented(presented, client).await;
        Ok(self.after_logout(outcome, presented, client))
    }

    async fn end_presented(&self, presented: Option<Presented<'_>>, client: &Client) -> Result<(), Problem> {
        if let Some(presented) = presented {
            match self.sessions.logout(presented.token).await {
                Ok(_) => return Ok(()),
                Err(RefreshError::Store(error)) => return Err(error.into()),
                // Not ours. A good access token may still say which session it is.
                Err(_) => {}
            }
        }
        if let Ok(Holder { subject, session: Some(session) }) = &client.holder {
            self.sessions.revoke(*session, subject, RevokeReason::Logout).await?;
        }
        Ok(())
    }

    /// All sessions end of whoever has the access token, or can renew with the refresh token. A token in the body counts
    /// before one that the browser has added.
    pub(super) async fn log_out_everywhere(
        &self,
        client: &Client,
        body: &[u8],
    ) -> Result<SessionResponse, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        let presented = Presented::of(refresh_token.as_ref(), client)?;
        let by_body =
            presented.filter(|presented| presented.transport == TokenTransport::Body && client.uses_cookies);
        let outcome = match (by_body, &client.holder, presented) {
            (Some(presented), _, _) | (None, Err(_), Some(presented)) => {
                self.end_all_of(presented, client).await
            }
            (None, Ok(holder), _) => self.end_all(&holder.subject).await,
            (None, Err(refused), None) => return Ok(refused.clone()),
        };
        Ok(self.after_logout(outcome, presented, client))
    }

    async fn end_all_of(&self, presented: Presented<'_>, client: &Client) -> Result<(), Problem> {
        let Presented { token, transport } = presented;
        let issued = self.sessions.refresh(token, transport, client.family.as_deref()).await?;
        self.end_all(&issued.session.subject).await
    }

    async fn end_all(&self, subject: &str) -> Result<(), Problem> {
        self.sessions.revoke_all(subject, RevokeReason::SubjectRevoked).await?;
        Ok(())
    }

    /// Whoever wants to be logged out loses the cookies, also when the store has not confirmed the end: that is what 503 says.
    fn after_logout(
        &self,
        outcome: Result<(), Problem>,
        presented: Option<Presented<'_>>,
        client: &Client,
    ) -> SessionResponse {
        let reply = match outcome {
            Ok(()) => SessionResponse::empty(204),
            Err(problem) => problem.reply(&self.challenge),
        };
        let by_body = presented.is_some_and(|presented| presented.transport == TokenTransport::Body);
        let explicit = by_body || !client.uses_cookies;
        if explicit || outcome == Err(Problem::WrongTransport) {
            return reply;
        }
        reply.with_cookies(self.cleared_cookies())
    }
}

/// A refresh token, and how it came.
#[derive(Clone, Copy)]
struct Presented<'a> {
    token: &'a str,
    transport: TokenTransport,
}

impl<'a> Presented<'a> {
    /// A token that belongs into a cookie is not taken from a body: a script that has it should not have it.
    fn of(body: Option<&'a Secret>, client: &'a Client) -> Result<Option<Self>, Problem> {
        let Some(secret) = body else {
            let cookie = client.cookie.as_ref();
            return Ok(cookie.map(|token| Self { token, transport: TokenTransport::Cookie }));
        };
        let token = secret.expose();
        let bound = token.parse::<RefreshToken>().is_ok_and(|token| token.flags().is_cookie_bound());
        if bound {
            tracing::warn!("refresh token came another way than it was given out");
            return Err(Problem::WrongTransport);
        }
        Ok(Some(Self { token, transport: TokenTransport::Body }))
    }
}
