//! [`Sessions`]: log in, renew, log out.

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

use tracing::{debug, error, info, warn};

pub use counts::SessionCounts;
pub use error::{RefreshError, SessionError};
pub use login::{Issued, Login, Transport};
pub use settings::{ForeignReplays, Lifetimes, SessionSettings};

use crate::sessions::tokens::{RefreshKeys, RefreshToken};
use crate::store::RenewalKind;
use crate::session::{Fingerprint, NewSession, SessionId, StoreClock};
use crate::session::EndReason;
use crate::store::{Renewed, Rotate, Rotation, SessionStore, StoreError, StoreFuture, ask, ask_twice};
use counts::Counters;
use single_flight::{Flight, Flights};
use client_mismatch::ForeignClients;

/// Sessions and their refresh tokens. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use tollgate_sessions::{Login, MemoryStore, RefreshError, RefreshKey, RefreshKeys, Sessions, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
/// let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
///
/// let login = sessions.create(&Login::new("alice")).await?;
/// let renewed = sessions.rotate(&login.refresh_token.expose(), Transport::Body, None).await?;
/// sessions.logout(&renewed.refresh_token.expose()).await?;
///
/// let after = sessions.rotate(&renewed.refresh_token.expose(), Transport::Body, None).await;
/// assert!(matches!(after, Err(RefreshError::Ended(_))));
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
    flights: Flights,
    foreign: ForeignClients,
    counters: Arc<Counters>,
}

impl Sessions {
    /// Keeps sessions in `store`, with refresh tokens made by `keys`. `access_lifetime` is how long the access tokens live
    /// that go with them ([`TokenIssuer::lifetime`](crate::TokenIssuer::lifetime)): an end is announced that long.
    pub fn new(store: impl SessionStore, keys: RefreshKeys, access_lifetime: Duration) -> Self {
        Self(Arc::new(Inner {
            store: Arc::new(store),
            keys,
            announce_for: access_lifetime.saturating_add(ANNOUNCEMENT_MARGIN),
            settings: SessionSettings::default(),
            clock: StoreClock::of_the_store(),
            flights: Flights::default(),
            foreign: ForeignClients::default(),
            counters: Arc::default(),
        }))
    }

    /// The same, by other settings.
    #[must_use]
    pub fn with_settings(self, settings: SessionSettings) -> Self {
        self.rebuilt(|inner| inner.settings = settings)
    }

    /// Takes the time that new session ids carry from another clock, for tests.
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
            flights: Flights::default(),
            foreign: ForeignClients::default(),
            counters: Arc::clone(&old.counters),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &SessionSettings {
        &self.0.settings
    }

