//! [`PemKeySet`]: keys that an issuer publishes one by one, each as a PEM document at a URL that ends with its ID.

mod builder;
mod document;
mod settings;
mod snapshot;
mod status;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use tollgate::providers::Provider;
use tollgate::{
    Algorithm, KeyId, KeyRefresh, KeyRequest, KeySet, KeySetId, KeySource, KeysUnavailable, UnixTime,
};

use crate::error::StartError;
use crate::lookups::Lookups;
use document::PublishedKey;
use snapshot::Snapshot;

pub use builder::PemKeySetBuilder;
pub use settings::PemKeySetSettings;
pub use status::PemKeySetStatus;

/// The keys of an issuer that publishes each key as a PEM document of its own, such as an AWS Application Load Balancer
/// at `https://public-keys.auth.elb.REGION.amazonaws.com/KEY_ID`. Cheap to clone; clones share the keys.
///
/// There is no list of such keys. A key is fetched when a token names it for the first time; that request, and all
/// others that name the key, wait for one fetch. Requests with a known key read a snapshot, without locking or waiting.
///
/// | situation | token with a known key | with a new key | with a forged key ID |
/// |---|---|---|---|
/// | normal operation | immediate | waits for one fetch | waits for one fetch, then 401 |
/// | too many fetches | immediate | 503 until the limits permit one | 503 until then, or 401 if it is cached |
/// | no response from the issuer, or an unusable one | immediate | 503 with `Retry-After` | 503 with `Retry-After` |
/// | the same, beyond the maximum age | 503 with `Retry-After` | 503 | 503 |
/// | the issuer has removed the key | 401 within the lifetime | | |
///
/// A wrong signature for a known key is 401 without a fetch, because a key ID keeps its key. [`PemKeySetSettings`]
/// describes the limits. Fetches run on the Tokio runtime on which the key set was started, and end when the last clone
/// is dropped.
///
/// # Security
/// The key ID becomes part of a URL. It comes from a token that is not verified, so no fetch begins unless it consists
/// of 1 to 64 letters, digits, `-` and `_`, as a UUID does. It thus cannot name another host, another folder or a
/// query. Everything below the URL must be keys of the issuer: a file that users can put there could pass for a key.
///
/// # Examples
/// ```no_run
/// use tollgate::{Algorithm, Gate, Issuer, TokenSource, providers};
/// use tollgate_jwks::PemKeySet;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let load_balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
/// let alb = providers::aws_alb("eu-central-1", load_balancer, "app1", Issuer::new("https://idp.example")?)?;
/// let keys = PemKeySet::of_provider(&alb, Algorithm::Es256)?.start()?;
/// let gate = Gate::new(alb.verifier(keys)).with_sources([TokenSource::header("x-amzn-oidc-data")?])?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PemKeySet(Arc<Shared>);

struct Shared {
    lookups: Arc<Lookups<KeyId, Arc<PublishedKey>>>,
    /// The algorithm of all keys.
    algorithm: Algorithm,
    /// The usable keys that requests read without a lock.
    snapshot: ArcSwap<Snapshot>,
    /// Held to replace the snapshot, so that equal keys get one set.
    replacing: Mutex<()>,
}

impl PemKeySet {
    /// Returns a builder for the keys at this URL followed by the key ID. The URL ends with a slash, and has no query.
    /// All keys are for this algorithm, which must have public keys.
    pub fn from_url(url: impl Into<Box<str>>, algorithm: Algorithm) -> PemKeySetBuilder {
        PemKeySetBuilder::new(url.into(), algorithm)
    }

    /// Returns a builder for the keys of a provider that publishes each as a PEM document of its own. All keys are for
    /// this algorithm: [`Algorithm::Es256`] for an AWS Application Load Balancer.
    ///
    /// # Errors
    /// [`StartError::Provider`] when the provider publishes its keys in another way, with the source of keys to use.
    pub fn of_provider(provider: &Provider, algorithm: Algorithm) -> Result<PemKeySetBuilder, StartError> {
        PemKeySetBuilder::of_provider(provider, algorithm)
    }

    /// Returns the state and the counters of the key set.
    #[must_use]
    pub fn status(&self) -> PemKeySetStatus {
        PemKeySetStatus(self.0.lookups.status())
    }
}

impl Shared {
    fn new(lookups: Lookups<KeyId, Arc<PublishedKey>>, algorithm: Algorithm) -> Self {
        let snapshot = ArcSwap::from_pointee(Snapshot::new());
        Self { lookups: Arc::new(lookups), algorithm, snapshot, replacing: Mutex::new(()) }
    }

    /// Returns the usable keys, without a lock unless they have changed.
    fn current(&self) -> Guard<Arc<Snapshot>> {
        let (slots, now) = (self.lookups.slots(), self.lookups.now());
        let snapshot = self.snapshot.load();
        if snapshot.is_current(&slots, now) { snapshot } else { self.replace() }
    }

    #[cold]
    fn replace(&self) -> Guard<Arc<Snapshot>> {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let (slots, now) = (self.lookups.slots(), self.lookups.now());
        let earlier = self.snapshot.load();
        // Another request may have replaced it meanwhile.
        if !earlier.is_current(&slots, now) {
            for key_id in snapshot::due(&slots, now) {
                self.lookups.refresh(key_id, now);
            }
            self.snapshot.store(Arc::new(Snapshot::of(&slots, &earlier, now)));
        }
        self.snapshot.load()
    }

    /// Returns the ID of a key that may be fetched.
    fn fetchable<'k>(&self, wanted: KeyRequest<'k>) -> Option<&'k KeyId> {
        let key_id = wanted.key_id.filter(|key_id| document::is_part_of_a_url(key_id))?;
        (wanted.failed.is_none() && wanted.algorithm == self.algorithm).then_some(key_id)
    }
}

impl KeySource for PemKeySet {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Ok(self.0.current().keys().clone())
    }

    fn key_set_id(&self, _now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        Ok(self.0.current().keys().id())
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        self.0.lookups.join(self.0.fetchable(wanted?)?)
    }

    fn why_unavailable(&self, wanted: KeyRequest<'_>, _now: UnixTime) -> Option<KeysUnavailable> {
        let retry_after = self.0.lookups.why_unavailable(self.0.fetchable(wanted)?)?;
        Some(KeysUnavailable::new("the key could not be fetched", retry_after))
    }
}

impl fmt::Debug for PemKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemKeySet").field("status", &self.status()).finish_non_exhaustive()
    }
}
