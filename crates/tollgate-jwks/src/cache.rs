//! [`KeySetCache`]: when to ask the issuer, and what to believe meanwhile. No task, no clock, no network: time and
//! outcomes are arguments.

use std::collections::HashMap;
use std::time::Duration;

use tollgate::KeySet;

use crate::absent::{AbsentKeys, WantedKey};
use crate::moment::Moment;
use crate::settings::RefreshSettings;

/// The state of one key set.
///
/// A *refresh* begins when [`poll`](Self::poll) says so and ends with [`finish`](Self::finish); there is one at a
/// time. It is *due* by schedule: ahead of the end of the keys' lifetime, or after a pause when the last one failed.
/// Or it is *demanded*: a token asks for a key that is not known. Demand is held back by a cooldown, by the memory of
/// keys that the issuer does not have, and while the schedule is waiting out a failure.
#[derive(Debug)]
pub(crate) struct KeySetCache {
    settings: RefreshSettings,
    random: fastrand::Rng,
    document: Option<Document>,
    under_way: Option<Refresh>,
    /// When the next refresh begins by schedule.
    due: Moment,
    /// When demand may begin a refresh again.
    demand_after: Moment,
    /// Refreshes that failed since the last good one.
    failures: u32,
    /// What the next refresh, or the one under way, is to find.
    wanted: HashMap<WantedKey, Asked>,
    absent: AbsentKeys,
}

#[derive(Debug)]
struct Document {
    keys: KeySet,
    confirmed: Moment,
    fresh_until: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Refresh {
    began: Moment,
    by_schedule: bool,
}

/// Whether a refresh answers for a key: one that began before the key was asked for may have missed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Before,
    During,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the issuer, and tell [`KeySetCache::finish`] how it went.
    Refresh,
    /// Nothing until then, unless a key is asked for.
    Wait(Moment),
    /// Nothing: a refresh is under way.
    UnderWay,
}

/// How a refresh ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With a document that was not known; how long it says it is fresh.
    New(KeySet, Option<Duration>),
    /// With the document that was known.
    Unchanged(Option<Duration>),
    /// Without one; when the issuer wants to be asked again.
    Failed { retry_after: Option<Duration> },
}

/// Whether waiting may help a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Wait for the end of a refresh.
    Join,
    /// Look again: the key has come meanwhile.
    Known,
    /// The answer would not change.
    Pointless,
}

/// What readers see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// Past the lifetime for this long, still used.
    Stale(Duration),
    /// Past the longest staleness, or never had.
    Unavailable,
}

impl KeySetCache {
    pub(crate) fn new(settings: RefreshSettings, random: fastrand::Rng) -> Self {
        Self {
            settings,
            random,
            document: None,
            under_way: None,
            due: Moment::START,
            demand_after: Moment::START,
            failures: 0,
            wanted: HashMap::new(),
            absent: AbsentKeys::default(),
        }
    }

    /// What to do now. Call it again when a wait is over, after every [`finish`](Self::finish), and after every
    /// [`ask`](Self::ask) that joins.
    pub(crate) fn poll(&mut self, now: Moment) -> Step {
        if self.under_way.is_some() {
            return Step::UnderWay;
        }
        let (by_schedule, demanded) = (now >= self.due, !self.wanted.is_empty());
        if !by_schedule && !demanded {
            return Step::Wait(self.due);
        }
        if demanded {
            // From the beginning, and however it ends: what counts is how often the issuer is asked.
            self.demand_after = now.plus(self.settings.cooldown);
        }
        self.wanted.values_mut().for_each(|asked| *asked = Asked::Before);
        self.under_way = Some(Refresh { began: now, by_schedule });
        Step::Refresh
    }

    /// A token asks for a key that it did not find; `None` when there are no keys at all.
    pub(crate) fn ask(&mut self, wanted: Option<WantedKey>, now: Moment) -> Demand {
        let Some(wanted) = wanted else {
            let begins = self.under_way.is_some() || now >= self.due;
            return if begins { Demand::Join } else { Demand::Pointless };
        };
        if self.keys().is_some_and(|keys| wanted.is_in(keys)) {
            return Demand::Known;
        }
        if self.absent.contains(&wanted, now) {
            return Demand::Pointless;
        }
        if self.under_way.is_none() && now < self.demand_after {
            return Demand::Pointless;
        }
        if !self.wanted.contains_key(&wanted) {
            if self.wanted.len() >= self.settings.max_waiting {
                return Demand::Pointless;
            }
            let asked = if self.under_way.is_some() { Asked::During } else { Asked::Before };
            self.wanted.insert(wanted, asked);
        }
        Demand::Join
    }

    /// Whether a refresh that is to find this key has not ended yet.
    pub(crate) fn is_wanted(&self, wanted: &WantedKey) -> bool {
        self.wanted.contains_key(wanted)
    }

