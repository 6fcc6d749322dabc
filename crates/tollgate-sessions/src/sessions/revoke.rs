//! What ends sessions.

use tracing::{error, info, warn};

use super::{RefreshError, SessionError, Sessions};
use crate::session::RevokeReason;
use crate::session::SessionId;
use crate::store::{RevokeOutcome, RevokeRequest, RevokeScope, StoreError};

impl Sessions {
    /// Ends the session of a refresh token: of any generation, and even when it has expired.
    ///
    /// # Errors
    /// [`RefreshError::Malformed`] and [`RefreshError::Forged`] for what is no token of ours; [`RefreshError::Store`] when
    /// the store did not confirm: the session may still be live.
    pub async fn logout(&self, token: &str) -> Result<RevokeOutcome, RefreshError> {
        let token = self.read(token)?;
        self.revoke_session(token.session(), None, RevokeReason::Logout).await.map_err(RefreshError::Store)
    }

    /// Ends a session, if it belongs to `owner`.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store did not confirm.
    pub async fn revoke(
        &self,
        session: SessionId,
        owner: &str,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        Ok(self.revoke_session(session, Some(owner), reason).await?)
    }

    /// Ends all sessions of `subject`.
    ///
    /// # Errors
    /// [`SessionError`] when the store did not confirm, or the subject is empty.
    pub async fn revoke_all(
        &self,
        subject: &str,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        self.revoke_subject(subject, None, reason).await
    }

    /// Ends all sessions of `subject` but `keep`, as after a change of password. Access tokens of the kept session end
    /// too; renewing it brings new ones.
    ///
    /// # Errors
    /// [`SessionError`] when the store did not confirm, or the subject is empty.
    pub async fn revoke_others(
        &self,
        subject: &str,
        keep: SessionId,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        self.revoke_subject(subject, Some(keep), reason).await
    }

    /// Ends all sessions of everybody.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store did not confirm.
    pub async fn revoke_everything(&self, reason: RevokeReason) -> Result<RevokeOutcome, SessionError> {
        warn!(?reason, "all sessions of everybody end");
        Ok(self.revoke_scope(RevokeScope::Everything, reason).await?)
    }

    async fn revoke_subject(
        &self,
        subject: &str,
        keep: Option<SessionId>,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        if subject.is_empty() {
            return Err(SessionError::EmptySubject);
        }
        Ok(self.revoke_scope(RevokeScope::Subject { subject: subject.into(), keep }, reason).await?)
    }

    pub(super) async fn revoke_session(
        &self,
        session: SessionId,
        owner: Option<&str>,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, StoreError> {
        self.revoke_scope(RevokeScope::Session { session, owner: owner.map(Into::into) }, reason).await
    }

    async fn revoke_scope(
        &self,
        scope: RevokeScope,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, StoreError> {
        let command = RevokeRequest::new(scope, reason, self.0.announce_for);
        let revoked = self.ask(|| self.0.store.revoke(&command)).await.inspect_err(|error| {
            error!(scope = ?command.scope, %error, "sessions cannot be ended at present");
        })?;
        info!(scope = ?command.scope, ?reason, changed = revoked.changed, "sessions ended");
        Ok(revoked)
    }
}
