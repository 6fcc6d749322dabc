//! `GET sessions`, `DELETE sessions/{sid}`, and the key set.

use serde::Serialize;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::issuing::{KeyRotationSchedule, TokenIssuer};
use crate::session::{RevokeReason, SessionId, SessionInfo};

impl Endpoints {
    pub(super) async fn list_sessions(&self, client: &Client) -> Result<SessionResponse, Problem> {
        let holder = match &client.holder {
            Ok(holder) => holder,
            Err(refused) => return Ok(refused.clone()),
        };
        let sessions = self.sessions.list(&holder.subject).await?;
        let sessions = sessions.iter().map(|info| ListedSession::new(info, holder.session)).collect();
        Ok(SessionResponse::json(200, &SessionList { sessions }))
    }

    /// Revokes a session of the holder. The session of another user gets the same response as an unknown one.
    pub(super) async fn revoke_session(
        &self,
        client: &Client,
        session: Option<SessionId>,
    ) -> Result<SessionResponse, Problem> {
        let holder = match &client.holder {
            Ok(holder) => holder,
            Err(refused) => return Ok(refused.clone()),
        };
        let session = session.ok_or(Problem::NoSuchSession)?;
        let outcome = self.sessions.revoke(session, &holder.subject, RevokeReason::Logout).await?;
        if !outcome.changed {
            return Err(Problem::NoSuchSession);
        }
        let response = SessionResponse::empty(204);
        // Revoking the current session is a logout.
        if client.uses_cookies && holder.session == Some(session) {
            return Ok(response.with_cookies(self.cleared_cookies()));
        }
        Ok(response)
    }
}

/// Returns the key set (RFC 7517 §5). [`KeyRotationSchedule::new`] ensures that a key is published for at least
/// twice the `max-age` of this response before it signs.
pub(super) fn key_set(issuer: &TokenIssuer) -> SessionResponse {
    let max_age = KeyRotationSchedule::KEY_SET_MAX_AGE.as_secs();
    SessionResponse::public(
        "application/jwk-set+json",
        &format!("public, max-age={max_age}"),
        issuer.jwk_set(),
    )
}

/// The sessions of a user.
#[derive(Serialize)]
struct SessionList {
    sessions: Vec<ListedSession>,
}

/// A session as its user sees it.
#[derive(Serialize)]
struct ListedSession {
    sid: String,
    created_at: i64,
    last_used_at: i64,
    current: bool,
}

impl ListedSession {
    fn new(info: &SessionInfo, current: Option<SessionId>) -> Self {
        Self {
            sid: info.session.to_string(),
            created_at: info.created_at.to_unix_time().as_secs(),
            last_used_at: info.last_used_at.to_unix_time().as_secs(),
            current: current == Some(info.session),
        }
    }
}
