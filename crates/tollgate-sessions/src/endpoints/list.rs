//! `GET sessions`, `DELETE sessions/{sid}`, and the key set.

use serde::Serialize;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::issuing::KeyRotationSchedule;
use crate::issuing::TokenIssuer;
use crate::session::RevokeReason;
use crate::session::{SessionId, SessionInfo};

impl Endpoints {
    pub(super) async fn list_sessions(&self, client: &Client) -> Result<SessionResponse, Problem> {
        let holder = match &client.holder {
            Ok(holder) => holder,
            Err(refused) => return Ok(refused.clone()),
        };
        let views = self.sessions.list(&holder.subject).await?;
        let sessions = views.iter().map(|view| Listed::new(view, holder.session)).collect();
        Ok(SessionResponse::json(200, &Listing { sessions }))
    }

    /// A session that belongs to somebody else is answered like one that is not there.
    pub(super) async fn end_session(
        &self,
        client: &Client,
        session: Option<SessionId>,
    ) -> Result<SessionResponse, Problem> {
        let holder = match &client.holder {
            Ok(holder) => holder,
            Err(refused) => return Ok(refused.clone()),
        };
        let session = session.ok_or(Problem::NoSuchSession)?;
        let ended = self.sessions.revoke(session, &holder.subject, RevokeReason::Logout).await?;
        if !ended.changed {
            return Err(Problem::NoSuchSession);
        }
        let reply = SessionResponse::empty(204);
        // To end the session that one is in is to log out.
        if client.uses_cookies && holder.session == Some(session) {
            return Ok(reply.with_cookies(self.cleared_cookies()));
        }
        Ok(reply)
    }
}

/// The public keys (RFC 7517 §5). A key of a ring is published for at least twice as long as this is kept before it signs, or
/// [`KeyRotationSchedule::new`] refuses.
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
struct Listing {
    sessions: Vec<Listed>,
}

/// A session as its user sees it.
#[derive(Serialize)]
struct Listed {
    sid: String,
    created_at: i64,
    last_used_at: i64,
    current: bool,
}

impl Listed {
    fn new(view: &SessionInfo, current: Option<SessionId>) -> Self {
        Self {
            sid: view.session.to_string(),
            created_at: view.created_at.to_unix_time().as_secs(),
            last_used_at: view.last_used_at.to_unix_time().as_secs(),
            current: current == Some(view.session),
        }
    }
}
