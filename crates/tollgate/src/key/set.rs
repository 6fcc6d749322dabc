//! [`KeySet`]: the keys of one issuer, and the selection of the key for a token.

use std::fmt;
use std::sync::Arc;

use super::jwk::{Jwk, JwkTolerance, utf8};
use super::request::{KeyRequest, KeySetId};
use super::verifying::VerifyingKey;
use crate::algorithm::Algorithm;
use crate::backend::Prepared;
use crate::error::{KeyError, TokenError};
use crate::header::Header;
use crate::json::{self, JsonError, Scanner};
use crate::key_id::KeyId;

/// The keys of one issuer. Cheap to clone.
#[derive(Clone)]
pub struct KeySet(Arc<Inner>);

struct Inner {
    id: KeySetId,
    keys: Box<[VerifyingKey]>,
    skipped: Box<[SkippedKey]>,
}

impl Inner {
    fn new(keys: Box<[VerifyingKey]>, skipped: Box<[SkippedKey]>) -> Self {
        Self { id: KeySetId::next(), keys, skipped }
    }
}

/// A key of a JWK Set that is not used, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// The position of the key in the set, from 0.
    pub index: usize,
    /// The ID of the key, if it can be read.
    pub key_id: Option<KeyId>,
    /// The reason why the key is not used.
    pub reason: KeyError,
}

impl KeySet {
    /// The largest JWK Set document that is read, in bytes.
    pub const MAX_DOCUMENT_BYTES: usize = super::jwk::MAX_DOCUMENT_BYTES;
    /// The largest number of keys in a set.
    pub const MAX_KEYS: usize = 256;

