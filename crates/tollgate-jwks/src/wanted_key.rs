//! [`WantedKey`]: the key that a token names, for the negative cache and for waiting requests.

use std::hash::{Hash, Hasher};

use tollgate::{Algorithm, KeyId, KeyRequest, KeySet, KeySetId};

/// An owned copy of the key that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedKey {
    pub(crate) key_id: Option<KeyId>,
    pub(crate) algorithm: Algorithm,
    /// The set whose key does not verify the token. `None` when no key of the set fits it.
    pub(crate) failed: Option<KeySetId>,
}

impl WantedKey {
    /// Returns whether `keys` may have the key: one that this token names, or any other set than the one whose key did
    /// not verify it.
    pub(crate) fn may_be_in(&self, keys: &KeySet) -> bool {
        match self.failed {
            Some(failed) => keys.id() != failed,
            None => keys.may_hold(KeyRequest::new(self.key_id.as_ref(), self.algorithm)),
        }
    }
}

impl From<KeyRequest<'_>> for WantedKey {
    fn from(request: KeyRequest<'_>) -> Self {
        Self { key_id: request.key_id.cloned(), algorithm: request.algorithm, failed: request.failed }
    }
}

/// Hashes all but the ID of the set, which is nearly always the current one.
impl Hash for WantedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.key_id, self.algorithm, self.failed.is_some()).hash(state);
    }
}
