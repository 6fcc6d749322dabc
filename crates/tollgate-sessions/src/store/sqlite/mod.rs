//! [`SqliteStore`]: sessions in a file.

mod announcements;
pub(crate) mod failure;
pub(crate) mod identity;
mod operations;
pub(crate) mod schema;
pub(crate) mod worker;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io;
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
use crate::session::{NewSession, SessionInfo, StoreClock};

use announcements::Position;
use failure::failure;
use identity::FileIdentity;
use worker::{Mode, Worker};

/// Sessions in an SQLite file. Any number of processes of one machine can use the same one.
///
/// What is written is on the disk when a call returns (`synchronous=FULL`); calls that come at the same time share one
/// write. The file is made with mode 0600, and refused when others can read it. It must not lie on a network file
/// system.
///
/// A call fails within two seconds while another program keeps the file locked, or the disk does not answer. What had not
/// been begun by then, or when nobody waits for it any longer, is not done.
pub struct SqliteStore {
    path: PathBuf,
    file: FileIdentity,
    writer: Worker,
    reader: Worker,
    clock: StoreClock,
    /// Tells this process what this process has announced; others look into the file.
    announced: Arc<Notify>,
    purged_up_to: operations::PurgePosition,
}

impl SqliteStore {
    /// Opens the file, or makes it. It blocks: call it while starting up.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the file belongs to something else, was made by a newer release, or can be
    /// read by others; [`StoreErrorKind::Unavailable`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        make_private(path)?;
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
            purged_up_to: operations::PurgePosition::default(),
        })
    }

    /// The same, by another clock.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }
}

impl SessionStore for SqliteStore {
    fn create<'a>(&'a self, new: &'a NewSession) -> StoreFuture<'a, SessionInfo> {
        let (new, clock) = (new.clone(), self.clock.clone());
        self.writer.ask(move |connection| operations::create(connection, &new, clock.now()))
    }

    fn rotate<'a>(&'a self, command: &'a RotateRequest) -> StoreFuture<'a, RotateOutcome> {
        let (command, clock) = (command.clone(), self.clock.clone());
        let answer = self.writer.ask(move |connection| operations::rotate(connection, &command, clock.now()));
        Box::pin(async move {
            let rotation = answer.await?;
            if matches!(rotation, RotateOutcome::Reuse(_)) {
                self.announced.notify_waiters();
            }
            Ok(rotation)
        })
    }

    fn revoke<'a>(&'a self, command: &'a RevokeRequest) -> StoreFuture<'a, RevokeOutcome> {
        let (command, clock) = (command.clone(), self.clock.clone());
        let answer = self.writer.ask(move |connection| operations::revoke(connection, &command, clock.now()));
        Box::pin(async move {
            let revoked = answer.await?;
            self.announced.notify_waiters();
            Ok(revoked)
        })
    }

    fn list<'a>(&'a self, subject: &'a str, limit: usize) -> StoreFuture<'a, Vec<SessionInfo>> {
        let (subject, clock) = (Box::<str>::from(subject), self.clock.clone());
        self.reader.ask(move |connection| operations::list(connection, &subject, limit, clock.now()))
    }

    fn purge(&self, budget: usize) -> StoreFuture<'_, PurgeOutcome> {
        let (position, clock) = (self.purged_up_to.clone(), self.clock.clone());
        self.writer.ask(move |connection| operations::purge(connection, &position, budget, clock.now()))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        self.writer.ask(move |connection| schema::try_to_write(connection, &file))
    }
}

impl RevocationFeed for SqliteStore {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        let (after, clock) = (after.and_then(Position::parse).unwrap_or_default(), self.clock.clone());
        self.reader.ask(move |connection| announcements::page(connection, after, clock.now()))
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
    connection.busy_handler(Some(wait_for_others)).map_err(failure("opening the file"))?;
    Ok(connection)
}

/// The files beside it, such as the write-ahead log, get the mode of the file itself.
pub(crate) fn make_private(path: &Path) -> Result<(), StoreError> {
    let failed = |source: io::Error| {
        let what = format!("{} cannot be made or read", path.display());
        StoreError::new(StoreErrorKind::Unavailable, what).with_source(source)
    };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            let what = format!("{path} can be read by others; run: chmod 600 {path}");
            return Err(StoreError::new(StoreErrorKind::Misconfigured, what));
        }
    }
    drop(file);
    Ok(())
}

/// Another connection is writing. SQLite's own handler comes to look ten times a second only: one that writes again and
/// again would hardly be met between two transactions.
fn wait_for_others(looked: i32) -> bool {
    thread::sleep(PAUSE);
    looked < LOOKS
}

/// How often, and at what distance: for a little more than a second. A call may have to wait for the one before it too.
const LOOKS: i32 = 500;
const PAUSE: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests;
