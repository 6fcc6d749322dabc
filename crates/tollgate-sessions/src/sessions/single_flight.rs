//! [`Flights`]: equal renewals at the same time ask the store once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OnceCell};

use crate::session::{Fingerprint, SessionId};
use crate::store::{Rotate, Rotation, StoreError};

/// Renewals under way.
///
/// Who comes while the store is being asked does not share that answer, as it may be older than their question, and
/// older than a logout between both. They wait for it to come in, and then share one question of their own.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Flight, Slot>>);

/// What has to be equal for an answer to be shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flight {
    session: SessionId,
    generation: u32,
    secret_hash: [u8; 32],
    fingerprint: Option<Fingerprint>,
    window: Duration,
}

impl Flight {
    pub(super) fn of(command: &Rotate) -> Self {
        Self {
            session: command.session,
            generation: command.generation,
            secret_hash: *command.secret_hash.as_bytes(),
            fingerprint: command.fingerprint,
            window: command.policy.window,
        }
    }
}

type Answer = Result<Rotation, StoreError>;
type Group = Arc<OnceCell<Answer>>;

#[derive(Debug)]
struct Slot {
    /// Held while the store is asked.
    turn: Arc<Turn<()>>,
    /// Those who will ask together next.
    open: Group,
    /// How many hold this slot.
    users: usize,
}

impl Flights {
    /// The answer of `ask`, or of an equal one that is yet to be asked.
    pub(super) async fn join<F>(&self, flight: Flight, ask: impl Fn() -> F) -> Answer
    where
        F: Future<Output = Answer>,
    {
        let (turn, group) = self.enter(flight.clone());
        let leaving = Leaving { flights: self, flight };
        let answer = group
            .get_or_init(async || {
                let _turn = turn.lock().await;
                self.close(&leaving.flight, &group);
                ask().await
            })
            .await;
        answer.clone()
    }

    fn enter(&self, flight: Flight) -> (Arc<Turn<()>>, Group) {
        let mut slots = self.slots();
        let slot = slots.entry(flight).or_insert_with(|| Slot {
            turn: Arc::default(),
            open: Arc::default(),
            users: 0,
        });
        slot.users = slot.users.saturating_add(1);
        (Arc::clone(&slot.turn), Arc::clone(&slot.open))
    }

    /// Nobody joins this group any longer.
    fn close(&self, flight: &Flight, group: &Group) {
        if let Some(slot) = self.slots().get_mut(flight)
            && Arc::ptr_eq(&slot.open, group)
        {
            slot.open = Arc::default();
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Flight, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the slot with the last who holds it, even when that one was cancelled.
struct Leaving<'a> {
    flights: &'a Flights,
    flight: Flight,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut slot) = self.flights.slots().entry(self.flight.clone()) {
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

    fn flight(generation: u32) -> Flight {
        Flight {
            session: SessionId::from_bytes([1; 16]),
            generation,
            secret_hash: [2; 32],
            fingerprint: None,
            window: Duration::ZERO,
        }
    }

    /// Waits until all tasks that can run have run.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_come_during_a_question_share_the_next() {
        let flights = Arc::new(Flights::default());
        let (asked, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let start = |generation| {
            let (flights, asked, released) =
                (Arc::clone(&flights), Arc::clone(&asked), Arc::clone(&released));
            tokio::spawn(async move {
                let ask = || async {
                    asked.fetch_add(1, Ordering::SeqCst);
                    released.notified().await;
                    Ok(Rotation::Unknown)
                };
                flights.join(flight(generation), ask).await
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
        // Who was to ask goes away; another of the same group takes over.
        others[0].abort();
        settle().await;
        released.notify_waiters();
        settle().await;
        released.notify_waiters();
        for task in others.into_iter().skip(1) {
            assert_eq!(task.await.unwrap().unwrap(), Rotation::Unknown);
        }
        assert!(flights.slots().is_empty(), "nothing is left behind");
    }
}
