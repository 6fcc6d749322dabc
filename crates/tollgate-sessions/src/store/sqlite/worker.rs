//! [`Worker`]: a thread that has a connection, so that no async thread waits for a disk.

use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::failure::failure;
use super::{StoreError, StoreErrorKind, StoreFuture};
use crate::support::{CancelFlag, CancelOnDrop};

/// A thread with a connection. It ends when the worker is dropped.
pub(crate) struct Worker {
    jobs: mpsc::Sender<Job>,
    mode: Mode,
}

/// What a connection is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// What somebody waits for.
struct Job {
    claim: CancelFlag,
    /// Does it, if there is a connection to do it with.
    work: Box<dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send>,
}

/// What is left to do once it is known whether the work was committed.
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
            StoreError::new(StoreErrorKind::Unavailable, "no thread to be had").with_source(error)
        })?;
        Ok(Self { jobs: sender, mode })
    }

    /// Does `work`, and waits for it to be on the disk, no longer than is allowed. It is not begun once nobody waits.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move |connection: Result<&Connection, StoreError>| {
            let outcome = connection.and_then(work);
            let failed = outcome.is_err();
            let answer = Box::new(move |committed: Result<(), StoreError>| {
                // Nobody may be waiting any longer.
                drop(reply.send(outcome.and_then(|answer| committed.map(|()| answer))));
            });
            Done { failed, answer }
        });
        let waiting = CancelOnDrop::default();
        let job = Job { claim: waiting.0.clone(), work };
        Box::pin(async move {
            let gone = || StoreError::new(StoreErrorKind::Unavailable, "the thread of the file has ended");
            let asking = async {
                self.jobs.send(job).await.map_err(|_cause| gone())?;
                answer.await.map_err(|_cause| gone())?
            };
            timeout(LIMIT, asking).await.unwrap_or_else(|_elapsed| Err(give_up(&waiting, self.mode)))
        })
    }
}

/// What somebody hears who waits no longer.
fn give_up(waiting: &CancelOnDrop, mode: Mode) -> StoreError {
    let millis = LIMIT.as_millis();
    if waiting.0.take() || mode == Mode::Read {
        StoreError::new(StoreErrorKind::Unavailable, format!("the file is busy for {millis} ms"))
    } else {
        StoreError::new(StoreErrorKind::Ambiguous, format!("writing takes longer than {millis} ms"))
    }
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>, mode: Mode) {
    while let Some(first) = jobs.blocking_recv() {
        if mode == Mode::Read {
            if first.claim.take() {
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
        group.retain(|job| !job.claim.is_taken());
        if !group.is_empty() {
            commit(connection, group);
        }
    }
}

/// Does all that wait in one transaction: one write to the disk for all of them.
fn commit(connection: &Connection, group: Vec<Job>) {
    let mut open = connection.execute_batch("BEGIN IMMEDIATE").map_err(unopened);
    let mut done = Vec::new();
    for job in group {
        match &open {
            Ok(()) => done.extend(step(connection, job)),
            Err(error) => done.push((job.work)(Err(error.clone()))),
        }
        // What cannot be written, as to a full disk, may take all of it back.
        if open.is_ok() && connection.is_autocommit() {
            open = Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "nothing was written, as some could not be",
            ));
        }
    }
    let committed = open.and_then(|()| {
        connection.execute_batch("COMMIT").map_err(|error| {
            // It may have been rolled back already.
            drop(connection.execute_batch("ROLLBACK"));
            StoreError::new(StoreErrorKind::Ambiguous, "writing to the disk").with_source(error)
        })
    });
    for done in done {
        (done.answer)(committed.clone());
    }
}

/// Most often another program keeps the file locked and does not come to an end.
fn unopened(error: rusqlite::Error) -> StoreError {
    let error = failure("beginning to write")(error);
    if error.kind() == StoreErrorKind::Contention {
        error.of_kind(StoreErrorKind::Unavailable)
    } else {
        error
    }
}

/// Work that fails leaves nothing behind, whatever becomes of the others.
fn step(connection: &Connection, job: Job) -> Option<Done> {
    if !job.claim.take() {
        return None;
    }
    let marked = connection.execute_batch("SAVEPOINT job").map_err(failure("beginning to write"));
    let done = (job.work)(marked.map(|()| connection));
    let end = if done.failed { "ROLLBACK TO job; RELEASE job" } else { "RELEASE job" };
    // Where this fails the transaction is gone, and committing it fails too.
    drop(connection.execute_batch(end));
    Some(done)
}

/// How long a call may take: a little less than who calls waits, who is thus told what is known.
const LIMIT: Duration = Duration::from_millis(1_800);
/// How many calls may wait. More wait for a place.
const QUEUE: usize = 1024;
/// How many share a transaction.
const GROUP: usize = 256;
