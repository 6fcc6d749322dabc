//! [`KeySource`]: where a verifier's keys come from when they can change.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::id::KeyId;
use super::set::{KeySet, KeySetId};
use super::verifying::VerifyingKey;
use crate::algorithm::Algorithm;
use crate::error::KeysUnavailable;
use crate::time::UnixTime;

/// A changing set of keys, such as one fetched from an issuer.
///
/// Verification itself is synchronous: it uses the snapshot that [`keys`](Self::keys) gives it. Only when no key
/// fits a token does an adapter await [`refresh`](Self::refresh), and then verifies once more.
///
/// # Security
/// Keys decide who is believed. A source must get them over a channel that names the issuer (https), and must not
/// keep vouching for keys that it has not been able to confirm for long.
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The keys as they are known now, without waiting.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when there are none, or they are too old at `now` to vouch for. The request is then
    /// answered with 503.
    fn keys(&self, now: UnixTime) -> Result<KeySet, KeysUnavailable>;

    /// Which set [`keys`](Self::keys) would answer with. Asked for tokens that have been verified before, which is most
    /// often. A source whose requests share its keys can answer without counting one more reference to them.
    ///
    /// # Errors
    /// As [`keys`](Self::keys), whenever that does.
    fn key_set_id(&self, now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        self.keys(now).map(|keys| keys.id())
    }

    /// Starts, or joins, a refresh for a key that is not known; `wanted` is `None` when there are no keys at all.
    /// The answer is `None` when a refresh would not help: the issuer has just been asked, or the key id is known
    /// not to exist.
    fn refresh(&self, wanted: Option<KeyRequest<'_>>, now: UnixTime) -> Option<KeyRefresh>;

    /// Why nobody can say whether the key exists: the issuer should have been asked for it, and could not be. The
    /// request is then answered with 503, as a 401 would make a client throw away a token that may be good. `None`,
    /// the default, when the issuer has spoken.
    ///
    /// Asked when [`refresh`](Self::refresh) answered `None`, and when the key is still unknown after a refresh.
    fn why_unavailable(&self, _wanted: KeyRequest<'_>, _now: UnixTime) -> Option<KeysUnavailable> {
        None
    }
}

/// The key that a token asks for. It comes from an unverified token: a source may look it up, nothing more.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeyRequest<'a> {
    /// The token's `kid`.
    pub key_id: Option<&'a KeyId>,
    /// The token's `alg`.
    pub algorithm: Algorithm,
}

/// A refresh under way. It ends when the source has asked its issuer, whatever the outcome.
///
/// Dropping it must not stop the refresh, as others may be waiting for the same one.
pub struct KeyRefresh(Pin<Box<dyn Future<Output = ()> + Send>>);

impl KeyRefresh {
    /// A refresh that ends when `future` does.
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

/// The keys of one verifier: a fixed [`KeySet`] or [`VerifyingKey`], or a [`KeySource`] that can change.
#[derive(Clone, Debug)]
pub struct KeySnapshot(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Fixed(KeySet),
    Source(Arc<dyn KeySource>),
}

impl KeySnapshot {
    /// The keys of a source that others hold too.
    #[must_use]
    pub fn from_shared(source: Arc<dyn KeySource>) -> Self {
        Self(Kind::Source(source))
    }

    /// The keys, when they stay what they are.
    pub(crate) fn fixed(&self) -> Option<&KeySet> {
        match &self.0 {
            Kind::Fixed(keys) => Some(keys),
            Kind::Source(_) => None,
        }
    }

    pub(crate) fn snapshot(&self, now: UnixTime) -> Result<Snapshot<'_>, KeysUnavailable> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(Snapshot::Fixed(keys)),
            Kind::Source(source) => source.keys(now).map(Snapshot::Current),
        }
    }

    pub(crate) fn key_set_id(&self, now: UnixTime) -> Result<KeySetId, KeysUnavailable> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(keys.id()),
            Kind::Source(source) => source.key_set_id(now),
        }
    }

    pub(crate) fn refresh(&self, wanted: Option<KeyRequest<'_>>, now: UnixTime) -> Option<KeyRefresh> {
        match &self.0 {
            Kind::Fixed(_) => None,
            Kind::Source(source) => source.refresh(wanted, now),
        }
    }

    pub(crate) fn why_unavailable(&self, wanted: KeyRequest<'_>, now: UnixTime) -> Option<KeysUnavailable> {
        match &self.0 {
            Kind::Fixed(_) => None,
            Kind::Source(source) => source.why_unavailable(wanted, now),
        }
    }
}

impl From<KeySet> for KeySnapshot {
    fn from(keys: KeySet) -> Self {
        Self(Kind::Fixed(keys))
    }
}

impl From<VerifyingKey> for KeySnapshot {
    fn from(key: VerifyingKey) -> Self {
        Self(Kind::Fixed(key.into()))
    }
}

impl<S: KeySource> From<S> for KeySnapshot {
    fn from(source: S) -> Self {
        Self(Kind::Source(Arc::new(source)))
    }
}

/// A key set that stays as it is for the length of one verification.
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
