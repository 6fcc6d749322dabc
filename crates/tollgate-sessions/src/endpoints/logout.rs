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
    /// Revokes the session of the refresh token, which is in the body or in the cookie. Without a valid one,
    /// revokes the session of the access token. A client that has neither is already logged out (RFC 7009
    /// §2.2).
    pub(super) async fn log_out(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        let presented = PresentedToken::find(refresh_token.as_ref(), client)?;
        let outcome = self.revoke_presented(presented, client).await;
        Ok(self.after_logout(outcome, presented, client))
    }

    async fn revoke_presented(
        &self,
        presented: Option<PresentedToken<'_>>,
        client: &Client,
    ) -> Result<(), Problem> {
        if let Some(presented) = presented {
            match self.sessions.logout(presented.token).await {
                Ok(_) => return Ok(()),
                Err(RefreshError::Store(error)) => return Err(error.into()),
                // The token is malformed or forged. A valid access token may still name the session.
                Err(_) => {}
            }
        }
        if let Ok(Holder { subject, session: Some(session) }) = &client.holder {
            self.sessions.revoke(*session, subject, RevokeReason::Logout).await?;
        }
        Ok(())
    }

    /// Revokes all sessions of the user, whom the access token or a valid refresh token identifies. A token in
    /// the body takes precedence over tokens in cookies.
    pub(super) async fn log_out_all(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        let TokenBody { refresh_token } = body::read(body)?;
        let presented = PresentedToken::find(refresh_token.as_ref(), client)?;
        let by_body =
            presented.filter(|presented| presented.transport == TokenTransport::Body && client.uses_cookies);
        let outcome = match (by_body, &client.holder, presented) {
            (Some(presented), _, _) | (None, Err(_), Some(presented)) => {
                self.revoke_all_of_token(presented, client).await
            }
            (None, Ok(holder), _) => self.revoke_all(&holder.subject).await,
            (None, Err(refused), None) => return Ok(refused.clone()),
        };
        Ok(self.after_logout(outcome, presented, client))
    }

    async fn revoke_all_of_token(
        &self,
        presented: PresentedToken<'_>,
        client: &Client,
    ) -> Result<(), Problem> {
        let PresentedToken { token, transport } = presented;
        let issued = self.sessions.refresh(token, transport, client.family.as_deref()).await?;
        self.revoke_all(&issued.session.subject).await
    }

    async fn revoke_all(&self, subject: &str) -> Result<(), Problem> {
        self.sessions.revoke_all(subject, RevokeReason::SubjectRevoked).await?;
        Ok(())
    }

    /// Clears the cookies, unless the client presented an explicit token. Clears them even if the store did not
    /// confirm the revocation, which the client sees from the 503.
    fn after_logout(
        &self,
        outcome: Result<(), Problem>,
        presented: Option<PresentedToken<'_>>,
        client: &Client,
    ) -> SessionResponse {
        let response = match outcome {
            Ok(()) => SessionResponse::empty(204),
            Err(problem) => problem.into_response(&self.challenge),
        };
        let by_body = presented.is_some_and(|presented| presented.transport == TokenTransport::Body);
        let explicit = by_body || !client.uses_cookies;
        if explicit || outcome == Err(Problem::WrongTransport) {
            return response;
        }
        response.with_cookies(self.cleared_cookies())
    }
}

/// The refresh token of a request, and its transport.
#[derive(Clone, Copy)]
struct PresentedToken<'a> {
    token: &'a str,
    transport: TokenTransport,
}

impl<'a> PresentedToken<'a> {
    /// Returns the token in the body, or else the token in the cookie. Rejects a token in the body that is
    /// bound to a cookie: no script should have it.
    fn find(body: Option<&'a Secret>, client: &'a Client) -> Result<Option<Self>, Problem> {
        let Some(secret) = body else {
            let cookie = client.cookie.as_ref();
            return Ok(cookie.map(|token| Self { token, transport: TokenTransport::Cookie }));
        };
        let token = secret.expose();
        let bound = token.parse::<RefreshToken>().is_ok_and(|token| token.flags().is_cookie_bound());
        if bound {
            tracing::warn!("refresh token was presented by another transport than it was issued for");
            return Err(Problem::WrongTransport);
        }
        Ok(Some(Self { token, transport: TokenTransport::Body }))
    }
}
