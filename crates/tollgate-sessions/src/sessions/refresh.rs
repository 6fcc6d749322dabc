//! Refreshing a session: [`refresh`](Sessions::refresh), or a preview and then a commit.

use tracing::{debug, error, info, warn};

use super::single_flight::FlightKey;
use super::tokens::{RefreshToken, RefreshTokenFlags};
use super::{IssuedSession, RefreshError, Sessions, TokenTransport};
use crate::session::{RevokeReason, SessionInfo};
use crate::store::{
    RefreshKind, Refreshed, RotateLifetimes, RotateMode, RotateOutcome, RotateRequest, StoreError, retry_once,
};

/// What a refresh will find.
///
/// A token that rotates without its answer reaching the client is lost, and looks stolen after the grace
/// period. So a caller with more to do previews the refresh, does everything that may fail, and then commits.
pub(crate) struct Preview {
    /// The session, as it is before the commit.
    pub(crate) session: SessionInfo,
    token: RefreshToken,
    next: Next,
}

/// What the commit has left to do.
enum Next {
    Rotate(RotateRequest),
    /// The preview had to rotate: a token that is newer than the store would be an old one the second time.
    Answer(IssuedSession),
}

impl Preview {
    /// Returns the flags of the refresh token.
    pub(crate) fn flags(&self) -> RefreshTokenFlags {
        self.token.flags()
    }
}

impl Sessions {
    /// Exchanges a refresh token for its successor. Equal tokens presented at the same time get the same
    /// answer.
    ///
    /// `transport` is how the client presented the token. `client` is the client's description of itself, as for
    /// [`Login::with_client`](super::Login::with_client).
    ///
    /// # Errors
    /// [`RefreshError`] says why the session was not refreshed. Only a [denial](RefreshError::is_denial) means that
    /// the client has no live session.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// use tollgate_sessions::sessions::{RefreshError, TokenTransport};
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// let login = sessions.create(&Login::new("alice")).await?;
    ///
    /// let issued = sessions.refresh(&login.refresh_token.expose(), TokenTransport::Body, None).await?;
    /// assert_eq!(issued.session.session, login.session.session);
    ///
    /// let forged = sessions.refresh("rt1.forged", TokenTransport::Body, None).await;
    /// assert!(matches!(forged, Err(RefreshError::Malformed)));
    /// # Ok(()) }
    /// ```
    pub async fn refresh(
        &self,
        token: &str,
        transport: TokenTransport,
        client: Option<&str>,
    ) -> Result<IssuedSession, RefreshError> {
        let (token, request) = self.rotate_request(token, transport, client)?;
        let outcome = self.rotate(&request).await?;
        self.outcome(&token, &request, client, outcome).await
    }

    /// Looks at the session that [`refresh`](Self::refresh) would refresh. For a good token the store writes
    /// nothing.
    pub(crate) async fn preview(
        &self,
        token: &str,
        transport: TokenTransport,
        client: Option<&str>,
    ) -> Result<Preview, RefreshError> {
        let (token, request) = self.rotate_request(token, transport, client)?;
        let preview = request.clone().with_mode(RotateMode::Preview);
        let (session, next) = match self.rotate(&preview).await? {
            RotateOutcome::Live(Refreshed { kind: RefreshKind::Replayed, session }) => {
                (session, Next::Rotate(request))
            }
            outcome => {
                let issued = self.outcome(&token, &preview, client, outcome).await?;
                (issued.session.clone(), Next::Answer(issued))
            }
        };
        Ok(Preview { session, token, next })
    }

    /// Refreshes the session of a preview, for the same client.
    pub(crate) async fn commit(
        &self,
        preview: Preview,
        client: Option<&str>,
    ) -> Result<IssuedSession, RefreshError> {
        match preview.next {
            Next::Answer(issued) => Ok(issued),
            Next::Rotate(request) => {
                let outcome = self.rotate(&request).await?;
                self.outcome(&preview.token, &request, client, outcome).await
            }
        }
    }