    /// When to ask again for a key that nobody could ask the issuer for; `None` when the issuer has spoken: it does
    /// not have the key, or has been asked too lately to be asked for every key that a caller makes up.
    pub(crate) fn why_unavailable(&self, wanted: &WantedKey, now: Moment) -> Option<Duration> {
        let is_open = self.failures > 0 || self.under_way.is_some();
        if !is_open || self.absent.contains(wanted, now) {
            return None;
        }
        Some(self.retry_after(now))
    }

    /// When a request that cannot be answered for want of keys may come back; at least a second.
    pub(crate) fn retry_after(&self, now: Moment) -> Duration {
        let next = if self.under_way.is_some() { now } else { self.due.min(self.demand_after.max(now)) };
        next.since(now).max(Duration::from_secs(1))
    }

    /// Ends the refresh that is under way.
    pub(crate) fn finish(&mut self, outcome: Outcome, now: Moment) {
        let Some(refresh) = self.under_way.take() else { return };
        match outcome {
            Outcome::New(keys, lifetime) => self.confirm(keys, lifetime, refresh, now),
            Outcome::Unchanged(lifetime) => match self.document.take() {
                Some(document) => self.confirm(document.keys, lifetime, refresh, now),
                None => self.fail(None, refresh, now),
            },
            Outcome::Failed { retry_after } => self.fail(retry_after, refresh, now),
        }
    }

    fn confirm(&mut self, keys: KeySet, lifetime: Option<Duration>, refresh: Refresh, now: Moment) {
        self.failures = 0;
        let lifetime = self.settings.clamp_lifetime(lifetime);
        self.due = now.plus(self.vary(lifetime.mul_f64(REFRESH_AHEAD), REFRESH_JITTER));
        self.settle_wanted(&keys, now);
        // The answer was made after the refresh began, so this errs on the side of age.
        let confirmed = refresh.began;
        self.document = Some(Document { keys, confirmed, fresh_until: confirmed.plus(lifetime) });
    }

    /// What was asked for is there, or is not, or has to be asked for once more.
    fn settle_wanted(&mut self, keys: &KeySet, now: Moment) {
        let RefreshSettings { absent_for, max_absent, .. } = self.settings;
        let may_ask_again = now >= self.demand_after;
        let absent = &mut self.absent;
        self.wanted.retain(|wanted, asked| {
            if wanted.is_in(keys) {
                return false;
            }
            if *asked == Asked::Before {
                absent.insert(wanted.clone(), now, absent_for, max_absent);
                return false;
            }
            may_ask_again
        });
    }

    fn fail(&mut self, retry_after: Option<Duration>, refresh: Refresh, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        self.wanted.clear();
        let asked_for = retry_after.unwrap_or_default().min(self.settings.longest_retry_after);
        let begin_again = if refresh.by_schedule {
            now.plus(self.backoff().max(asked_for))
        } else {
            // The schedule stands: the keys are fresh, and demand alone must not make us knock more often.
            now.plus(asked_for)
        };
        if refresh.by_schedule || self.due < begin_again {
            self.due = begin_again;
        }
        self.demand_after = self.demand_after.max(begin_again);
    }

    /// Doubled with every failure up to the longest, and varied.
    fn backoff(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let RefreshSettings { first_backoff, longest_backoff, .. } = self.settings;
        let backoff = first_backoff.saturating_mul(1_u32 << doublings).min(longest_backoff);
        self.vary(backoff, BACKOFF_JITTER)
    }

    /// `duration` times one plus or minus up to `by`.
    fn vary(&mut self, duration: Duration, by: f64) -> Duration {
        let factor = 1.0 + by * (2.0 * self.random.f64() - 1.0);
        duration.mul_f64(factor)
    }

    /// The keys as they were confirmed last, whatever their age.
    pub(crate) fn keys(&self) -> Option<&KeySet> {
        self.document.as_ref().map(|document| &document.keys)
    }

    /// Until when the keys may be used.
    pub(crate) fn usable_until(&self) -> Moment {
        let document = self.document.as_ref();
        document.map_or(Moment::START, |document| document.fresh_until.plus(self.settings.max_staleness))
    }

    pub(crate) fn freshness(&self, now: Moment) -> Freshness {
        match &self.document {
            Some(document) if now < document.fresh_until => Freshness::Fresh,
            Some(document) if now < self.usable_until() => Freshness::Stale(now.since(document.fresh_until)),
            _ => Freshness::Unavailable,
        }
    }

    /// How long ago the issuer confirmed the keys.
    pub(crate) fn age(&self, now: Moment) -> Option<Duration> {
        self.document.as_ref().map(|document| now.since(document.confirmed))
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn due(&self) -> Moment {
        self.due
    }

    pub(crate) fn absent(&self) -> usize {
        self.absent.len()
    }
}

/// When, in terms of the lifetime, keys are fetched again.
const REFRESH_AHEAD: f64 = 0.8;
const REFRESH_JITTER: f64 = 0.05;
const BACKOFF_JITTER: f64 = 0.2;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod simulation;
#[cfg(test)]
mod tests;
