//! Sessions and their refresh tokens: create, refresh, revoke, list and purge.
//!
//! [`Sessions`] has the operations. [`revoked`] is the gate's side: it tracks the sessions that were revoked.
//! [`tokens`] has the format of refresh tokens and the keys that authenticate them.

mod client_mismatch;
mod counts;
mod csrf;
mod error;
mod listing;
mod login;
mod purge;
mod refresh;
mod revoke;
pub mod revoked;
mod settings;
mod single_flight;
pub mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

pub use counts::SessionCounts;
pub use error::{RefreshError, SessionError};
pub use login::{IssuedSession, Login, TokenTransport};
pub use settings::{ClientMismatch, SessionSettings};

pub use crate::session::{Lifetimes, RevokeReason, SessionId, SessionInfo, SettingError};
pub use crate::store::{ExpiryKind, RefreshKind, RefreshPolicy};

use crate::session::{Fingerprint, NewSession, StoreClock};
use crate::store::{SessionStore, StoreError, StoreFuture, call_with_retry};
use client_mismatch::ClientMismatches;
use counts::Counters;
use single_flight::SingleFlight;
use tokens::{RefreshKeys, RefreshToken};

/// Creates, refreshes, revokes and lists sessions in a [store](crate::store). Cheap to clone.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use tollgate_sessions::sessions::{RefreshError, TokenTransport};
/// use tollgate_sessions::store::MemoryStore;
/// use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
/// let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
///
/// let login = sessions.create(&Login::new("alice")).await?;
/// let refreshed = sessions.refresh(&login.refresh_token.expose(), TokenTransport::Body, None).await?;
/// sessions.logout(&refreshed.refresh_token.expose()).await?;
///
/// let after = sessions.refresh(&refreshed.refresh_token.expose(), TokenTransport::Body, None).await;
/// assert!(matches!(after, Err(RefreshError::Revoked(_))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    store: Arc<dyn SessionStore>,
    keys: RefreshKeys,
    announce_for: Duration,
    settings: SessionSettings,
    clock: StoreClock,
    single_flight: SingleFlight,
    client_mismatches: ClientMismatches,
    counters: Arc<Counters>,
}

impl Sessions {
    /// Creates a `Sessions` that keeps sessions in `store` and makes refresh tokens with `keys`.
    ///
    /// `access_lifetime` is the lifetime of the access tokens of these sessions
    /// ([`TokenIssuer::lifetime`](crate::TokenIssuer::lifetime)). The store announces a revocation until the
    /// last of them has expired.
    pub fn new(store: impl SessionStore, keys: RefreshKeys, access_lifetime: Duration) -> Self {
        Self(Arc::new(Inner {
            store: Arc::new(store),
            keys,
            announce_for: access_lifetime.saturating_add(ANNOUNCEMENT_MARGIN),
            settings: SessionSettings::default(),
            clock: StoreClock::server(),
            single_flight: SingleFlight::default(),
            client_mismatches: ClientMismatches::default(),
            counters: Arc::default(),
        }))
    }

    /// Sets the settings of sessions and refreshes.
    #[must_use]
    pub fn with_settings(self, settings: SessionSettings) -> Self {
        self.rebuilt(|inner| inner.settings = settings)
    }

    /// Sets the clock that dates new session IDs, for tests.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        self.rebuilt(|inner| inner.clock = clock)
    }

    fn rebuilt(self, change: impl FnOnce(&mut Inner)) -> Self {
        let old = &self.0;
        let mut inner = Inner {
            store: Arc::clone(&old.store),
            keys: old.keys.clone(),
            announce_for: old.announce_for,
            settings: old.settings,
            clock: old.clock.clone(),
            single_flight: SingleFlight::default(),
            client_mismatches: ClientMismatches::default(),
            counters: Arc::clone(&old.counters),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Returns the settings of sessions and refreshes.
    #[must_use]
    pub fn settings(&self) -> &SessionSettings {
        &self.0.settings
    }

    /// Returns the store, for [`RevokedSessions::follow`](crate::RevokedSessions::follow) or a health check.
    #[must_use]
    pub fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.0.store)
    }

    /// Begins a session. If the subject then has too many sessions, this revokes those that were refreshed
    /// least recently.
    ///
    /// # Errors
    /// [`SessionError`] when the store failed, the subject is empty, or the operating system gave no random
    /// bytes.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// // The application has authenticated alice.
    /// let issued = sessions.create(&Login::new("alice").with_client("Firefox/Linux")).await?;
    ///
    /// assert_eq!(&*issued.session.subject, "alice");
    /// assert_eq!(issued.refresh_token.session(), issued.session.session);
    /// # Ok(()) }
    /// ```
    pub async fn create(&self, login: &Login) -> Result<IssuedSession, SessionError> {
        if login.subject.is_empty() {
            return Err(SessionError::EmptySubject);
        }
        let session = SessionId::generate(self.0.clock.now())?;
        let token = self.0.keys.begin(session, login.flags)?;
        let lifetimes = self.0.settings.lifetimes(login.flags);
        let new = NewSession::new(session, login.subject.clone(), token.secret_hash(), lifetimes)
            .with_fingerprint(self.fingerprint(login.client.as_deref()))
            .with_meta(login.meta.clone());
        let session_info = self.call_store(|| self.0.store.create(&new)).await?;
        self.0.counters.begun.count();
        self.revoke_surplus(&login.subject).await;
        info!(session = %session, subject = ?login.subject, "session began");
        Ok(IssuedSession { refresh_token: token, session: session_info, kind: None })
    }

    /// Checks the form and the tag of a refresh token, so that a forged token causes no call to the store.
    fn authenticate(&self, token: &str) -> Result<RefreshToken, RefreshError> {
        let token: RefreshToken = token.parse().map_err(|_cause| {
            info!("malformed refresh token");
            self.0.counters.refused(RefreshError::Malformed)
        })?;
        if self.0.keys.verify(&token) {
            return Ok(token);
        }
        warn!(key_id = token.key_id(), "refresh token is forged, or its key is missing in this process");
        Err(self.0.counters.refused(RefreshError::Forged))
    }

    fn fingerprint(&self, client: Option<&str>) -> Option<Fingerprint> {
        client.map(|client| self.0.keys.fingerprint(client))
    }

    /// Returns whether `client` does not match `fingerprint`, which may have been made with an older key.
    /// Returns `false` if either is missing.
    fn is_other_client(&self, fingerprint: Option<Fingerprint>, client: Option<&str>) -> bool {
        fingerprint
            .zip(client)
            .is_some_and(|(fingerprint, client)| !self.0.keys.is_fingerprint(fingerprint, client))
    }

    /// Calls the store with its timeout, and retries once after an ambiguous failure.
    async fn call_store<'a, T>(&self, call: impl Fn() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
        let result = call_with_retry(self.0.settings.store_timeout, call).await;
        result.inspect_err(|_error| self.0.counters.store_failures.count())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("store", &self.0.store)
            .field("keys", &self.0.keys)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// How much longer than the lifetime of an access token the store announces a revocation: a minute for the
/// leeway of gates, and a minute for clocks that differ.
const ANNOUNCEMENT_MARGIN: Duration = Duration::from_secs(120);

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
