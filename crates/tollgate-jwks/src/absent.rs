//! [`AbsentKeys`]: a bounded negative cache of keys that the issuer does not have.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tollgate::{Algorithm, KeyId, KeyRequest, KeySet};

use crate::moment::Moment;

/// An owned copy of the key that a token names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WantedKey {
    pub(crate) key_id: Option<KeyId>,
    pub(crate) algorithm: Algorithm,
}

impl WantedKey {
    /// Returns whether `keys` has a key that may be this one.
    pub(crate) fn is_in(&self, keys: &KeySet) -> bool {
        keys.iter().any(|key| match &self.key_id {
            Some(_) if key.key_id().is_some() => key.key_id() == self.key_id.as_ref(),
            _ => key.algorithms().any(|algorithm| algorithm == self.algorithm),
        })
    }
}

impl From<KeyRequest<'_>> for WantedKey {
    fn from(request: KeyRequest<'_>) -> Self {
        Self { key_id: request.key_id.cloned(), algorithm: request.algorithm }
    }
}

/// The negative cache: keys that a refresh did not find. New entries evict the oldest.
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
        WantedKey { key_id: Some(KeyId::new(name.to_string()).unwrap()), algorithm: Algorithm::Es256 }
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