    /// Turns the answer of the store into a successor for the client, or into the reason why there is none.
    async fn outcome(
        &self,
        token: &RefreshToken,
        request: &RotateRequest,
        client: Option<&str>,
        outcome: RotateOutcome,
    ) -> Result<IssuedSession, RefreshError> {
        let session = request.session;
        let refused = match outcome {
            RotateOutcome::Live(refreshed) => return self.issue(token, request, client, refreshed).await,
            RotateOutcome::Reuse(info) => {
                let behind = info.generation.saturating_sub(request.generation);
                let other_client = self.is_other_client(info.fingerprint, client);
                warn!(%session, subject = ?info.subject, behind, other_client, "refresh token used twice; session revoked");
                RefreshError::Reuse
            }
            RotateOutcome::Revoked(reason) => {
                info!(%session, ?reason, "refresh token of a revoked session");
                RefreshError::Revoked(reason)
            }
            RotateOutcome::Expired(expiry) => {
                info!(%session, ?expiry, "refresh token of an expired session");
                RefreshError::Expired(expiry)
            }
            RotateOutcome::Unknown => {
                info!(%session, "refresh token of an unknown session");
                RefreshError::Unknown
            }
        };
        Err(self.0.counters.refused(refused))
    }

    async fn issue(
        &self,
        token: &RefreshToken,
        request: &RotateRequest,
        client: Option<&str>,
        Refreshed { kind, session: info }: Refreshed,
    ) -> Result<IssuedSession, RefreshError> {
        let session = info.session;
        match kind {
            RefreshKind::StoreBehind => {
                error!(%session, presented = request.generation, "session store has lost writes: a client has a newer token");
            }
            RefreshKind::Replayed if self.is_other_client(info.fingerprint, client) => {
                self.check_client_mismatch(&info).await?;
            }
            kind => debug!(%session, ?kind, "session refreshed"),
        }
        self.0.counters.refreshed(kind);
        let refresh_token = self.0.keys.successor(token, info.generation);
        Ok(IssuedSession { refresh_token, session: info, kind: Some(kind) })
    }

    /// Counts a replay by another client, and revokes the session after too many of them.
    async fn check_client_mismatch(&self, info: &SessionInfo) -> Result<(), RefreshError> {
        let session = info.session;
        self.0.counters.client_mismatches.count();
        let in_a_row = self.0.client_mismatches.record(session, info.generation);
        warn!(%session, subject = ?info.subject, in_a_row, "refresh replayed for another client");
        if in_a_row < self.0.settings.client_mismatch.limit() {
            return Ok(());
        }
        self.revoke_session(session, None, RevokeReason::Reuse).await.map_err(RefreshError::Store)?;
        self.0.client_mismatches.remove(session);
        Err(self.0.counters.refused(RefreshError::Reuse))
    }

    fn rotate_request(
        &self,
        token: &str,
        transport: TokenTransport,
        client: Option<&str>,
    ) -> Result<(RefreshToken, RotateRequest), RefreshError> {
        let token = self.authenticate(token)?;
        if token.flags().is_cookie_bound() != (transport == TokenTransport::Cookie) {
            warn!(session = %token.session(), ?transport, "refresh token presented by another transport than it was issued for");
            return Err(self.0.counters.refused(RefreshError::WrongTransport));
        }
        let lifetimes = RotateLifetimes {
            idle: self.0.settings.lifetimes(token.flags()).idle(),
            announce_for: self.0.announce_for,
        };
        let request = RotateRequest::new(token.session(), token.generation(), token.secret_hash(), lifetimes)
            .with_fingerprint(self.fingerprint(client))
            .with_policy(self.0.settings.refresh_policy);
        Ok((token, request))
    }

    /// Asks the store, once for all equal requests that arrive at the same time.
    async fn rotate(&self, request: &RotateRequest) -> Result<RotateOutcome, RefreshError> {
        let key = FlightKey::of(request);
        self.0.single_flight.join(key, || self.rotate_with_retry(request)).await.map_err(|error| {
            error!(session = %request.session, %error, "session cannot be refreshed: the store failed");
            self.0.counters.refused(RefreshError::Store(error))
        })
    }

    /// If the store rotated the session and its answer was lost, the retry must replay that answer. With a
    /// shorter grace period, the store would treat the retry as reuse of a stolen token.
    async fn rotate_with_retry(&self, request: &RotateRequest) -> Result<RotateOutcome, StoreError> {
        let limit = self.0.settings.store_timeout;
        let policy = request.policy.with_grace_period_of_at_least(limit.saturating_mul(3));
        let again = request.clone().with_policy(policy);
        retry_once(limit, self.0.store.rotate(request), || self.0.store.rotate(&again)).await
    }
}
