//! Which sessions there are.

use serde::Deserialize;
use tollgate::Verified;

use super::{SessionError, Sessions};
use crate::session::RevokeReason;
use crate::session::{SessionId, SessionInfo};
use crate::store::{PurgeOutcome, StoreError};

/// What an access token says about its session.
#[derive(Deserialize)]
struct SessionClaims {
    sid: Option<Box<str>>,
    sep: Option<i64>,
}

impl Sessions {
    /// The live sessions of `subject`, the one last renewed first.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, SessionError> {
        if subject.is_empty() {
            return Err(SessionError::EmptySubject);
        }
        let limit = self.0.settings.per_subject.saturating_add(SURPLUS);
        Ok(self.ask(|| self.0.store.list(subject, limit)).await?)
    }

    /// Lets the store forget what is over, some `budget` records at a time. To be called every minute or so, as
    /// [`purge_periodically`](Self::purge_periodically) does: otherwise a store that is no cache grows with every login.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn purge(&self, budget: usize) -> Result<PurgeOutcome, SessionError> {
        Ok(self.ask(|| self.0.store.purge(budget)).await?)
    }

    /// Whether the session of an access token is live, asking the store: for a route where an end has to count at once, and
    /// which can wait. [`RevokedSessions`](crate::RevokedSessions) know a moment later, without asking. A token
    /// that belongs to no session is not of a live one.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the session may be either. Answer 503.
    pub async fn is_live(&self, token: &Verified) -> Result<bool, SessionError> {
        let Ok(claims) = token.claims::<SessionClaims>() else { return Ok(false) };
        let session = claims.sid.as_deref().and_then(|sid| sid.parse::<SessionId>().ok());
        let subject = token.subject().filter(|subject| !subject.is_empty());
        let (Some(session), Some(epoch), Some(subject)) = (session, claims.sep, subject) else {
            return Ok(false);
        };
        let found = self.find(subject, session).await?;
        Ok(found.is_some_and(|view| view.epoch <= epoch))
    }

    /// A live session of `subject`. One that is not among those last renewed is looked for among more, until there are no
    /// more: a subject can have more than it may.
    async fn find(&self, subject: &str, session: SessionId) -> Result<Option<SessionInfo>, StoreError> {
        let mut limit = self.0.settings.per_subject.saturating_add(SURPLUS);
        loop {
            let live = self.ask(|| self.0.store.list(subject, limit)).await?;
            let all = live.len() < limit;
            let found = live.into_iter().find(|view| view.session == session);
            if found.is_some() || all {
                return Ok(found);
            }
            limit = limit.saturating_mul(4);
        }
    }

    /// A login that succeeded is not taken back because this fails: the next one does it.
    pub(super) async fn revoke_surplus(&self, subject: &str) {
        let Ok(sessions) = self.list(subject).await else { return };
        for view in sessions.into_iter().skip(self.0.settings.per_subject) {
            if self.revoke_session(view.session, Some(subject), RevokeReason::TooManySessions).await.is_err()
            {
                return;
            }
        }
    }
}

/// How many sessions beyond those allowed are looked at, and ended, at a login.
const SURPLUS: usize = 32;