    /// Creates a set of keys, for example of an old and a new secret during a change. Give each key an ID with
    /// [`with_key_id`](VerifyingKey::with_key_id), and sign with that `kid`. A token is verified with one key;
    /// the set never tries several.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKeyId`] when two keys have the same key ID for one algorithm.
    /// [`KeyError::KeyIdNeeded`] when two keys for one algorithm have no key ID. [`KeyError::NoUsableKey`] when
    /// there are no keys.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        let keys: Vec<VerifyingKey> = keys.into_iter().collect();
        let clash = |(i, key): (usize, &VerifyingKey)| {
            keys.iter().take(i).any(|earlier| claim_the_same(earlier, key))
        };
        if keys.iter().enumerate().any(clash) {
            return Err(KeyError::DuplicateKeyId);
        }
        let unnamed = || keys.iter().filter(|key| key.key_id().is_none());
        let alike = |(i, key): (usize, &VerifyingKey)| {
            unnamed().take(i).any(|earlier| share_an_algorithm(earlier, key))
        };
        if unnamed().enumerate().any(alike) {
            return Err(KeyError::KeyIdNeeded);
        }
        Self::of(keys, Vec::new())
    }

    /// Returns a set without keys, for a [`KeySource`](crate::KeySource) that fetches each key when a token names it.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::new(Inner::new(Box::default(), Box::default())))
    }

    /// Reads the public keys of a JWK Set document (RFC 7517 §5).
    ///
    /// A key that cannot be used is skipped, and [`skipped`](Self::skipped) lists it; the other keys stay
    /// usable. Symmetric and private keys must not be in a public set, and are skipped. Two different keys with
    /// the same key ID and algorithm are both skipped, because the key that a token means is ambiguous.
    ///
    /// # Errors
    /// [`KeyError`] when the document is too large, is not a JWK Set, or holds no usable key.
    pub fn from_jwk_set(json: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::from_jwk_set_tolerating(json, JwkTolerance::default())
    }

    /// Reads a JWK Set document as [`from_jwk_set`](Self::from_jwk_set) does, and tolerates some deviations from the
    /// specifications.
    ///
    /// ```
    /// use tollgate::{JwkTolerance, KeySet};
    ///
    /// # fn read(json: &str) -> Result<KeySet, tollgate::KeyError> {
    /// let keys = KeySet::from_jwk_set_tolerating(json, JwkTolerance::default().coordinate_lengths())?;
    /// # Ok(keys) }
    /// ```
    ///
    /// # Errors
    /// As for [`from_jwk_set`](Self::from_jwk_set).
    pub fn from_jwk_set_tolerating(
        json: impl AsRef<[u8]>,
        tolerance: JwkTolerance,
    ) -> Result<Self, KeyError> {
        let json = utf8(json.as_ref())?;
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (index, raw) in parse_document(json)?.into_iter().enumerate() {
            match Jwk::parse(raw, tolerance).map_err(|reason| (key_id_of(raw), reason)).and_then(|jwk| {
                let key_id = jwk.key_id.clone();
                VerifyingKey::from_public_jwk(jwk).map_err(|reason| (key_id, reason))
            }) {
                Ok(key) => keys.push((index, key)),
                Err((key_id, reason)) => skipped.push(SkippedKey { index, key_id, reason }),
            }
        }
        let keys = drop_ambiguous(keys, &mut skipped);
        Self::of(keys, skipped)
    }

    fn of(keys: Vec<VerifyingKey>, skipped: Vec<SkippedKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            let first = skipped.first().map(|key| Box::new(key.reason.clone()));
            return Err(KeyError::NoUsableKey { skipped: skipped.len(), first });
        }
        Ok(Self(Arc::new(Inner::new(keys.into(), skipped.into()))))
    }

    /// Returns an iterator over the usable keys.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.keys.iter()
    }

    /// Returns the keys of the document that are not used, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.0.skipped
    }

    /// Returns the ID of this set. A token that was verified with one set is not thereby verified with another.
    #[must_use]
    pub fn id(&self) -> KeySetId {
        self.0.id
    }

    /// Returns the key to verify a token with: the one that its `kid` names, or its `x5t#S256` or `x5t` if it has no
    /// `kid`, otherwise the only one for its algorithm. An RSA key without `alg` may be used with the algorithms that
    /// the operator has `listed` for this issuer.
    ///
    /// A key without an ID has none to compare, so it fits any token of its algorithm. Keys are never tried in
    /// turn (RFC 8725 §3.1): that would let the client choose the key, and multiply the cost of a forged token.
    pub(crate) fn select(
        &self,
        header: &Header,
        listed: &[Algorithm],
    ) -> Result<(&VerifyingKey, &Prepared), TokenError> {
        let algorithm = header.algorithm();
        let name = header.key_name();
        if let Some(name) = name {
            let named = || self.iter().filter(|key| key.is_named(name, header.key_id().is_some()));
            // Key IDs are unique in a set, thumbprints may not be.
            let differ = |(first, key): (&VerifyingKey, &VerifyingKey)| !first.same_public_key(key);
            if header.key_id().is_none()
                && named().next().is_some_and(|first| named().skip(1).any(|key| differ((first, key))))
            {
                return Err(TokenError::AmbiguousKey { algorithm });
            }
            if named().next().is_some() {
                let bound = named().find_map(|key| Some((key, key.prepared(algorithm)?)));
                return bound
                    .or_else(|| {
                        named().find_map(|key| Some((key, key.prepared_if_listed(algorithm, listed)?)))
                    })
                    .ok_or(TokenError::AlgorithmMismatch { algorithm });
            }
        }
        let fits_unnamed = |key: &&VerifyingKey| match name {
            None => true,
            Some(_) if header.key_id().is_some() => key.key_id().is_none(),
            Some(_) => !key.has_thumbprint(),
        };
        let mut candidates = self.iter().filter(fits_unnamed).filter_map(|key| {
            let prepared = key.prepared(algorithm).or_else(|| key.prepared_if_listed(algorithm, listed));
            Some((key, prepared?))
        });
        match (candidates.next(), candidates.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => Err(TokenError::AmbiguousKey { algorithm }),
            (None, _) => Err(TokenError::UnknownKey { key_id: name.cloned(), algorithm }),
        }
    }

    /// Returns whether a key of this set may be the one that `wanted` names, so that a newer set need not be fetched
    /// for it.
    #[must_use]
    pub fn may_hold(&self, wanted: KeyRequest<'_>) -> bool {
        self.iter().any(|key| match wanted.key_id {
            Some(name) if key.key_id().is_some() || key.has_thumbprint() => {
                key.is_named(name, true) || key.is_named(name, false)
            }
            _ => key.algorithms().any(|algorithm| algorithm == wanted.algorithm),
        })
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self(Arc::new(Inner::new(Box::from([key]), Box::default())))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.0.keys).field("skipped", &self.0.skipped).finish()
    }
}

