//! Listing live sessions, looking one up, and purging the store.

use tollgate::Verified;

use super::{SessionError, Sessions};
use crate::session::{RevokeReason, SessionClaims, SessionId, SessionInfo};
use crate::store::{PurgeOutcome, StoreError};

impl Sessions {
    /// Returns the live sessions of `subject`. The session that was refreshed last comes first.
    ///
    /// # Errors
    /// [`SessionError`] when the store failed, or the subject is empty.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// sessions.create(&Login::new("alice").with_client("Firefox/Linux")).await?;
    /// sessions.create(&Login::new("alice").with_client("Safari/iOS")).await?;
    ///
    /// for session in sessions.list("alice").await? {
    ///     println!("{} last used at {}", session.session, session.last_used_at);
    /// }
    /// # assert_eq!(sessions.list("alice").await?.len(), 2);
    /// # Ok(()) }
    /// ```
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, SessionError> {
        if subject.is_empty() {
            return Err(SessionError::EmptySubject);
        }
        let limit = self.0.settings.per_subject.saturating_add(SURPLUS);
        Ok(self.call_store(|| self.0.store.list(subject, limit)).await?)
    }

    /// Purges about `budget` records of expired and revoked sessions from the store.
    ///
    /// Call this about once a minute, as [`purge_periodically`](Self::purge_periodically) does. Without it, a
    /// store that does not expire records by itself grows with every login.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store failed.
    pub async fn purge(&self, budget: usize) -> Result<PurgeOutcome, SessionError> {
        Ok(self.call_store(|| self.0.store.purge(budget)).await?)
    }

    /// Returns whether the session of an access token is live, with a query to the store. Returns `false` for a
    /// token without a session.
    ///
    /// Use this on a route where a revocation must take effect at once, and that can wait for the store.
    /// [`RevokedSessions`](crate::RevokedSessions) learns of a revocation a moment later, without a query.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the store failed. The session may or may not be live, so respond with 503.
    ///
    /// # Examples
    /// ```
    /// use tollgate::{Algorithm, Audience, Clock, Issuer, SystemClock, Verifier};
    /// use tollgate_sessions::issuing::{AccessToken, ClientId};
    /// use tollgate_sessions::{SigningKey, TokenIssuer};
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
    /// let verifier = Verifier::new(key.verifying_key()?, issuer.clone(), audience.clone());
    /// let issuer = TokenIssuer::new(key, issuer, audience);
    ///
    /// let issued = sessions.create(&Login::new("alice")).await?;
    /// let now = SystemClock::new().now();
    /// let token = issuer.issue(&AccessToken::of_session(&issued.session, ClientId::new("web")), now)?;
    /// let verified = verifier.verify(token.as_str(), now)?;
    /// assert!(sessions.is_live(&verified).await?);
    ///
    /// sessions.logout(&issued.refresh_token.expose()).await?;
    /// assert!(!sessions.is_live(&verified).await?);
    /// # Ok(()) }
    /// ```
    pub async fn is_live(&self, token: &Verified) -> Result<bool, SessionError> {
        let Ok(claims) = token.claims::<SessionClaims>() else { return Ok(false) };
        let subject = token.subject().filter(|subject| !subject.is_empty());
        let (Some(session), Some(epoch), Some(subject)) = (claims.session(), claims.sep, subject) else {
            return Ok(false);
        };
        let found = self.find(subject, session).await?;
        Ok(found.is_some_and(|info| info.epoch <= epoch))
    }

    /// Returns a live session of `subject`. If the session is not among those that were refreshed last, this
    /// lists more of them, until there are no more: a subject can temporarily have more sessions than the
    /// settings allow.
    async fn find(&self, subject: &str, session: SessionId) -> Result<Option<SessionInfo>, StoreError> {
        let mut limit = self.0.settings.per_subject.saturating_add(SURPLUS);
        loop {
            let live = self.call_store(|| self.0.store.list(subject, limit)).await?;
            let all = live.len() < limit;
            let found = live.into_iter().find(|info| info.session == session);
            if found.is_some() || all {
                return Ok(found);
            }
            limit = limit.saturating_mul(4);
        }
    }

    /// Revokes the sessions beyond the number that the settings allow. A failure does not undo the login: the
    /// next login tries again.
    pub(super) async fn revoke_surplus(&self, subject: &str) {
        let Ok(sessions) = self.list(subject).await else { return };
        for info in sessions.into_iter().skip(self.0.settings.per_subject) {
            if self.revoke_session(info.session, Some(subject), RevokeReason::TooManySessions).await.is_err()
            {
                return;
            }
        }
    }
}

/// How many sessions beyond the allowed number a login lists and revokes.
const SURPLUS: usize = 32;
