//! [`RemoteKeySet`]: the keys of an issuer, refreshed in the background.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tollgate::providers::Provider;
use tollgate::{KeyRefresh, KeyRequest, KeySet, KeySetId, KeySource, KeysUnavailable, UnixTime};

use crate::builder::RemoteKeySetBuilder;
use crate::error::StartError;
use crate::shared::{Rounds, Shared};
use crate::status::KeySetStatus;

/// The keys of one issuer, fetched over HTTP and refreshed in the background. Cheap to clone; clones share the keys.
///
/// Requests with a known key read a snapshot, without locking or waiting. A request whose token names an
/// unknown key waits for one fetch, which it shares with all other waiting requests. A client that disconnects
/// does not stop the fetch. [`RefreshSettings`](crate::RefreshSettings) describes the limits.
///
/// For several issuers, create one key set each, with a verifier of its own. An issuer that does not answer
/// does not affect the others.
///
/// The refreshing task runs on the Tokio runtime on which the key set was started, and ends when the last clone
/// is dropped. Ages are measured with a monotonic clock, not with the gate's, so setting the system clock does
/// not age the keys.
///
/// # Examples
/// ```no_run
/// use tollgate::{Audience, Gate, Issuer, Verifier};
/// use tollgate_jwks::RemoteKeySet;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = RemoteKeySet::discover("https://issuer.example").connect().await?;
/// let gate = Gate::new(Verifier::new(keys, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct RemoteKeySet(Arc<Running>);

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RemoteKeySet {
    /// Returns a builder for the key set at this URL (`jwks_uri`).
    pub fn from_url(url: impl Into<Box<str>>) -> RemoteKeySetBuilder {
        RemoteKeySetBuilder::from_url(url.into())
    }

    /// Returns a builder for the key set that the issuer's metadata names (OpenID Connect Discovery 1.0 or RFC 8414).
    /// Write the issuer exactly as in its tokens: metadata of another issuer is rejected.
    pub fn discover(issuer: impl Into<Box<str>>) -> RemoteKeySetBuilder {
        RemoteKeySetBuilder::discover(issuer.into())
    }

    /// Returns a builder for the key set of a provider, at its URL or by discovery, with the deviations that the
    /// provider's keys have.
    ///
    /// # Errors
    /// [`StartError::Provider`] when the provider has no JWK Set, with the source of keys to use.
    ///
    /// # Examples
    /// ```no_run
    /// use tollgate::{Gate, providers};
    /// use tollgate_jwks::RemoteKeySet;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let auth0 = providers::auth0("shop.eu.auth0.com", "https://api.shop.example")?;
    /// let keys = RemoteKeySet::of_provider(&auth0)?.connect().await?;
    /// let gate = Gate::new(auth0.verifier(keys));
    /// # Ok(()) }
    /// ```
    pub fn of_provider(provider: &Provider) -> Result<RemoteKeySetBuilder, StartError> {
        RemoteKeySetBuilder::of_provider(provider)
    }

    pub(crate) fn run(shared: Arc<Shared>, rounds: Rounds, runtime: &Handle) -> Self {
        let task = runtime.spawn(Arc::clone(&shared).keep_fresh(rounds)).abort_handle();
        Self(Arc::new(Running { shared, task }))
    }

    /// Returns the state, age and counters of the key set, for readiness checks and metrics.
    #[must_use]
    pub fn status(&self) -> KeySetStatus {
        self.0.shared.status()
    }
}

impl KeySource for RemoteKeySet {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        self.0.shared.keys()
    }

    fn key_set_id(&self, _now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        self.0.shared.key_set_id()
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        self.0.shared.refresh(wanted.map(Into::into))
    }

    fn why_unavailable(&self, wanted: KeyRequest<'_>, _now: UnixTime) -> Option<KeysUnavailable> {
        self.0.shared.why_unavailable(&wanted.into())
    }
}