/// Returns whether both keys have the same key ID, or none, for some algorithm.
fn claim_the_same(a: &VerifyingKey, b: &VerifyingKey) -> bool {
    a.key_id().is_some() && a.key_id() == b.key_id() && share_an_algorithm(a, b)
}

fn share_an_algorithm(a: &VerifyingKey, b: &VerifyingKey) -> bool {
    a.algorithms().any(|algorithm| b.prepared(algorithm).is_some())
}

/// Removes keys that share a key ID and algorithm. Of identical keys, the first stays.
fn drop_ambiguous(keys: Vec<(usize, VerifyingKey)>, skipped: &mut Vec<SkippedKey>) -> Vec<VerifyingKey> {
    let rivals = |key: &VerifyingKey, index: usize| {
        let others = keys.iter().filter(|(other, rival)| *other != index && claim_the_same(rival, key));
        others.fold((false, false), |(differs, repeats), (other, rival)| {
            let same = rival.same_public_key(key);
            (differs || !same, repeats || (same && *other < index))
        })
    };
    let verdicts: Vec<bool> = keys
        .iter()
        .map(|(index, key)| {
            let (differs, repeats) = rivals(key, *index);
            differs || repeats
        })
        .collect();
    let mut kept = Vec::with_capacity(keys.len());
    for ((index, key), dropped) in keys.into_iter().zip(verdicts) {
        if dropped {
            skipped.push(SkippedKey {
                index,
                key_id: key.key_id().cloned(),
                reason: KeyError::DuplicateKeyId,
            });
        } else {
            kept.push(key);
        }
    }
    skipped.sort_by_key(|key| key.index);
    kept
}

/// Returns the members of `keys` as separate texts, so that a malformed one does not affect the others.
fn parse_document(json: &str) -> Result<Vec<&str>, KeyError> {
    let mut keys = None;
    json::read_object(json, |name, value| {
        if name != "keys" {
            return Ok(false);
        }
        keys = Some(raw_keys(value)?);
        Ok::<_, KeyError>(true)
    })?;
    keys.ok_or(KeyError::NotAKeySet)
}

fn raw_keys<'de>(value: &mut Scanner<'de>) -> Result<Vec<&'de str>, KeyError> {
    let mut keys = Vec::new();
    let is_array = value.array(|key| {
        if keys.len() == KeySet::MAX_KEYS {
            return Err(KeyError::TooManyKeys { max: KeySet::MAX_KEYS });
        }
        keys.push(key.raw()?);
        Ok::<_, KeyError>(())
    })?;
    if is_array { Ok(keys) } else { Err(KeyError::NotAKeySet) }
}

/// Returns the ID of an unusable key, for the list of skipped keys.
fn key_id_of(raw: &str) -> Option<KeyId> {
    let mut key_id = None;
    let _what_is_wrong_is_known: Result<(), JsonError> = json::read_object(raw, |name, value| {
        if name != "kid" {
            return Ok(false);
        }
        key_id = value.text()?;
        Ok(key_id.is_some())
    });
    KeyId::new(&*key_id?).ok()
}
