//! The tables, in the schema `tollgate`, and the check that the schema belongs to this crate.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Row, Transaction};

use super::failure::{Stage, failure};
use super::row::column_of;
use super::{Durability, StoreError, StoreErrorKind};

/// The migrations, one for each version. Append only.
const MIGRATIONS: [&str; 2] = [VERSION_1, VERSION_2];

/// No index has a column that a rotation changes, and pages have room for the next version of a row. A rotation thus
/// writes to one page and to no index.
///
/// Text is stored as bytes. Not every encoding of a database can store every subject, and an upgrade of a collation can
/// change the order of text.
const VERSION_1: &str = "
    CREATE TABLE tollgate.auth_session (
        sid uuid NOT NULL PRIMARY KEY,
        sub bytea NOT NULL,
        sec_hash bytea NOT NULL CHECK (octet_length(sec_hash) = 32),
        gen int8 NOT NULL,
        grace_gen int8,
        rotated_at int8 NOT NULL,
        epoch int8 NOT NULL,
        abs_exp int8 NOT NULL,
        idle_exp int8 NOT NULL,
        state int8 NOT NULL,
        ended_at int8,
        auth_time int8 NOT NULL,
        fp bytea,
        meta bytea
    ) WITH (fillfactor = 70);
    CREATE INDEX auth_session_sub ON tollgate.auth_session (sub);
    CREATE TABLE tollgate.auth_subject (
        sub bytea NOT NULL PRIMARY KEY,
        epoch int8 NOT NULL,
        before int8 NOT NULL,
        kept int8 NOT NULL
    );
    CREATE INDEX auth_subject_epoch ON tollgate.auth_subject (epoch);
    INSERT INTO tollgate.auth_subject (sub, epoch, before, kept) VALUES ('', 0, 0, 0);
    CREATE TABLE tollgate.auth_revocation (
        seq int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        kind int8 NOT NULL,
        key bytea NOT NULL,
        min_epoch int8 NOT NULL,
        until int8 NOT NULL
    );
    CREATE INDEX auth_revocation_at ON tollgate.auth_revocation (at);
    CREATE INDEX auth_revocation_until ON tollgate.auth_revocation (until);
";

/// A session is revoked, and no longer said to end.
const VERSION_2: &str = "ALTER TABLE tollgate.auth_session RENAME COLUMN ended_at TO revoked_at;";

/// Creates the tables that are missing, and returns what a commit promises. If none is missing, this is one query.
pub(super) async fn prepare(client: &mut Client) -> Result<Durability, StoreError> {
    let failed = |error| failure("preparing the schema", Stage::Connecting, error);
    let mut found = client.query_typed(VERSION, &[]).await;
    if found.as_ref().is_err_and(is_missing) {
        migrate(client).await?;
        found = client.query_typed(VERSION, &[]).await;
    }
    let rows = found.map_err(failed)?;
    let row = rows.first().ok_or_else(foreign)?;
    if version(row)? < MIGRATIONS.len() {
        migrate(client).await?;
    }
    durability(row)
}

/// Reads the version of the schema, and two settings of the server.
pub(super) const VERSION: &str = "
    SELECT (SELECT max(version) FROM tollgate.auth_schema),
           current_setting('synchronous_commit'), current_setting('transaction_read_only')";

/// Runs the missing migrations under a lock. Of two processes that start at once, the second finds them done.
async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let failed = |error| failure("creating the tables", Stage::Connecting, error);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.batch_execute(LOCK).await.map_err(failed)?;
    let from = found(&transaction).await?;
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.batch_execute(migration).await.map_err(failed)?;
    }
    let to = MIGRATIONS.len();
    let mark = format!("DELETE FROM tollgate.auth_schema; INSERT INTO tollgate.auth_schema VALUES ({to})");
    transaction.batch_execute(&mark).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Returns the version of the tables. Where there are none, creates the schema and the table of the version.
async fn found(transaction: &Transaction<'_>) -> Result<usize, StoreError> {
    let failed = |error| failure("reading the version of the schema", Stage::Connecting, error);
    let rows = transaction.query_typed(PRESENT, &[]).await.map_err(failed)?;
    let row = rows.first().ok_or_else(foreign)?;
    let is = |column| column_of::<bool>(row, column);
    let (has_schema, has_version, has_others) = (is(0)?, is(1)?, is(2)?);
    if has_version {
        let rows = transaction.query_typed(VERSION, &[]).await.map_err(failed)?;
        return version(rows.first().ok_or_else(foreign)?);
    }
    if has_others {
        return Err(foreign());
    }
    if !has_schema {
        transaction.batch_execute("CREATE SCHEMA tollgate").await.map_err(failed)?;
    }
    let table = "CREATE TABLE tollgate.auth_schema (version int8 NOT NULL)";
    transaction.batch_execute(table).await.map_err(failed)?;
    Ok(0)
}

const LOCK: &str = "SELECT pg_advisory_xact_lock(7164207385271493236)";
const PRESENT: &str = "
    SELECT to_regnamespace('tollgate') IS NOT NULL,
           to_regclass('tollgate.auth_schema') IS NOT NULL,
           EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace('tollgate'))";

/// Returns the version in a row of [`VERSION`].
pub(super) fn version(row: &Row) -> Result<usize, StoreError> {
    let version: Option<i64> = row.try_get(0).map_err(|_cause| foreign())?;
    let newest = MIGRATIONS.len();
    match version.map(usize::try_from) {
        Some(Ok(version)) if (1..=newest).contains(&version) => Ok(version),
        None => Err(foreign()),
        Some(_) => {
            let version = version.unwrap_or_default();
            let message = format!(
                "the schema `tollgate` has version {version}, this release supports up to {newest}; run the newer release"
            );
            Err(StoreError::new(StoreErrorKind::Misconfigured, message))
        }
    }
}

/// Returns what a commit promises. With `synchronous_commit = off` the server confirms it before it is on the disk.
fn durability(row: &Row) -> Result<Durability, StoreError> {
    let commit: &str = column_of(row, 1)?;
    Ok(if commit == "off" { Durability::BestEffort } else { Durability::Durable })
}

fn is_missing(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME)
}

/// Returns the error for a schema that this crate did not create.
pub(super) fn foreign() -> StoreError {
    let message = "the schema `tollgate` of the database belongs to something else; choose another database";
    StoreError::new(StoreErrorKind::Misconfigured, message)
}
