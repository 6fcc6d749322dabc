//! [`NegativeCache`]: a bounded set of keys that a lookup did not find, each for a limited time.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::moment::Moment;

/// A bounded set whose entries expire. New entries evict the oldest.
#[derive(Debug)]
pub(crate) struct NegativeCache<K> {
    until: HashMap<K, Moment>,
    /// The entries in order of arrival. All have the same lifetime, so this is also the order of expiry.
    order: VecDeque<K>,
}

impl<K> Default for NegativeCache<K> {
    fn default() -> Self {
        Self { until: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Clone + Eq + Hash> NegativeCache<K> {
    pub(crate) fn contains<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Moment) -> bool
    where
        K: Borrow<Q>,
    {
        self.until(key, now).is_some()
    }

    /// Returns when the entry expires, if there is one.
    pub(crate) fn until<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Moment) -> Option<Moment>
    where
        K: Borrow<Q>,
    {
        self.until.get(key).copied().filter(|until| now < *until)
    }

    /// Adds `key` for `ttl`. The cache holds at most `max` entries.
    pub(crate) fn insert(&mut self, key: K, now: Moment, ttl: Duration, max: usize) {
        if max == 0 {
            return;
        }
        if self.until.insert(key.clone(), now.plus(ttl)).is_some() {
            self.order.retain(|known| *known != key);
        }
        self.order.push_back(key);
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

    pub(crate) fn remove(&mut self, key: &K) {
        if self.until.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::after_start(Duration::from_secs(secs))
    }

    #[test]
    fn entries_expire_and_are_evicted_in_order() {
        let mut absent = NegativeCache::default();
        let minute = Duration::from_secs(60);
        for name in 0..100 {
            absent.insert(name, at(0), minute, 10);
            assert!(absent.len() <= 10);
        }
        assert!(!absent.contains(&89, at(0)), "made room");
        assert!(absent.contains(&90, at(59)) && !absent.contains(&90, at(60)));
        absent.insert(90, at(30), minute, 10);
        assert_eq!(absent.len(), 10, "a repeated entry does not count");
        assert!(absent.contains(&90, at(89)));
        absent.insert(7, at(61), minute, 10);
        assert_eq!(absent.len(), 2, "expired entries are dropped");
        absent.remove(&7);
        assert!(!absent.contains(&7, at(61)) && absent.len() == 1);
        absent.insert(8, at(61), minute, 0);
        assert!(!absent.contains(&8, at(61)));
    }
}
