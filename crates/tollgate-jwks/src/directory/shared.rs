//! [`Shared`]: the state that the lookups and the requests share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tollgate::{Issuer, KeyRefresh, KeysUnavailable, Verifier};

use super::lookup::{Lookup, LookupOutcome, LookupRequest};
use super::settings::VerifierDirectorySettings;
use super::state::{Demand, Flight, Outcome, Slots, State};
use super::status::{Counts, VerifierDirectoryStatus};
use crate::error::StartError;
use crate::moment::Moment;

pub(super) struct Shared {
    origin: Instant,
    lookup: Lookup,
    runtime: Handle,
    timeout: Duration,
    max_waiting: usize,
    /// The state that requests read without a lock.
    slots: ArcSwap<Slots<Arc<Verifier>>>,
    /// Locked by requests without a usable verifier, at the end of lookups, and by calls of `status`. The lock is never
    /// held across an await.
    inner: Mutex<Inner>,
    waiting: AtomicUsize,
    counts: Counts,
    last_failure: Mutex<Option<(Moment, String)>>,
}

struct Inner {
    state: State<Arc<Verifier>>,
    /// The ID of the pending lookup of each issuer, and a channel that closes when it ends.
    ends: HashMap<Issuer, (u64, watch::Receiver<()>)>,
    /// Dropping the set ends the lookups.
    tasks: JoinSet<()>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierDirectory").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(lookup: Lookup, settings: VerifierDirectorySettings) -> Result<Self, StartError> {
        settings.check().map_err(StartError::Settings)?;
        Ok(Self {
            origin: Instant::now(),
            lookup,
            runtime: Handle::try_current().map_err(|_cause| StartError::NoRuntime)?,
            timeout: settings.timeout,
            max_waiting: settings.max_waiting,
            slots: ArcSwap::default(),
            inner: Mutex::new(Inner {
                state: State::new(settings),
                ends: HashMap::new(),
                tasks: JoinSet::new(),
            }),
            waiting: AtomicUsize::new(0),
            counts: Counts::default(),
            last_failure: Mutex::default(),
        })
    }

    /// Returns the verifier, without a lock, except once per lifetime to begin its background lookup.
    pub(super) fn verifier(self: &Arc<Self>, issuer: &str) -> Option<Arc<Verifier>> {
        let slots = self.slots.load();
        let (issuer, slot) = slots.get_key_value(issuer)?;
        let now = self.now();
        if !slot.is_usable(now) {
            return None;
        }
        if slot.touch(now) {
            let mut inner = self.inner();
            if let Some(flight) = inner.state.refresh(issuer, now) {
                self.spawn(&mut inner, flight);
            }
        }
        Some(Arc::clone(&slot.verifier))
    }

    /// Starts or joins the lookup of the issuer.
    pub(super) fn lookup(self: &Arc<Self>, issuer: &str) -> Option<KeyRefresh> {
        let issuer = bounded(issuer)?;
        let refused = || {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            None
        };
        let Some(waiting) = Waiting::take(self) else { return refused() };
        let end = {
            let mut inner = self.inner();
            match inner.state.ask(&issuer, self.now()) {
                Demand::Refused => return refused(),
                Demand::Known => return Some(KeyRefresh::new(std::future::ready(()))),
                Demand::Join => inner.ends.get(&issuer).map(|(_, end)| end.clone()),
                Demand::Begin(flight) => Some(self.spawn(&mut inner, flight)),
            }
        };
        self.counts.waited.fetch_add(1, Ordering::Relaxed);
        Some(KeyRefresh::new(async move {
            let _waiting = waiting;
            if let Some(mut end) = end {
                // Nothing is ever sent: the channel closes when the lookup has ended.
                while end.changed().await.is_ok() {}
            }
        }))
    }

    pub(super) fn why_unavailable(&self, issuer: &str) -> Option<KeysUnavailable> {
        let issuer = bounded(issuer)?;
        let retry_after = self.inner().state.why_unavailable(&issuer, self.now())?;
        Some(KeysUnavailable::new("the issuer could not be looked up", retry_after))
    }

    pub(super) fn invalidate(&self, issuer: &Issuer) {
        let mut inner = self.inner();
        inner.state.invalidate(issuer);
        inner.ends.remove(issuer);
        self.publish(&inner);
    }

    /// Runs the lookup in a task of its own. Returns the channel that closes at its end.
    fn spawn(self: &Arc<Self>, inner: &mut Inner, flight: Flight) -> watch::Receiver<()> {
        let (sender, end) = watch::channel(());
        inner.ends.insert(flight.issuer.clone(), (flight.id(), end.clone()));
        while inner.tasks.try_join_next().is_some() {}
        let request = LookupRequest::new(flight.issuer.clone(), flight.age);
        let (lookup, timeout, shared) = (Arc::clone(&self.lookup), self.timeout, Arc::downgrade(self));
        let task = async move {
            // Created here, because a runtime that shuts down drops the task at once, under the lock of the caller.
            let mut landing = Landing { shared, flight: Some(flight), _end: sender };
            let outcome = tokio::time::timeout(timeout, async { lookup(request).await }).await;
            landing.land(match outcome {
                Ok(Ok(outcome)) => Ok(outcome),
                Ok(Err(error)) => Err(sentence(&*error)),
                Err(_elapsed) => Err(format!("no answer within {} ms", timeout.as_millis())),
            });
        };
        inner.tasks.spawn_on(task, &self.runtime);
        end
    }

    fn finish(&self, flight: Flight, outcome: Result<LookupOutcome, String>) {
        let now = self.now();
        let issuer = flight.issuer.clone();
        let (count, outcome) = match outcome {
            Ok(LookupOutcome::Found(verifier)) => (&self.counts.found, Outcome::Found(verifier)),
            Ok(LookupOutcome::Unchanged) if flight.age.is_some() => {
                (&self.counts.unchanged, Outcome::Unchanged)
            }
            Ok(LookupOutcome::Unknown) => (&self.counts.unknown, Outcome::Unknown),
            failed => {
                let cause = failed.err().unwrap_or_else(|| "unchanged, but there is no verifier".to_owned());
                tracing::warn!(issuer = ?issuer.as_str(), cause, "lookup of an issuer failed");
                *self.last_failure() = Some((now, cause));
                (&self.counts.failed, Outcome::Failed)
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(issuer = ?issuer.as_str(), found = matches!(outcome, Outcome::Found(_)), "issuer looked up");
        let mut inner = self.inner();
        let id = flight.id();
        inner.state.finish(flight, outcome, now);
        if inner.ends.get(&issuer).is_some_and(|(known, _)| *known == id) {
            inner.ends.remove(&issuer);
        }
        self.publish(&inner);
    }

    /// Publishes the verifiers, under the lock, so that the latest state wins.
    fn publish(&self, inner: &Inner) {
        let is_empty = inner.state.slots().is_empty() && self.slots.load().is_empty();
        // Made-up issuers change nothing that requests read.
        if !is_empty {
            self.slots.store(Arc::new(inner.state.slots().clone()));
        }
    }

    pub(super) fn status(&self) -> VerifierDirectoryStatus {
        let now = self.now();
        let last_failure = self.last_failure().as_ref().map(|(at, cause)| (cause.clone(), now.since(*at)));
        let inner = self.inner();
        VerifierDirectoryStatus {
            verifiers: inner.state.slots().len(),
            absent: inner.state.absent(),
            in_flight: inner.state.in_flight(),
            waiting: self.waiting.load(Ordering::Relaxed),
            consecutive_failures: inner.state.failures(),
            counted: self.counts.read(),
            last_failure,
        }
    }

    fn now(&self) -> Moment {
        Moment::after_start(Instant::now().saturating_duration_since(self.origin))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<(Moment, String)>> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the issuer, if it may be looked up.
fn bounded(issuer: &str) -> Option<Issuer> {
    const MAX_BYTES: usize = 512;
    (issuer.len() <= MAX_BYTES).then(|| Issuer::new(issuer).ok())?
}

/// Returns the error with all its causes, on one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        sentence.push_str(": ");
        sentence.push_str(&cause.to_string());
        source = cause.source();
    }
    sentence
}

/// Ends a lookup, also when it panics or is dropped.
struct Landing {
    shared: Weak<Shared>,
    flight: Option<Flight>,
    /// Dropped last, so that waiting requests find the outcome.
    _end: watch::Sender<()>,
}

impl Landing {
    fn land(&mut self, outcome: Result<LookupOutcome, String>) {
        if let (Some(shared), Some(flight)) = (self.shared.upgrade(), self.flight.take()) {
            shared.finish(flight, outcome);
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.land(Err("the lookup panicked".to_owned()));
    }
}

/// A waiting request. Dropping it frees its place.
struct Waiting(Arc<Shared>);

impl Waiting {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let taken = shared.waiting.fetch_add(1, Ordering::Relaxed);
        // Created first, so that its drop undoes the increment when the limit is exceeded.
        let waiting = Self(Arc::clone(shared));
        (taken < shared.max_waiting).then_some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
