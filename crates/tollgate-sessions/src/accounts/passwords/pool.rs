//! [`Pool`]: threads that compute hashes, each in its own memory, behind a short queue.
//!
//! The threads of the runtime's own pool are not used: with hundreds of them, hundreds of hashes would hold 19
//! MiB each at the same time.

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

/// A pool of threads. The threads end when the pool is dropped.
pub(super) struct Pool {
    shared: Arc<Shared>,
    wait: Duration,
    threads: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    slots: usize,
    counts: Counts,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    closed: bool,
}

/// The work of a thread, in its memory. It returns `None` when there was not enough memory.
type Work = Box<dyn FnOnce(&mut Buffer) -> Option<Tag> + Send>;

struct Job {
    work: Work,
    cancel: CancelFlag,
    reply: oneshot::Sender<Option<Tag>>,
}

/// The counters of a [`Pool`].
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
            slots: settings.queue,
            counts: Counts::default(),
        });
        // If a thread cannot be spawned, dropping the pool ends those spawned before.
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

    /// Runs `work` on one of the threads. Work whose caller has stopped waiting is not started.
    pub(super) async fn compute(
        &self,
        work: impl FnOnce(&mut Buffer) -> Option<Tag> + Send + 'static,
    ) -> Result<Tag, HashPoolBusy> {
        let (reply, mut answer) = oneshot::channel();
        let cancel = CancelOnDrop::default();
        self.shared.push(Job { work: Box::new(work), cancel: cancel.0.clone(), reply })?;
        let answered = match timeout(self.wait, &mut answer).await {
            Ok(answered) => answered,
            Err(_elapsed) if cancel.0.take() => return Err(self.shared.refuse()),
            // A thread has started the work.
            Err(_elapsed) => answer.await,
        };
        // `None` means that there was no memory for a hash that needs more than a thread holds.
        answered.ok().flatten().ok_or_else(|| self.shared.refuse())
    }

    pub(super) fn counts(&self) -> PoolCounts {
        let counts = &self.shared.counts;
        PoolCounts {
            threads: self.threads,
            waiting: self.shared.queue().waiting.iter().filter(|job| !job.cancel.is_taken()).count(),
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

/// The load of the threads that hash passwords, for a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// The number of threads.
    pub threads: usize,
    /// The number of passwords that wait for a thread now.
    pub waiting: usize,
    /// The number of hashes computed since the start.
    pub computed: u64,
    /// The number of passwords refused since the start, because the queue was full or the wait was too long.
    pub refused: u64,
    /// The number of buffers allocated since the start: one for each thread, and one whenever a stored hash
    /// needs more memory than a thread holds. Such an extra buffer is freed after the hash.
    pub buffers: u64,
}

impl Shared {
    fn push(&self, job: Job) -> Result<(), HashPoolBusy> {
        {
            let mut queue = self.queue();
            if queue.waiting.len() >= self.slots {
                // Free the slots of callers that have stopped waiting.
                queue.waiting.retain(|job| !job.cancel.is_taken());
            }
            if queue.waiting.len() >= self.slots {
                drop(queue);
                return Err(self.refuse());
            }
            queue.waiting.push_back(job);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for the next job whose caller still waits. Returns `None` when the pool was dropped.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            match queue.waiting.pop_front() {
                Some(job) if job.cancel.take() => return Some(job),
                Some(_canceled) => {}
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
        // A panic must not end the thread: no code starts another.
        let tag = catch_unwind(AssertUnwindSafe(|| work(&mut buffer))).unwrap_or_default();
        shared.counts.computed.count();
        // The caller may have stopped waiting, which is not an error.
        drop(reply.send(tag));
    }
}

#[cfg(test)]
mod tests;
