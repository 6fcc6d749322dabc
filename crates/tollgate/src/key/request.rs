//! [`KeyRequest`]: the key that a token needs.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;

/// The key that a token names. It comes from an unverified token, so a source must use it for a lookup only.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeyRequest<'a> {
    /// The token's `kid`, otherwise its `x5t#S256` or `x5t`.
    pub key_id: Option<&'a KeyId>,
    /// The token's `alg`.
    pub algorithm: Algorithm,
    /// The set whose key does not verify the token, or `None` when no key of the set fits it. The issuer may have
    /// replaced a key and kept its ID, or may write no key IDs. A source may then ask the issuer once, under the same
    /// limits as for an unknown key. The set is the one that the gate used, which may have been replaced since.
    pub failed: Option<KeySetId>,
}

impl<'a> KeyRequest<'a> {
    /// Creates a request for a key that no set has held so far.
    #[must_use]
    pub fn new(key_id: Option<&'a KeyId>, algorithm: Algorithm) -> Self {
        Self { key_id, algorithm, failed: None }
    }
}

/// Identifies a [`KeySet`](crate::KeySet) among all key sets made in this process, whatever keys they hold. Clones have
/// the same ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetId(u64);

impl KeySetId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
