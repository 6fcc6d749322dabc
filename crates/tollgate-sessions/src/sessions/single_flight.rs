//! [`SingleFlight`]: equal refreshes at the same time cost one call to the store.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::session::{Fingerprint, SessionId};
use crate::store::{RotateMode, RotateOutcome, RotateRequest, StoreError};

/// Refreshes that are in flight.
///
/// A call that arrives while a store request is in flight does not share its result, because a logout may have
/// happened in between. Such calls wait until the request has ended, and then share the next one.
#[derive(Debug, Default)]
pub(super) struct SingleFlight(Mutex<HashMap<FlightKey, Slot>>);

/// What has to be equal for calls to share an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    session: SessionId,
    generation: u32,
    secret_hash: [u8; 32],
    fingerprint: Option<Fingerprint>,
    mode: RotateMode,
    grace_period: Duration,
}

impl FlightKey {
    pub(super) fn of(command: &RotateRequest) -> Self {
        Self {
            session: command.session,
            generation: command.generation,
            secret_hash: *command.secret_hash.as_bytes(),
            fingerprint: command.fingerprint,
            mode: command.mode,
            grace_period: command.policy.grace_period(),
        }
    }
}

type Answer = Result<RotateOutcome, StoreError>;
type Group = Arc<OnceCell<Answer>>;

#[derive(Debug)]
struct Slot {
    /// Held during a call to the store.
    busy: Arc<AsyncMutex<()>>,
    /// The calls that will share the next call to the store.
    open: Group,
    /// The number of calls that hold this slot.
    users: usize,
}

impl SingleFlight {
    /// Returns the answer of `ask`, or of an equal call that begins later than this one.
    pub(super) async fn join<F>(&self, flight: FlightKey, ask: impl Fn() -> F) -> Answer
    where
        F: Future<Output = Answer>,
    {
        let (busy, group) = self.enter(flight.clone());
        let leaving = Leaving { calls: self, flight };
        let answer = group
            .get_or_init(async || {
                let _busy = busy.lock().await;
                self.close(&leaving.flight, &group);
                ask().await
            })
            .await;
        answer.clone()
    }

    fn enter(&self, flight: FlightKey) -> (Arc<AsyncMutex<()>>, Group) {
        let mut slots = self.slots();
        let slot = slots.entry(flight).or_insert_with(|| Slot {
            busy: Arc::default(),
            open: Arc::default(),
            users: 0,
        });
        slot.users = slot.users.saturating_add(1);
        (Arc::clone(&slot.busy), Arc::clone(&slot.open))
    }

    /// Closes the group: calls that arrive from now on form the next one.
    fn close(&self, flight: &FlightKey, group: &Group) {
        if let Some(slot) = self.slots().get_mut(flight)
            && Arc::ptr_eq(&slot.open, group)
        {
            slot.open = Arc::default();
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<FlightKey, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the slot with its last holder, even when that call was cancelled.
struct Leaving<'a> {
    calls: &'a SingleFlight,
    flight: FlightKey,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut slot) = self.calls.slots().entry(self.flight.clone()) {
            slot.get_mut().users = slot.get().users.saturating_sub(1);
            if slot.get().users == 0 {
                slot.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn flight(generation: u32) -> FlightKey {
        FlightKey {
            session: SessionId::from_bytes([1; 16]),
            generation,
            secret_hash: [2; 32],
            fingerprint: None,
            mode: RotateMode::Commit,
            grace_period: Duration::ZERO,
        }
    }

    /// Lets all tasks run that can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn single_flight_shares_the_next_call_among_calls_that_arrive_during_one() {
        let calls = Arc::new(SingleFlight::default());
        let (asked, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let start = |generation| {
            let (calls, asked, released) = (Arc::clone(&calls), Arc::clone(&asked), Arc::clone(&released));
            tokio::spawn(async move {
                let ask = || async {
                    asked.fetch_add(1, Ordering::SeqCst);
                    released.notified().await;
                    Ok(RotateOutcome::Unknown)
                };
                calls.join(flight(generation), ask).await
            })
        };
        let first = start(1);
        settle().await;
        let others: Vec<_> = (0..10).map(|_| start(1)).collect();
        settle().await;
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the first asks, the others wait");
        let different = start(2);
        settle().await;
        assert_eq!(asked.load(Ordering::SeqCst), 2, "another token does not wait");
        released.notify_waiters();
        settle().await;
        assert!(first.is_finished() && different.is_finished());
        assert!(others.iter().all(|task| !task.is_finished()), "none got an answer older than its question");
        assert_eq!(asked.load(Ordering::SeqCst), 3, "all others ask once");
        // The call that was to ask the store is cancelled; another of the same group takes over.
        others[0].abort();
        settle().await;
        released.notify_waiters();
        settle().await;
        released.notify_waiters();
        for task in others.into_iter().skip(1) {
            assert_eq!(task.await.unwrap().unwrap(), RotateOutcome::Unknown);
        }
        assert!(calls.slots().is_empty(), "nothing is left behind");
    }
}
