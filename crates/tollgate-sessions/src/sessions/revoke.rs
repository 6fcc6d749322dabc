//! Revoking sessions: by refresh token, by ID, by subject, or all of them.

use tracing::{error, info, warn};

use super::{RefreshError, SessionError, Sessions};
use crate::session::RevokeReason;
use crate::session::SessionId;
use crate::store::{RevokeOutcome, RevokeRequest, RevokeScope, StoreError};

impl Sessions {
    /// Revokes the session of a refresh token. The token may be of any generation, and may have expired.
    ///
    /// # Errors
    /// - [`RefreshError::Malformed`] or [`RefreshError::Forged`] when none of the [`RefreshKeys`](crate::RefreshKeys)
    ///   has made the token.
    /// - [`RefreshError::Store`] when the store did not confirm. The session may still be live.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// let issued = sessions.create(&Login::new("alice")).await?;
    ///
    /// let outcome = sessions.logout(&issued.refresh_token.expose()).await?;
    /// assert!(outcome.changed);
    /// # Ok(()) }
    /// ```
    pub async fn logout(&self, token: &str) -> Result<RevokeOutcome, RefreshError> {
        let token = self.authenticate(token)?;
        self.revoke_session(token.session(), None, RevokeReason::Logout).await.map_err(RefreshError::Store)
    }

    /// Revokes the session with this ID, if it belongs to the subject `owner`.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store did not confirm.
    ///
    /// # Examples
    /// ```
    /// use tollgate_sessions::session::RevokeReason;
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// let session = sessions.create(&Login::new("alice")).await?.session.session;
    ///
    /// let of_other_user = sessions.revoke(session, "bob", RevokeReason::Logout).await?;
    /// assert!(!of_other_user.changed);
    /// let outcome = sessions.revoke(session, "alice", RevokeReason::Logout).await?;
    /// assert!(outcome.changed);
    /// # Ok(()) }
    /// ```
    pub async fn revoke(
        &self,
        session: SessionId,
        owner: &str,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        Ok(self.revoke_session(session, Some(owner), reason).await?)
    }

    /// Revokes all sessions of `subject`.
    ///
    /// # Errors
    /// [`SessionError`] when the store did not confirm, or the subject is empty.
    ///
    /// # Examples
    /// ```
    /// use tollgate_sessions::session::RevokeReason;
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// sessions.create(&Login::new("alice")).await?;
    /// sessions.create(&Login::new("alice")).await?;
    ///
    /// sessions.revoke_all("alice", RevokeReason::Administrator).await?;
    /// assert!(sessions.list("alice").await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub async fn revoke_all(
        &self,
        subject: &str,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        self.revoke_subject(subject, None, reason).await
    }

    /// Revokes all sessions of `subject` except `keep`, as after a password change. This revokes the access tokens
    /// of the kept session too. Its next refresh issues new ones.
    ///
    /// # Errors
    /// [`SessionError`] when the store did not confirm, or the subject is empty.
    ///
    /// # Examples
    /// ```
    /// use tollgate_sessions::session::RevokeReason;
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// let laptop = sessions.create(&Login::new("alice")).await?.session.session;
    /// sessions.create(&Login::new("alice")).await?;
    ///
    /// sessions.revoke_others("alice", laptop, RevokeReason::PasswordChange).await?;
    /// let live = sessions.list("alice").await?;
    /// assert_eq!(live.len(), 1);
    /// assert_eq!(live[0].session, laptop);
    /// # Ok(()) }
    /// ```
    pub async fn revoke_others(
        &self,
        subject: &str,
        keep: SessionId,
        reason: RevokeReason,
    ) -> Result<RevokeOutcome, SessionError> {
        self.revoke_subject(subject, Some(keep), reason).await
    }

    /// Revokes all sessions of all subjects.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store did not confirm.
    pub async fn revoke_everything(&self, reason: RevokeReason) -> Result<RevokeOutcome, SessionError> {
        warn!(?reason, "revoking all sessions of all subjects");
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
        let request = RevokeRequest::new(scope, reason, self.0.announce_for);
        let outcome = self.call_store(|| self.0.store.revoke(&request)).await.inspect_err(|error| {
            error!(scope = ?request.scope, %error, "sessions cannot be revoked: the store failed");
        })?;
        info!(scope = ?request.scope, ?reason, changed = outcome.changed, "sessions revoked");
        Ok(outcome)
    }
}
