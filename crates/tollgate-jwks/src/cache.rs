//! [`KeySetCache`]: decides when to ask the issuer, and which keys to use meanwhile. It has no task, clock or
//! network: time and outcomes are arguments.

use std::collections::HashMap;
use std::time::Duration;

use tollgate::KeySet;

use crate::moment::Moment;
use crate::negative_cache::NegativeCache;
use crate::settings::RefreshSettings;
use crate::wanted_key::WantedKey;

/// The state of one key set.
///
/// A *refresh* begins when [`poll`](Self::poll) says so and ends with [`finish`](Self::finish). There is one at a
/// time. It is *due* by schedule: before the end of the keys' lifetime, or after a backoff when the last one failed.
/// Or it is *demanded*: a token names an unknown key, or a key that does not verify it. The cooldown, the negative
/// cache and a backoff after a failure limit demand.
#[derive(Debug)]
pub(crate) struct KeySetCache {
    settings: RefreshSettings,
    random: fastrand::Rng,
    document: Option<Document>,
    under_way: Option<Refresh>,
    /// When the next refresh by schedule begins.
    due: Moment,
    /// The earliest time of the next refresh by demand.
    demand_after: Moment,
    /// The number of failed refreshes since the last success.
    failures: u32,
    /// The keys that the next refresh, or the pending one, is to find.
    wanted: HashMap<WantedKey, Asked>,
    /// Keys that a refresh did not find, or did not replace.
    absent: NegativeCache<WantedKey>,
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

/// Whether a key was requested before the refresh began, or during it. Only a refresh that began later is
/// certain to see the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Before,
    During,
}

/// What the task does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the issuer, and report the outcome to [`KeySetCache::finish`].
    Refresh,
    /// Wait until this time, or until a request demands a key.
    Wait(Moment),
    /// Wait for the pending refresh.
    UnderWay,
}

/// The outcome of a refresh.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A new document, and the lifetime that its response states.
    New(KeySet, Option<Duration>),
    /// The same document as before, and the lifetime that its response states.
    Unchanged(Option<Duration>),
    /// No document. The issuer may have asked for a pause with `Retry-After`.
    Failed { retry_after: Option<Duration> },
}

/// Whether a request should wait for a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Wait for the end of a refresh.
    Join,
    /// Verify again: the key has arrived meanwhile.
    Known,
    /// Do not wait: a refresh would not change the result.
    Pointless,
}

/// Whether the keys are fresh enough to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// The keys are past their lifetime by this duration, and still used.
    Stale(Duration),
    /// The keys are past the maximum staleness, or there never were any.
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
            absent: NegativeCache::default(),
        }
    }

    /// Returns what to do next. Call it again after every wait, every [`finish`](Self::finish) and every
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
            // Counted from the start, whatever the outcome, because the cooldown limits how often the issuer is
            // asked.
            self.demand_after = now.plus(self.settings.cooldown);
        }
        self.wanted.values_mut().for_each(|asked| *asked = Asked::Before);
        self.under_way = Some(Refresh { began: now, by_schedule });
        Step::Refresh
    }

    /// Registers that a token names a key that was not found, or that does not verify it. `wanted` is `None` when there
    /// are no keys at all.
    pub(crate) fn ask(&mut self, wanted: Option<WantedKey>, now: Moment) -> Demand {
        let Some(wanted) = wanted else {
            let begins = self.under_way.is_some() || now >= self.due;
            return if begins { Demand::Join } else { Demand::Pointless };
        };
        if self.keys().is_some_and(|keys| wanted.may_be_in(keys)) {
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

    /// Returns whether the refresh that is to find this key is still pending.
    pub(crate) fn is_wanted(&self, wanted: &WantedKey) -> bool {
        self.wanted.contains_key(wanted)
    }

    /// Returns when to retry for a key, if the issuer could not be asked for it. Returns `None` when the issuer
    /// does not have the key, or the cooldown forbids to ask for every key ID that a client invents. A signature that
    /// does not verify is forged far more often than the key was replaced, so it is never a reason for a 503.
    pub(crate) fn why_unavailable(&self, wanted: &WantedKey, now: Moment) -> Option<Duration> {
        if wanted.failed.is_some() {
            return None;
        }
        let is_open = self.failures > 0 || self.under_way.is_some();
        if !is_open || self.absent.contains(wanted, now) {
            return None;
        }
        Some(self.retry_after(now))
    }

    /// Returns the `Retry-After` for a request that cannot be answered without keys: one second at least.
    pub(crate) fn retry_after(&self, now: Moment) -> Duration {
        let next = if self.under_way.is_some() { now } else { self.due.min(self.demand_after.max(now)) };
        next.since(now).max(Duration::from_secs(1))
    }

    /// Ends the pending refresh.
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
        // The issuer answered after the refresh began, so this never underestimates the age.
        let confirmed = refresh.began;
        self.document = Some(Document { keys, confirmed, fresh_until: confirmed.plus(lifetime) });
    }

    /// Settles the requested keys: found, absent, or to be requested once more.
    fn settle_wanted(&mut self, keys: &KeySet, now: Moment) {
        let RefreshSettings { absent_for, max_absent, .. } = self.settings;
        let may_ask_again = now >= self.demand_after;
        let absent = &mut self.absent;
        self.wanted.retain(|wanted, asked| {
            if wanted.may_be_in(keys) {
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
            // The schedule stays: the keys are fresh, and demand alone must not increase the rate of requests
            // to the issuer.
            now.plus(asked_for)
        };
        if refresh.by_schedule || self.due < begin_again {
            self.due = begin_again;
        }
        self.demand_after = self.demand_after.max(begin_again);
    }

    /// Returns the backoff, which doubles with every failure up to the maximum, with jitter.
    fn backoff(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let RefreshSettings { first_backoff, longest_backoff, .. } = self.settings;
        let backoff = first_backoff.saturating_mul(1_u32 << doublings).min(longest_backoff);
        self.vary(backoff, BACKOFF_JITTER)
    }

    /// Multiplies `duration` by a random factor between one minus `by` and one plus `by`.
    fn vary(&mut self, duration: Duration, by: f64) -> Duration {
        let factor = 1.0 + by * (2.0 * self.random.f64() - 1.0);
        duration.mul_f64(factor)
    }

    /// Returns the keys that were confirmed last, whatever their age.
    pub(crate) fn keys(&self) -> Option<&KeySet> {
        self.document.as_ref().map(|document| &document.keys)
    }

    /// Returns the time until which the keys can be used.
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

    /// Returns the time since the issuer confirmed the keys.
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

/// The fraction of the lifetime after which the keys are refreshed.
const REFRESH_AHEAD: f64 = 0.8;
const REFRESH_JITTER: f64 = 0.05;
const BACKOFF_JITTER: f64 = 0.2;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod simulation;
#[cfg(test)]
mod tests;
