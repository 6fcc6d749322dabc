//! [`Worker`]: a thread that owns a connection, so that no async thread waits for a disk.
//!
//! The crates `tokio-rusqlite` and `deadpool-sqlite` run each call on its own. This worker commits all waiting
//! calls in one transaction, and skips calls whose caller has gone.

use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::failure::failure;
use super::{StoreError, StoreErrorKind, StoreFuture};
use crate::support::{CancelFlag, CancelOnDrop};

/// A thread that owns a connection. The thread ends when the worker is dropped.
pub(crate) struct Worker {
    jobs: mpsc::Sender<Job>,
    mode: Mode,
}

/// What the connection of a worker is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// A call that waits for the thread.
struct Job {
    cancel: CancelFlag,
    /// Does the work, or fails where there is no transaction to do it in.
    work: Box<dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send>,
}

/// Work that is done. Its answer waits for the commit.
struct Done {
    failed: bool,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

impl Worker {
    pub(crate) fn spawn(connection: Connection, mode: Mode) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let name = if mode == Mode::Write { "tollgate-sqlite-w" } else { "tollgate-sqlite-r" };
        let spawned =
            thread::Builder::new().name(name.to_owned()).spawn(move || run(&connection, receiver, mode));
        spawned.map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "cannot spawn a thread").with_source(error)
        })?;
        Ok(Self { jobs: sender, mode })
    }

    /// Runs `work` on the connection, and completes within [`LIMIT`], for a writer once the work is on the disk.
    ///
    /// Work that has not started when its caller gives up never runs.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move |connection: Result<&Connection, StoreError>| {
            let outcome = connection.and_then(work);
            let failed = outcome.is_err();
            let answer = Box::new(move |committed: Result<(), StoreError>| {
                // The caller may have given up.
                drop(reply.send(outcome.and_then(|answer| committed.map(|()| answer))));
            });
            Done { failed, answer }
        });
        let caller = CancelOnDrop::default();
        let job = Job { cancel: caller.0.clone(), work };
        Box::pin(async move {
            let gone = || StoreError::new(StoreErrorKind::Unavailable, "the thread of the file has ended");
            let call = async {
                self.jobs.send(job).await.map_err(|_cause| gone())?;
                answer.await.map_err(|_cause| gone())?
            };
            timeout(LIMIT, call).await.unwrap_or_else(|_elapsed| Err(give_up(&caller, self.mode)))
        })
    }
}

/// Returns the error of a call that has timed out. A write is ambiguous once it has started.
fn give_up(caller: &CancelOnDrop, mode: Mode) -> StoreError {
    let millis = LIMIT.as_millis();
    if caller.0.take() || mode == Mode::Read {
        StoreError::new(StoreErrorKind::Unavailable, format!("no answer within {millis} ms"))
    } else {
        StoreError::new(StoreErrorKind::Ambiguous, format!("no commit within {millis} ms"))
    }
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>, mode: Mode) {
    while let Some(first) = jobs.blocking_recv() {
        if mode == Mode::Read {
            if first.cancel.take() {
                ((first.work)(Ok(connection)).answer)(Ok(()));
            }
            continue;
        }
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        group.retain(|job| !job.cancel.is_taken());
        if !group.is_empty() {
            commit(connection, group);
        }
    }
}

/// Runs all jobs in one transaction, so that one write to the disk serves all of them.
fn commit(connection: &Connection, group: Vec<Job>) {
    let mut open = connection.execute_batch("BEGIN IMMEDIATE").map_err(begin_failure);
    let mut done = Vec::new();
    for job in group {
        match &open {
            Ok(()) => done.extend(run_job(connection, job)),
            Err(error) => done.push((job.work)(Err(error.clone()))),
        }
        // A failed write, for example to a full disk, may roll back the whole transaction.
        if open.is_ok() && connection.is_autocommit() {
            open = Err(StoreError::new(StoreErrorKind::Unavailable, "transaction rolled back"));
        }
    }
    let committed = open.and_then(|()| {
        connection.execute_batch("COMMIT").map_err(|error| {
            // SQLite may have rolled back already, so this may fail.
            drop(connection.execute_batch("ROLLBACK"));
            StoreError::new(StoreErrorKind::Ambiguous, "writing to the disk").with_source(error)
        })
    });
    for done in done {
        (done.answer)(committed.clone());
    }
}

/// Most often another program keeps the file locked. Another attempt would wait as long again, so this is no
/// contention.
fn begin_failure(error: rusqlite::Error) -> StoreError {
    let error = failure("beginning to write")(error);
    if error.kind() == StoreErrorKind::Contention {
        error.with_kind(StoreErrorKind::Unavailable)
    } else {
        error
    }
}

/// Runs one job in a savepoint: a job that fails changes nothing, and does not affect the others.
fn run_job(connection: &Connection, job: Job) -> Option<Done> {
    if !job.cancel.take() {
        return None;
    }
    let savepoint = connection.execute_batch("SAVEPOINT job").map_err(failure("beginning to write"));
    let done = (job.work)(savepoint.map(|()| connection));
    let end = if done.failed { "ROLLBACK TO job; RELEASE job" } else { "RELEASE job" };
    // If this fails, the transaction has ended, and its commit fails too.
    drop(connection.execute_batch(end));
    Some(done)
}

/// How long a call may take. A little less than the caller's own timeout, so that the caller gets this more exact
/// error.
const LIMIT: Duration = Duration::from_millis(1_800);
/// How many calls the queue holds. Further calls wait for a slot.
const QUEUE: usize = 1024;
/// How many calls share a transaction at most.
const GROUP: usize = 256;
