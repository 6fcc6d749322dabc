//! [`Pool`]: threads that compute hashes, each in memory of its own, and a short queue before them.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::{HashPoolBusy, PasswordsError};
use super::settings::PasswordSettings;
use super::task::{Buffer, Tag};
use crate::support::Counter;
use crate::support::{CancelFlag, CancelOnDrop};

/// The threads end with the pool.
pub(super) struct Pool {
    shared: Arc<Shared>,
    wait: Duration,
    threads: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    places: usize,
    counts: Counts,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    closed: bool,
}

/// What a thread does with its memory; `None` when there was not enough.
type Work = Box<dyn FnOnce(&mut Buffer) -> Option<Tag> + Send>;

struct Job {
    work: Work,
    claim: CancelFlag,
    reply: oneshot::Sender<Option<Tag>>,
}

/// What a [`Pool`] has done.
#[derive(Debug, Default)]
struct Counts {
    computed: Counter,
    refused: Counter,
    buffers: Arc<Counter>,
}

impl Pool {
    pub(super) fn spawn(settings: &PasswordSettings) -> Result<Self, PasswordsError> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            places: settings.queue,
            counts: Counts::default(),
        });
        // Dropping it ends the threads that were there before one failed.
        let pool = Self { shared, wait: settings.wait, threads: settings.threads };
        let kib = settings.memory_kib();
        for _ in 0..settings.threads {
            let buffers = Arc::clone(&pool.shared.counts.buffers);
            let buffer = Buffer::of_kib(kib, buffers).ok_or(PasswordsError::Memory { kib })?;
            pool.spawn_thread(buffer)?;
        }
        Ok(pool)
    }

    fn spawn_thread(&self, buffer: Buffer) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("tollgate-argon2".to_owned());
        thread.spawn(move || run(&shared, buffer)).map(drop)
    }

    /// Does `work` on one of the threads. Work that nobody waits for any longer is not begun.
    pub(super) async fn compute(
        &self,
        work: impl FnOnce(&mut Buffer) -> Option<Tag> + Send + 'static,
    ) -> Result<Tag, HashPoolBusy> {
        let (reply, mut answer) = oneshot::channel();
        let waiting = CancelOnDrop::default();
        self.shared.push(Job { work: Box::new(work), claim: waiting.0.clone(), reply })?;
        let answered = match timeout(self.wait, &mut answer).await {
            Ok(answered) => answered,
            Err(_elapsed) if waiting.0.take() => return Err(self.shared.refuse()),
            // A thread is at it.
            Err(_elapsed) => answer.await,
        };
        // There was no memory for a hash that takes more than usual.
        answered.ok().flatten().ok_or_else(|| self.shared.refuse())
    }

    pub(super) fn counts(&self) -> PoolCounts {
        let counts = &self.shared.counts;
        PoolCounts {
            threads: self.threads,
            waiting: self.shared.queue().waiting.iter().filter(|job| !job.claim.is_taken()).count(),
            computed: counts.computed.get(),
            refused: counts.refused.get(),
            buffers: counts.buffers.get(),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_all();
    }
}

/// What hashing passwords has come to, for a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// How many threads there are.
    pub threads: usize,
    /// How many wait for a thread.
    pub waiting: usize,
    /// How many hashes were computed.
    pub computed: u64,
    /// How many were refused, as too many waited or one had waited too long.
    pub refused: u64,
    /// How often memory for a hash was asked for: once for each thread, and whenever a stored hash needs more than a thread
    /// keeps. What is more is given back afterwards.
    pub buffers: u64,
}

impl Shared {
    fn push(&self, job: Job) -> Result<(), HashPoolBusy> {
        {
            let mut queue = self.queue();
            if queue.waiting.len() >= self.places {
                // Those who went away hold no place.
                queue.waiting.retain(|job| !job.claim.is_taken());
            }
            if queue.waiting.len() >= self.places {
                drop(queue);
                return Err(self.refuse());
            }
            queue.waiting.push_back(job);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// The next job whose caller still waits; `None` when the pool is gone.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            match queue.waiting.pop_front() {
                Some(job) if job.claim.take() => return Some(job),
                Some(_gone) => {}
                None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn refuse(&self) -> HashPoolBusy {
        self.counts.refused.count();
        HashPoolBusy::new()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(shared: &Shared, mut buffer: Buffer) {
    while let Some(Job { work, reply, .. }) = shared.next() {
        // A thread that ends would be missed for good.
        let tag = catch_unwind(AssertUnwindSafe(|| work(&mut buffer))).unwrap_or_default();
        shared.counts.computed.count();
        // Whoever waited may have gone meanwhile.
        drop(reply.send(tag));
    }
}

#[cfg(test)]
mod tests;
