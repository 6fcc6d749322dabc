//! [`Worker`]: a thread that has a connection, so that no async thread waits for a disk.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure::failure;
use super::{StoreError, StoreErrorKind, StoreFuture};

/// A thread with a connection. It ends when the worker is dropped.
pub(super) struct Worker(mpsc::Sender<Job>);

/// What a connection is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

/// Does its work, if there is a connection to do it with.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send>;

/// What is left to do once it is known whether the work was committed.
struct Done {
    failed: bool,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

impl Worker {
    pub(super) fn spawn(connection: Connection, mode: Mode) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let name = if mode == Mode::Write { "tollgate-sqlite-w" } else { "tollgate-sqlite-r" };
        let spawned =
            thread::Builder::new().name(name.to_owned()).spawn(move || run(&connection, receiver, mode));
        spawned.map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "no thread to be had").with_source(error)
        })?;
        Ok(Self(sender))
    }

    /// Does `work`, and waits for it to be on the disk. It is done even if nobody waits any longer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = connection.and_then(work);
            let failed = outcome.is_err();
            // Nobody may be waiting any longer.
            let answer =
                Box::new(move |committed: Result<(), StoreError>| drop(reply.send(committed.and(outcome))));
            Done { failed, answer }
        });
        Box::pin(async move {
            let gone = || StoreError::new(StoreErrorKind::Unavailable, "the thread of the file has ended");
            self.0.send(job).await.map_err(|_cause| gone())?;
            answer.await.map_err(|_cause| gone())?
        })
    }
}

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>, mode: Mode) {
    while let Some(first) = jobs.blocking_recv() {
        if mode == Mode::Read {
            (first(Ok(connection)).answer)(Ok(()));
            continue;
        }
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        commit(connection, group);
    }
}

/// Does all that wait in one transaction: one write to the disk for all of them.
fn commit(connection: &Connection, group: Vec<Job>) {
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(failure("beginning to write"));
    let done: Vec<Done> = match &begun {
        Ok(()) => group.into_iter().map(|job| step(connection, job)).collect(),
        Err(error) => group.into_iter().map(|job| job(Err(error.clone()))).collect(),
    };
    let committed = begun.and_then(|()| {
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

/// Work that fails leaves nothing behind, whatever becomes of the others.
fn step(connection: &Connection, job: Job) -> Done {
    let marked = connection.execute_batch("SAVEPOINT job").map_err(failure("beginning to write"));
    let done = job(marked.map(|()| connection));
    let end = if done.failed { "ROLLBACK TO job; RELEASE job" } else { "RELEASE job" };
    // Where this fails the transaction is gone, and committing it fails too.
    drop(connection.execute_batch(end));
    done
}

/// How many calls may wait. More wait for a place.
const QUEUE: usize = 1024;
/// How many share a transaction.
const GROUP: usize = 256;
