//! [`SqliteStore`]: sessions in an SQLite file.

mod announcements;
pub(crate) mod failure;
pub(crate) mod identity;
mod operations;
pub(crate) mod schema;
pub(crate) mod worker;

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Notify;

use super::command::{PurgeOutcome, RevokeOutcome, RevokeRequest, RotateOutcome, RotateRequest};
use super::error::{StoreError, StoreErrorKind};
use super::feed::{FeedCursor, FeedPage, RevocationFeed};
use super::{SessionStore, StoreFuture};
use crate::files::PrivateFileError;
use crate::files::private_file::ensure_exists;
use crate::session::{NewSession, SessionInfo, StoreClock};

use announcements::Position;
use failure::failure;
use identity::FileIdentity;
use worker::{Mode, Worker};

/// A store in an SQLite file. Any number of processes on one machine can use the same file.
///
/// A write is on the disk when its call completes (`synchronous=FULL`). Concurrent calls share one transaction, and
/// so one write to the disk. The store creates the file with mode 0600, and rejects a file that other users can read.
/// The file must not be on a network file system.
///
/// While another program keeps the file locked, or the disk does not respond, calls fail within two seconds. A call
/// that has not started by then, or that its caller has dropped, does not run later.
pub struct SqliteStore {
    path: PathBuf,
    file: FileIdentity,
    writer: Worker,
    reader: Worker,
    clock: StoreClock,
    /// Wakes readers in this process after an announcement of this process. Other processes poll the file.
    announced: Arc<Notify>,
    purge_position: operations::PurgePosition,
}

impl SqliteStore {
    /// Opens the file, and creates it if it is missing. This blocks the thread, so call it while starting up.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the file belongs to another program, was written by a newer release,
    /// or can be read by other users. [`StoreErrorKind::Unavailable`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        create_private(path)?;
        let mut connection = connect(path)?;
        schema::prepare(&mut connection)?;
        let announced = Arc::new(Notify::new());
        Ok(Self {
            path: path.to_owned(),
            file: FileIdentity::of(path),
            writer: Worker::spawn(connection, Mode::Write)?,
            reader: Worker::spawn(connect(path)?, Mode::Read)?,
            clock: StoreClock::server(),
            announced,
            purge_position: operations::PurgePosition::default(),
        })
    }

    /// Sets the clock that judges all times, instead of the machine's. For tests.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }
}

impl SessionStore for SqliteStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        let (new, clock) = (new.clone(), self.clock.clone());
        self.writer.call(move |connection| operations::create(connection, &new, clock.now()))
    }

    fn rotate<'a>(&'a self, request: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        let (request, clock) = (request.clone(), self.clock.clone());
        let call = self.writer.call(move |connection| operations::rotate(connection, &request, clock.now()));
        Box::pin(async move {
            let outcome = call.await?;
            if matches!(outcome, RotateOutcome::Reuse(_)) {
                self.announced.notify_waiters();
            }
            Ok(outcome)
        })
    }

    fn revoke<'a>(&'a self, request: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        let (request, clock) = (request.clone(), self.clock.clone());
        let call = self.writer.call(move |connection| operations::revoke(connection, &request, clock.now()));
        Box::pin(async move {
            let outcome = call.await?;
            self.announced.notify_waiters();
            Ok(outcome)
        })
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        let (subject, clock) = (Box::<str>::from(subject), self.clock.clone());
        self.reader.call(move |connection| operations::list(connection, &subject, limit, clock.now()))
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        let (position, clock) = (self.purge_position.clone(), self.clock.clone());
        self.writer.call(move |connection| operations::purge(connection, &position, budget, clock.now()))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        self.writer.call(move |connection| schema::ping(connection, &file))
    }
}

impl RevocationFeed for SqliteStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        let (after, clock) = (after.and_then(Position::parse).unwrap_or_default(), self.clock.clone());
        self.reader.call(move |connection| announcements::page(connection, after, clock.now()))
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.announced.notified())
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failure("opening the file"))?;
    connection.busy_handler(Some(wait_for_lock)).map_err(failure("opening the file"))?;
    Ok(connection)
}

/// Creates the file for its owner only. SQLite gives the files beside it, such as the write-ahead log, the same mode.
pub(crate) fn create_private(path: &Path) -> Result<(), StoreError> {
    ensure_exists(path).map_err(|error| match error {
        PrivateFileError::Io { path, source } => {
            let message = format!("{} cannot be created or read", path.display());
            StoreError::new(StoreErrorKind::Unavailable, message).with_source(source)
        }
        error => StoreError::new(StoreErrorKind::Misconfigured, error.to_string()),
    })
}

/// Waits for the lock of another connection. SQLite's own handler retries ten times a second only, and could miss every
/// gap between the transactions of a busy writer.
fn wait_for_lock(retries: i32) -> bool {
    thread::sleep(RETRY_INTERVAL);
    retries < MAX_RETRIES
}

/// Together a little more than a second: a call may have to wait for the call before it too.
const MAX_RETRIES: i32 = 500;
const RETRY_INTERVAL: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests;
