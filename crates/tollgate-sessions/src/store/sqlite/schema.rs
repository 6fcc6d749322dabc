//! The tables and their versions, and the check that a file belongs to this crate.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::time::Instant;

use super::failure::failure;
use super::identity::FileIdentity;
use super::{StoreError, StoreErrorKind};

/// Marks the file as ours in its header: `TOLL` in ASCII.
const APPLICATION_ID: i64 = 0x544f_4c4c;

/// The migrations, one for each version. Append only.
const MIGRATIONS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

/// Sessions. No index has a column that a refresh changes.
const VERSION_1: &str = "
    CREATE TABLE auth_session (
        sid BLOB NOT NULL PRIMARY KEY CHECK (length(sid) = 16),
        sub TEXT NOT NULL,
        sec_hash BLOB NOT NULL CHECK (length(sec_hash) = 32),
        gen INTEGER NOT NULL,
        grace_gen INTEGER,
        rotated_at INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        abs_exp INTEGER NOT NULL,
        idle_exp INTEGER NOT NULL,
        state INTEGER NOT NULL,
        ended_at INTEGER,
        auth_time INTEGER NOT NULL,
        fp BLOB,
        meta TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX auth_session_sub ON auth_session (sub);
    CREATE TABLE auth_subject (
        sub TEXT NOT NULL PRIMARY KEY,
        epoch INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE auth_revocation (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        kind INTEGER NOT NULL,
        key BLOB NOT NULL,
        min_epoch INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX auth_revocation_until ON auth_revocation (until);
";

/// Users. Scopes and roles are JSON arrays.
const VERSION_2: &str = "
    CREATE TABLE auth_user (
        sub TEXT NOT NULL PRIMARY KEY,
        login TEXT NOT NULL UNIQUE,
        phc TEXT,
        scopes TEXT NOT NULL,
        roles TEXT NOT NULL,
        enabled INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// A session is revoked, and no longer said to end.
const VERSION_3: &str = "ALTER TABLE auth_session RENAME COLUMN ended_at TO revoked_at;";

/// Creates the tables that are missing, in one transaction, so that several processes can start at once.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    // The busy handler does not apply when SQLite changes the journal mode.
    let started = Instant::now();
    loop {
        match try_prepare(connection) {
            Err(error) if error.kind() == StoreErrorKind::Contention && started.elapsed() < TIMEOUT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            prepared => return prepared,
        }
    }
}

/// How long another process may take to create the tables.
const TIMEOUT: Duration = Duration::from_secs(5);

fn try_prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = failure("preparing the file");
    if read_version(connection)? == Found::Empty {
        // Only an empty file can switch to incremental vacuum.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(&failed)?;
    }
    let set = |sql: &str| connection.query_row(sql, [], |_row| Ok(())).map_err(&failed);
    set("PRAGMA journal_mode = WAL")?;
    connection.execute_batch("PRAGMA synchronous = FULL").map_err(&failed)?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let from = match version(&transaction)? {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration).map_err(&failed)?;
    }
    let to = MIGRATIONS.len();
    transaction
        .execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {to}"))
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)
}

/// Checks, within a transaction, that the file is still the same and takes writes. This detects a full disk.
pub(crate) fn ping(connection: &Connection, file: &FileIdentity) -> Result<(), StoreError> {
    file.check()?;
    check(connection)?;
    let version = MIGRATIONS.len();
    connection
        .execute_batch(&format!("PRAGMA user_version = {version}"))
        .map_err(failure("writing to the file"))
}

/// Checks that the file still has the tables.
fn check(connection: &Connection) -> Result<(), StoreError> {
    match version(connection)? {
        Found::Version(_) => Ok(()),
        Found::Empty => Err(StoreError::new(StoreErrorKind::Misconfigured, "the tables are missing")),
    }
}

/// What a file contains.
#[derive(PartialEq, Eq)]
enum Found {
    Empty,
    Version(usize),
}

/// Reads the version in a transaction, so that another process cannot create the tables between the queries.
fn read_version(connection: &Connection) -> Result<Found, StoreError> {
    let transaction =
        connection.unchecked_transaction().map_err(failure("reading the version of the file"))?;
    version(&transaction)
}

/// Reads the version, within a transaction.
fn version(connection: &Connection) -> Result<Found, StoreError> {
    let number = |sql: &str| -> Result<i64, StoreError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(failure("reading the version of the file"))
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let misconfigured = |message: String| Err(StoreError::new(StoreErrorKind::Misconfigured, message));
    if application == 0 && version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(Found::Empty);
    }
    if application != APPLICATION_ID {
        return misconfigured("the file belongs to something else; choose another file".to_owned());
    }
    let newest = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(version) if (1..=newest).contains(&version) => Ok(Found::Version(version)),
        _ => misconfigured(format!(
            "the file has schema version {version}, this release supports up to {newest}; run the newer release"
        )),
    }
}