    /// The store, for a [`RevocationFeed`](crate::RevocationFeed) or a health check.
    #[must_use]
    pub fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.0.store)
    }

    /// Begins a session. Of a subject that then has too many, those that were not renewed for longest end.
    ///
    /// # Errors
    /// [`SessionError`] when the store could not do it, or the subject is empty.
    pub async fn create(&self, login: &Login) -> Result<Issued, SessionError> {
        if login.subject.is_empty() {
            return Err(SessionError::EmptySubject);
        }
        let session = SessionId::generate(self.0.clock.now())?;
        let token = self.0.keys.begin(session, login.flags)?;
        let lifetimes = self.0.settings.lifetimes(login.flags);
        let new = NewSession {
            session,
            subject: login.subject.clone(),
            secret_hash: token.secret_hash(),
            idle: lifetimes.idle,
            absolute: lifetimes.absolute,
            fingerprint: self.fingerprint(login.client.as_deref()),
            meta: login.meta.clone(),
        };
        let view = self.ask(|| self.0.store.create(&new)).await?;
        self.0.counters.begun.count();
        self.end_surplus(&login.subject).await;
        info!(session = %session, subject = ?login.subject, "session began");
        Ok(Issued { refresh_token: token, session: view, kind: None })
    }

    /// Renews the session of a refresh token. Equal tokens at the same time get the same answer.
    ///
    /// `client` is what the client says of itself, as for [`Login::with_client`].
    ///
    /// # Errors
    /// [`RefreshError`]. Only those that are a [denial](RefreshError::is_denial) end the client's session.
    pub async fn rotate(
        &self,
        token: &str,
        transport: Transport,
        client: Option<&str>,
    ) -> Result<Issued, RefreshError> {
        let (token, command) = self.command(token, transport, client)?;
        self.ask_and_answer(&token, &command, client).await
    }

    async fn ask_and_answer(
        &self,
        token: &RefreshToken,
        command: &Rotate,
        client: Option<&str>,
    ) -> Result<Issued, RefreshError> {
        let rotation = self.ask_to_renew(command).await?;
        self.answer(token, command, client, rotation).await
    }

    fn command(
        &self,
        token: &str,
        transport: Transport,
        client: Option<&str>,
    ) -> Result<(RefreshToken, Rotate), RefreshError> {
        let token = self.read(token)?;
        if token.flags().is_cookie_bound() != (transport == Transport::Cookie) {
            warn!(session = %token.session(), ?transport, "refresh token came another way than it was given out");
            return Err(self.0.counters.refused(RefreshError::WrongTransport));
        }
        let command = Rotate {
            session: token.session(),
            generation: token.generation(),
            secret_hash: token.secret_hash(),
            fingerprint: self.fingerprint(client),
            policy: self.0.settings.rotation,
            idle: self.0.settings.lifetimes(token.flags()).idle,
            announce_for: self.0.announce_for,
        };
        Ok((token, command))
    }

    async fn ask_to_renew(&self, command: &Rotate) -> Result<Rotation, RefreshError> {
        let flight = Flight::of(command);
        self.0.flights.join(flight, || self.renew(command)).await.map_err(|error| {
            error!(session = %command.session, %error, "session cannot be renewed at present");
            self.0.counters.refused(RefreshError::Store(error))
        })
    }

    /// If the first question was answered and the answer got lost, the second must find it to be given again: with a
    /// shorter window it would take us for a thief.
    async fn renew(&self, command: &Rotate) -> Result<Rotation, StoreError> {
        let limit = self.0.settings.store_timeout;
        let mut again = command.clone();
        again.policy.window = again.policy.window.max(limit.saturating_mul(3));
        ask_twice(limit, self.0.store.rotate(command), || self.0.store.rotate(&again)).await
    }

    async fn answer(
        &self,
        token: &RefreshToken,
        command: &Rotate,
        client: Option<&str>,
        rotation: Rotation,
    ) -> Result<Issued, RefreshError> {
        let session = command.session;
        match rotation {
            Rotation::Live(renewed) => self.renewed(token, command, client, renewed).await,
            Rotation::Reuse(view) => {
                let behind = view.generation.saturating_sub(command.generation);
                let other_client = self.is_other(view.fingerprint, client);
                warn!(%session, subject = ?view.subject, behind, other_client, "refresh token used twice; session ended");
                Err(self.0.counters.refused(RefreshError::Reuse))
            }
            Rotation::Ended(reason) => {
                info!(%session, ?reason, "refresh token of an ended session");
                Err(self.0.counters.refused(RefreshError::Ended(reason)))
            }
            Rotation::Expired(expiry) => {
                info!(%session, ?expiry, "refresh token of an expired session");
                Err(self.0.counters.refused(RefreshError::Expired(expiry)))
            }
            Rotation::Unknown => {
                info!(%session, "refresh token of a session that is not there");
                Err(self.0.counters.refused(RefreshError::Unknown))
            }
        }
    }

    async fn renewed(
        &self,
        token: &RefreshToken,
        command: &Rotate,
        client: Option<&str>,
        Renewed { kind, session: view }: Renewed,
    ) -> Result<Issued, RefreshError> {
        let session = view.session;
        match kind {
            RenewalKind::Ahead => {
                error!(%session, presented = command.generation, "session store has lost writes: a client is ahead of it");
            }
            RenewalKind::Replayed if self.is_other(view.fingerprint, client) => {
                self.0.counters.foreign.count();
                let in_a_row = self.0.foreign.note(session, view.generation);
                warn!(%session, subject = ?view.subject, in_a_row, "refresh answered again for another client");
                if in_a_row >= self.0.settings.foreign_replays.allowed() {
                    self.end_session(session, None, EndReason::Reuse).await.map_err(RefreshError::Store)?;
                    self.0.foreign.forget(session);
                    return Err(self.0.counters.refused(RefreshError::Reuse));
                }
            }
            kind => debug!(%session, ?kind, "session renewed"),
        }
        self.0.counters.renewed(kind);
        let refresh_token = self.0.keys.successor(token, view.generation);
        Ok(Issued { refresh_token, session: view, kind: Some(kind) })
    }

    /// Checks the form and the tag: what nobody here has made costs no question to the store.
    fn read(&self, token: &str) -> Result<RefreshToken, RefreshError> {
        let token: RefreshToken = token.parse().map_err(|_cause| {
            info!("what was presented is no refresh token");
            self.0.counters.refused(RefreshError::Malformed)
        })?;
        if self.0.keys.verify(&token) {
            return Ok(token);
        }
        warn!(key_id = token.key_id(), "forged refresh token, or the key that made it was left out");
        Err(self.0.counters.refused(RefreshError::Forged))
    }

    fn fingerprint(&self, client: Option<&str>) -> Option<Fingerprint> {
        client.map(|client| self.0.keys.fingerprint(client))
    }

    /// Whether both are known, and are not the same. The known one may have been made with a key that was replaced since.
    fn is_other(&self, known: Option<Fingerprint>, client: Option<&str>) -> bool {
        known.zip(client).is_some_and(|(known, client)| !self.0.keys.is_fingerprint(known, client))
    }

    /// Waits for the store no longer than is set, and asks a second time when it is not known whether it did.
    async fn ask<'a, T>(&self, question: impl Fn() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
        let answer = ask(self.0.settings.store_timeout, question).await;
        answer.inspect_err(|_error| self.0.counters.store_failures.count())
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

/// An end is announced longer than access tokens live by the leeway of a gate and what clocks may differ.
const ANNOUNCEMENT_MARGIN: Duration = Duration::from_secs(120);

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
