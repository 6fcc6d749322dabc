//! [`AbsentKeys`]: a bounded negative cache of keys that the issuer does not have, or has not replaced.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use tollgate::{Algorithm, KeyId, KeyRequest, KeySet, KeySetId};

use crate::moment::Moment;

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

/// The negative cache: keys that a refresh did not find, or did not replace. New entries evict the oldest.
#[derive(Debug, Default)]
pub(crate) struct AbsentKeys {
    until: HashMap<WantedKey, Moment>,
    /// The entries in order of arrival. All have the same lifetime, so this is also the order of expiry.
    order: VecDeque<WantedKey>,
}

impl AbsentKeys {
    pub(crate) fn contains(&self, wanted: &WantedKey, now: Moment) -> bool {
        self.until.get(wanted).is_some_and(|until| now < *until)
    }

    /// Adds `wanted` for `remembered_for`. The cache holds at most `max` entries.
    pub(crate) fn insert(&mut self, wanted: WantedKey, now: Moment, remembered_for: Duration, max: usize) {
        if max == 0 {
            return;
        }
        if self.until.insert(wanted.clone(), now.plus(remembered_for)).is_some() {
            self.order.retain(|known| *known != wanted);
        }
        self.order.push_back(wanted);
        while let Some(oldest) = self.order.front() {
            let is_expired = self.until.get(oldest).is_none_or(|until| *until <= now);
            if self.order.len() <= max && !is_expired {
                break;
            }
            if let Some(oldest) = self.order.pop_front() {
                self.until.remove(&oldest);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: usize) -> WantedKey {
        WantedKey {
            key_id: Some(KeyId::new(name.to_string()).unwrap()),
            algorithm: Algorithm::Es256,
            failed: None,
        }
    }

    fn at(secs: u64) -> Moment {
        Moment::after_start(Duration::from_secs(secs))
    }

    #[test]
    fn entries_expire_and_are_evicted_in_order() {
        let mut absent = AbsentKeys::default();
        let minute = Duration::from_secs(60);
        for name in 0..100 {
            absent.insert(wanted(name), at(0), minute, 10);
            assert!(absent.len() <= 10);
        }
        assert!(!absent.contains(&wanted(89), at(0)), "made room");
        assert!(absent.contains(&wanted(90), at(59)) && !absent.contains(&wanted(90), at(60)));
        absent.insert(wanted(90), at(30), minute, 10);
        assert_eq!(absent.len(), 10, "a repeated entry does not count");
        assert!(absent.contains(&wanted(90), at(89)));
        absent.insert(wanted(7), at(61), minute, 10);
        assert_eq!(absent.len(), 2, "expired entries are dropped");
        absent.insert(wanted(8), at(61), minute, 0);
        assert!(!absent.contains(&wanted(8), at(61)));
    }
}
