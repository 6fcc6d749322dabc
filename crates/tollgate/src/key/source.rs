//! [`KeySource`]: a source of keys that can change.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::request::{KeyRequest, KeySetId};
use super::set::KeySet;
use super::verifying::VerifyingKey;
use crate::error::KeysUnavailable;
use crate::time::UnixTime;

/// A set of keys that changes, such as one fetched from an issuer.
///
/// Verification itself is synchronous and uses the keys that [`keys`](Self::keys) returns. Only when no key
/// fits a token does an adapter await [`refresh`](Self::refresh), and the gate verifies once more.
///
/// # Security
/// The keys decide which tokens are accepted. A source must fetch them over a channel that authenticates the
/// issuer (https), and must not hand out keys that it has not confirmed for a long time.
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// Returns the current keys, without waiting.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when there are no keys, or they are too old at `now` to be trusted. The response is
    /// then 503.
    fn keys(&self, now: UnixTime) -> Result<KeySet, KeysUnavailable>;

    /// Returns the ID of the set that [`keys`](Self::keys) would return. The gate calls this for tokens that
    /// were verified before, which is the common case. A source can implement it without cloning its `Arc`, to
    /// avoid contention on the reference count.
    ///
    /// # Errors
    /// As for [`keys`](Self::keys), in the same cases.
    fn key_set_id(&self, now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        self.keys(now).map(|keys| keys.id())
    }

    /// Starts or joins a refresh for a key that is unknown, or does not verify the token. `wanted` is `None` when
    /// there are no keys at all. Returns `None` when a refresh would not help, because the source has just asked the
    /// issuer or has cached that the key ID does not exist.
    fn refresh(&self, wanted: Option<KeyRequest<'_>>, now: UnixTime) -> Option<KeyRefresh>;

    /// Returns why the source could not ask the issuer for the key, so that it is unknown whether the key exists. The
    /// response is then 503, because a 401 would make the client discard a token that may be valid. Returns `None`
    /// when the issuer has answered. The default implementation returns `None`.
    ///
    /// The gate calls this when [`refresh`](Self::refresh) returned `None`, and when the key is still unknown
    /// after a refresh. It never calls this for a key that does not verify the token.
    fn why_unavailable(&self, _wanted: KeyRequest<'_>, _now: UnixTime) -> Option<KeysUnavailable> {
        None
    }
}

/// A pending refresh. It completes when the source has asked its issuer, whatever the outcome.
///
/// Dropping it must not stop the refresh, because other requests may wait for the same one.
pub struct KeyRefresh(Pin<Box<dyn Future<Output = ()> + Send>>);

impl KeyRefresh {
    /// Creates a refresh that completes with `future`.
    pub fn new(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl Future for KeyRefresh {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for KeyRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRefresh").finish_non_exhaustive()
    }
}

/// The keys of a verifier: a fixed [`KeySet`] or [`VerifyingKey`], or a [`KeySource`] that can change.
#[derive(Clone, Debug)]
pub struct VerifierKeys(Kind);

#[derive(Clone, Debug)]
enum Kind {
    None,
    Fixed(KeySet),
    Source(Arc<dyn KeySource>),
}

impl VerifierKeys {
    /// Uses the keys of a source that other verifiers share.
    #[must_use]
    pub fn from_shared(source: Arc<dyn KeySource>) -> Self {
        Self(Kind::Source(source))
    }

    /// Returns keys that verify nothing, for settings that get their keys later.
    pub(crate) fn none() -> Self {
        Self(Kind::None)
    }

    /// Returns the key set, if it cannot change.
    pub(crate) fn fixed(&self) -> Option<&KeySet> {
        match &self.0 {
            Kind::Fixed(keys) => Some(keys),
            Kind::Source(_) | Kind::None => None,
        }
    }

    pub(crate) fn snapshot(&self, now: UnixTime) -> Result<Snapshot<'_>, KeysUnavailable> {
        match &self.0 {
            Kind::None => Err(no_keys()),
            Kind::Fixed(keys) => Ok(Snapshot::Fixed(keys)),
            Kind::Source(source) => source.keys(now).map(Snapshot::Current),
        }
    }

    pub(crate) fn key_set_id(&self, now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        match &self.0 {
            Kind::None => Err(no_keys()),
            Kind::Fixed(keys) => Ok(keys.id()),
            Kind::Source(source) => source.key_set_id(now),
        }
    }

    pub(crate) fn refresh(&self, wanted: Option<KeyRequest<'_>>, now: UnixTime) -> Option<KeyRefresh> {
        match &self.0 {
            Kind::None | Kind::Fixed(_) => None,
            Kind::Source(source) => source.refresh(wanted, now),
        }
    }

    pub(crate) fn why_unavailable(&self, wanted: KeyRequest<'_>, now: UnixTime) -> Option<KeysUnavailable> {
        match &self.0 {
            Kind::None | Kind::Fixed(_) => None,
            Kind::Source(source) => source.why_unavailable(wanted, now),
        }
    }
}

fn no_keys() -> KeysUnavailable {
    KeysUnavailable::new("the verifier has no keys", Duration::from_secs(1))
}

impl From<KeySet> for VerifierKeys {
    fn from(keys: KeySet) -> Self {
        Self(Kind::Fixed(keys))
    }
}

impl From<VerifyingKey> for VerifierKeys {
    fn from(key: VerifyingKey) -> Self {
        Self(Kind::Fixed(key.into()))
    }
}

impl<S: KeySource> From<S> for VerifierKeys {
    fn from(source: S) -> Self {
        Self(Kind::Source(Arc::new(source)))
    }
}

/// A key set that stays the same during one verification.
pub(crate) enum Snapshot<'a> {
    Fixed(&'a KeySet),
    Current(KeySet),
}

impl Deref for Snapshot<'_> {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        match self {
            Self::Fixed(keys) => keys,
            Self::Current(keys) => keys,
        }
    }
}
