//! [`Table`]: attempts, counted by key, in bounded memory. The time is an argument.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::session::UnixMillis;

/// An address, or the keyed hash of a name.
pub(crate) type Key = [u8; 16];

/// How attempts are counted: each is forgotten after a while, one after the other.
#[derive(Debug)]
pub(super) struct Table {
    rule: Rule,
    entries: usize,
    buckets: HashMap<Key, Bucket>,
    /// The order in which they are forgotten, and given up when there is no place.
    by_end: BTreeSet<(UnixMillis, Key)>,
}

/// When the next attempt is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// While fewer than `burst` are remembered. Each is forgotten after `interval`.
    Burst { burst: u32, interval: Duration },
    /// After a delay, from the `burst`th attempt on, that doubles with each.
    Delay { burst: u32, interval: Duration, first: Duration, longest: Duration },
}

/// One key. It holds times only, so that nothing has to be done while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// When all attempts are forgotten.
    ends: UnixMillis,
    /// When the next attempt is allowed.
    opens: UnixMillis,
}

impl Table {
    pub(super) fn new(rule: Rule, entries: usize) -> Self {
        Self { rule, entries, buckets: HashMap::new(), by_end: BTreeSet::new() }
    }

    /// How long the next attempt has to wait.
    pub(super) fn wait(&mut self, key: &Key, now: UnixMillis) -> Duration {
        let bucket = self.at(key, now);
        if self.buckets.get(key).is_some_and(|stored| stored.opens > bucket.opens) {
            // The clock was set back. From here on it is waited for as long as anybody waits, not for the clock.
            self.set(*key, bucket, now);
        }
        bucket.opens.since(now)
    }

    /// Whether anything is remembered of `key`.
    pub(super) fn remembers(&self, key: &Key, now: UnixMillis) -> bool {
        self.at(key, now).ends > now
    }

    /// Counts an attempt.
    pub(super) fn charge(&mut self, key: Key, now: UnixMillis) {
        let ends = self.at(&key, now).ends.saturating_add(self.rule.interval());
        let opens = self.rule.opens(ends, now);
        self.forget_some(now);
        self.set(key, Bucket { ends, opens }, now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.buckets.len(), self.by_end.len());
        self.buckets.len()
    }

    /// Takes an attempt back.
    pub(super) fn refund(&mut self, key: Key, now: UnixMillis) {
        self.reduce(key, now, |left, interval| left.saturating_sub(interval));
    }

    /// Takes an attempt back, and half of those before it.
    pub(super) fn forgive(&mut self, key: Key, now: UnixMillis) {
        self.reduce(key, now, |left, interval| left.saturating_sub(interval).div_f64(2.0));
    }

    fn reduce(&mut self, key: Key, now: UnixMillis, less: impl FnOnce(Duration, Duration) -> Duration) {
        // What was given up is not remembered again.
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

    /// The bucket as it is now. A clock that was set back makes nobody wait longer than anybody may have to.
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

    /// More than one goes for each that comes.
    fn forget_some(&mut self, now: UnixMillis) {
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

    /// How much is held against anybody.
    fn most(&self) -> Duration {
        match self {
            Self::Burst { burst, interval } => interval.saturating_mul(*burst),
            // As many as it takes for the delay to be the longest.
            Self::Delay { burst, interval, first, longest } => {
                let doublings =
                    (0..32).find(|doublings| doubled(*first, *doublings) >= *longest).unwrap_or(32);
                interval.saturating_mul(burst.saturating_add(doublings).saturating_add(1))
            }
        }
    }

    fn longest(&self) -> Duration {
        match self {
            Self::Burst { interval, .. } => *interval,
            Self::Delay { longest, .. } => *longest,
        }
    }

    /// When the next attempt is allowed after one at `now`.
    fn opens(&self, ends: UnixMillis, now: UnixMillis) -> UnixMillis {
        match self {
            Self::Burst { burst, interval } => {
                ends.saturating_sub(interval.saturating_mul(burst.saturating_sub(1))).max(now)
            }
            Self::Delay { burst, interval, first, longest } => {
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

/// How many attempts are remembered that are all forgotten after `left`.
fn attempts(left: Duration, interval: Duration) -> u32 {
    let count = left.as_millis().div_ceil(interval.as_millis().max(1));
    u32::try_from(count).unwrap_or(u32::MAX)
}
