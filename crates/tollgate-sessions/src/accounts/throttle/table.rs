//! [`Table`]: counts attempts by key, in bounded memory. The time is an argument.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::settings::NameDelays;
use crate::session::UnixMillis;

/// An address or network, or the keyed hash of a name.
pub(crate) type Key = [u8; 16];

/// The attempts of each key. The attempts of a key expire one after the other.
///
/// This is a generic cell rate algorithm. Beyond a plain rate limiter it has delays that double, refunds, and
/// eviction of the entry that expires first.
#[derive(Debug)]
pub(super) struct Table {
    rule: Rule,
    entries: usize,
    buckets: HashMap<Key, Bucket>,
    /// The keys by the time at which they expire: the order of expiry and of eviction.
    by_end: BTreeSet<(UnixMillis, Key)>,
}

/// Decides when the next attempt is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Allows an attempt while fewer than `burst` are counted. One attempt expires in each `interval`.
    Burst { burst: u32, interval: Duration },
    /// Allows `burst` attempts. Each further attempt is followed by a delay that doubles from `first` to
    /// `longest`. One attempt expires in each `interval`.
    Delay { burst: u32, interval: Duration, delays: NameDelays },
}

/// The attempts of one key. It stores only times, so that no task has to update it as time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// The time at which all attempts have expired.
    ends: UnixMillis,
    /// The time at which the next attempt is allowed.
    opens: UnixMillis,
}

impl Table {
    pub(super) fn new(rule: Rule, entries: usize) -> Self {
        Self { rule, entries, buckets: HashMap::new(), by_end: BTreeSet::new() }
    }

    /// Returns how long the next attempt of `key` has to wait.
    pub(super) fn wait(&mut self, key: &Key, now: UnixMillis) -> Duration {
        let bucket = self.at(key, now);
        if self.buckets.get(key).is_some_and(|stored| stored.opens > bucket.opens) {
            // The clock was set back. Store the bounded wait, or the key would wait until the clock catches up.
            self.set(*key, bucket, now);
        }
        bucket.opens.since(now)
    }

    /// Returns whether `key` has an attempt that has not expired.
    pub(super) fn contains(&self, key: &Key, now: UnixMillis) -> bool {
        self.at(key, now).ends > now
    }

    /// Counts an attempt of `key`.
    pub(super) fn charge(&mut self, key: Key, now: UnixMillis) {
        let ends = self.at(&key, now).ends.saturating_add(self.rule.interval());
        let opens = self.rule.opens(ends, now);
        self.purge_some(now);
        self.set(key, Bucket { ends, opens }, now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.buckets.len(), self.by_end.len());
        self.buckets.len()
    }

    /// Takes back one attempt of `key`.
    pub(super) fn refund(&mut self, key: Key, now: UnixMillis) {
        self.reduce(key, now, |left, interval| left.saturating_sub(interval));
    }

    /// Takes back one attempt of `key`, and half of those before it.
    pub(super) fn forgive(&mut self, key: Key, now: UnixMillis) {
        self.reduce(key, now, |left, interval| left.saturating_sub(interval).div_f64(2.0));
    }

    fn reduce(&mut self, key: Key, now: UnixMillis, less: impl FnOnce(Duration, Duration) -> Duration) {
        // An evicted key must not come back.
        if !self.buckets.contains_key(&key) {
            return;
        }
        let left = self.at(&key, now).ends.since(now);
        let ends = now.saturating_add(less(left, self.rule.interval()));
        let opens = match self.rule {
            Rule::Burst { .. } => self.rule.opens(ends, now),
            Rule::Delay { .. } => now,
        };
        self.set(key, Bucket { ends, opens }, now);
    }

    /// Returns the bucket of `key` at `now`. After the clock was set back, a key waits no longer than the
    /// rule's longest wait.
    fn at(&self, key: &Key, now: UnixMillis) -> Bucket {
        let Some(bucket) = self.buckets.get(key) else { return Bucket { ends: now, opens: now } };
        let latest = now.saturating_add(self.rule.most());
        let opens = bucket.opens.clamp(now, now.saturating_add(self.rule.longest()));
        Bucket { ends: bucket.ends.clamp(now, latest), opens }
    }

    fn set(&mut self, key: Key, bucket: Bucket, now: UnixMillis) {
        let bucket = Bucket { ends: bucket.ends.min(now.saturating_add(self.rule.most())), ..bucket };
        self.remove(&key);
        if bucket.ends <= now {
            return;
        }
        if self.buckets.len() >= self.entries
            && let Some((_, soonest)) = self.by_end.pop_first()
        {
            self.buckets.remove(&soonest);
        }
        self.buckets.insert(key, bucket);
        self.by_end.insert((bucket.ends, key));
    }

    fn remove(&mut self, key: &Key) {
        if let Some(bucket) = self.buckets.remove(key) {
            self.by_end.remove(&(bucket.ends, *key));
        }
    }

    /// Removes up to two expired keys. Each call adds at most one, so expired keys cannot accumulate.
    fn purge_some(&mut self, now: UnixMillis) {
        for _ in 0..2 {
            let Some((_, key)) = self.by_end.first().copied().filter(|(ends, _)| *ends <= now) else {
                return;
            };
            self.remove(&key);
        }
    }
}

impl Rule {
    fn interval(&self) -> Duration {
        match self {
            Self::Burst { interval, .. } | Self::Delay { interval, .. } => *interval,
        }
    }

    /// Returns how far in the future the attempts of a key can expire.
    fn most(&self) -> Duration {
        match self {
            Self::Burst { burst, interval } => interval.saturating_mul(*burst),
            // As many attempts as it takes to reach the longest delay.
            Self::Delay { burst, interval, delays: NameDelays { first, longest } } => {
                let doublings =
                    (0..32).find(|doublings| doubled(*first, *doublings) >= *longest).unwrap_or(32);
                interval.saturating_mul(burst.saturating_add(doublings).saturating_add(1))
            }
        }
    }

    fn longest(&self) -> Duration {
        match self {
            Self::Burst { interval, .. } => *interval,
            Self::Delay { delays, .. } => delays.longest,
        }
    }

    /// Returns when the next attempt is allowed, after one at `now` that made the attempts end at `ends`.
    fn opens(&self, ends: UnixMillis, now: UnixMillis) -> UnixMillis {
        match self {
            Self::Burst { burst, interval } => {
                ends.saturating_sub(interval.saturating_mul(burst.saturating_sub(1))).max(now)
            }
            Self::Delay { burst, interval, delays: NameDelays { first, longest } } => {
                let count = attempts(ends.since(now), *interval);
                let delay = match count.checked_sub(burst.saturating_add(1)) {
                    None => Duration::ZERO,
                    Some(doublings) => doubled(*first, doublings).min(*longest),
                };
                now.saturating_add(delay)
            }
        }
    }
}

fn doubled(first: Duration, doublings: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
}

/// Returns how many attempts are counted if the last of them expires after `left`.
fn attempts(left: Duration, interval: Duration) -> u32 {
    let count = left.as_millis().div_ceil(interval.as_millis().max(1));
    u32::try_from(count).unwrap_or(u32::MAX)
}
