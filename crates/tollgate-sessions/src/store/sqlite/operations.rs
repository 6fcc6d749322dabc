//! The operations of the store, each within a transaction. None of them waits, and the time is an argument.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::failure::failure;
use super::{StoreError, StoreErrorKind};
use crate::session::{
    Fingerprint, MAX_ABSOLUTE_LIFETIME, NewSession, SecretHash, SessionId, SessionInfo, SessionRecord,
    SessionState, UnixMillis,
};
use crate::store::command::{
    Durability, PurgeOutcome, Revocation, RevocationEntry, RevokeOutcome, RevokeRequest, RevokeScope,
    RotateOutcome, RotateRequest,
};

use crate::store::decide::{RefreshDecision, decide};

type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn create(connection: &Connection, new: &NewSession, now: UnixMillis) -> Result<SessionInfo> {
    if let Some(found) = load(connection, new.session)? {
        let same = found.secret_hash == new.secret_hash && found.subject == new.subject;
        return if same {
            Ok(found.info())
        } else {
            Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same ID"))
        };
    }
    let record = SessionRecord::begin(new, epoch(connection, &new.subject)?, now);
    let insert = "INSERT INTO auth_session (sid, sub, sec_hash, gen, grace_gen, rotated_at, epoch, abs_exp, idle_exp,
                  state, revoked_at, auth_time, fp, meta) VALUES (?1, ?2, ?3, 0, NULL, ?4, ?5, ?6, ?7, 0, NULL, ?4, ?8, ?9)";
    let values = params![
        record.session.as_bytes(),
        record.subject,
        record.secret_hash.as_bytes(),
        now.as_millis(),
        record.epoch,
        record.absolute_expiry.as_millis(),
        record.idle_expiry.as_millis(),
        record.fingerprint.as_ref().map(Fingerprint::as_bytes),
        record.meta,
    ];
    execute(connection, insert, values)?;
    Ok(record.info())
}

pub(super) fn rotate(
    connection: &Connection,
    request: &RotateRequest,
    now: UnixMillis,
) -> Result<RotateOutcome> {
    let found = load(connection, request.session)?;
    let Some(mut record) = found.filter(|record| record.secret_hash == request.secret_hash) else {
        return Ok(RotateOutcome::Unknown);
    };
    let epoch = epoch(connection, &record.subject)?;
    let decision = decide(&record, epoch, request, now);
    let outcome = decision.apply(&mut record, request, now);
    match decision {
        RefreshDecision::Rotate { .. } => save(connection, &record)?,
        RefreshDecision::Reuse { .. } => {
            save(connection, &record)?;
            let until = now.saturating_add(request.announce_for);
            announce(connection, Revocation::Session(request.session), until)?;
        }
        RefreshDecision::Replay { .. } | RefreshDecision::Revoked(_) | RefreshDecision::Expired(_) => {}
    }
    Ok(outcome)
}

pub(super) fn revoke(
    connection: &Connection,
    request: &RevokeRequest,
    now: UnixMillis,
) -> Result<RevokeOutcome> {
    let until = now.saturating_add(request.announce_for);
    let mut changed = true;
    match &request.scope {
        RevokeScope::Session { session, owner } => {
            let sql = "UPDATE auth_session SET state = ?2, revoked_at = ?3
                       WHERE sid = ?1 AND state = 0 AND (?4 IS NULL OR sub = ?4)";
            let values = params![session.as_bytes(), request.reason.code(), now.as_millis(), owner];
            changed = execute(connection, sql, values)? > 0;
            if changed {
                announce(connection, Revocation::Session(*session), until)?;
            }
        }
        RevokeScope::Subject { subject, keep } => {
            let before = epoch(connection, subject)?;
            let min_epoch = raise_epoch(connection, subject, now)?;
            if let Some(session) = keep
                && let Some(record) = load(connection, *session)?
                && record.subject == *subject
                && record.is_live(before, now)
            {
                save(connection, &SessionRecord { epoch: min_epoch, ..record })?;
            }
            announce(connection, Revocation::Subject { subject: subject.clone(), min_epoch }, until)?;
        }
        RevokeScope::Everything => {
            let min_epoch = raise_epoch(connection, "", now)?;
            announce(connection, Revocation::Everything { min_epoch }, until)?;
        }
    }
    Ok(RevokeOutcome { changed, durability: Durability::Durable })
}

pub(super) fn list(
    connection: &Connection,
    subject: &str,
    limit: usize,
    now: UnixMillis,
) -> Result<Vec<SessionInfo>> {
    let failed = failure("listing sessions");
    let epoch = epoch(connection, subject)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM auth_session
         WHERE sub = ?1 AND state = 0 AND epoch >= ?2 AND abs_exp > ?3 AND idle_exp > ?3
         ORDER BY rotated_at DESC, sid DESC LIMIT ?4"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    let rows =
        statement.query_map(params![subject, epoch, now.as_millis(), limit], record).map_err(&failed)?;
    rows.map(|row| row.map(|record| record.info()).map_err(&failed)).collect()
}

/// Where the next purge begins. No column that a refresh changes is indexed, so each purge scans a part of the table.
#[derive(Clone, Debug, Default)]
pub(super) struct PurgePosition(Arc<Mutex<Option<SessionId>>>);

pub(super) fn purge(
    connection: &Connection,
    position: &PurgePosition,
    budget: usize,
    now: UnixMillis,
) -> Result<PurgeOutcome> {
    let failed = failure("purging");
    let budget = i64::try_from(budget).unwrap_or(i64::MAX);
    let mut from = position.0.lock().unwrap_or_else(PoisonError::into_inner);
    let start = from.unwrap_or(SessionId::from_bytes([0; 16]));
    let last: Option<[u8; 16]> = connection
        .query_row(
            "SELECT max(sid) FROM (SELECT sid FROM auth_session WHERE sid > ?1 ORDER BY sid LIMIT ?2)",
            params![start.as_bytes(), budget.saturating_mul(SCANNED_PER_PURGED)],
            |row| row.get(0),
        )
        .map_err(&failed)?;
    *from = last.map(SessionId::from_bytes);
    drop(from);
    let mut purged = PurgeOutcome::default();
    if let Some(last) = last {
        let sql =
            "DELETE FROM auth_session WHERE sid > ?1 AND sid <= ?2 AND (abs_exp <= ?3 OR idle_exp <= ?3)";
        purged.sessions = count(execute(connection, sql, params![start.as_bytes(), last, now.as_millis()])?);
    }
    let sql = "DELETE FROM auth_revocation WHERE seq IN
               (SELECT seq FROM auth_revocation WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    purged.others = count(execute(connection, sql, params![now.as_millis(), budget])?);
    let oldest = now.saturating_sub(MAX_ABSOLUTE_LIFETIME).as_millis();
    let sql =
        "DELETE FROM auth_subject WHERE sub IN (SELECT sub FROM auth_subject WHERE epoch <= ?1 LIMIT ?2)";
    let epochs = count(execute(connection, sql, params![oldest, budget])?);
    purged.others = purged.others.saturating_add(epochs);
    shrink(connection)?;
    Ok(purged)
}

/// Gives some free pages of the file back to the file system, one page for each step of the statement.
fn shrink(connection: &Connection) -> Result<()> {
    let failed = failure("shortening the file");
    let mut statement = connection.prepare("PRAGMA incremental_vacuum(100)").map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    while rows.next().map_err(&failed)?.is_some() {}
    Ok(())
}

fn load(connection: &Connection, session: SessionId) -> Result<Option<SessionRecord>> {
    let failed = failure("reading a session");
    let sql = format!("SELECT {COLUMNS} FROM auth_session WHERE sid = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    statement.query_row(params![session.as_bytes()], record).optional().map_err(&failed)
}

/// Writes the columns that can change. It never adds a row.
fn save(connection: &Connection, record: &SessionRecord) -> Result<()> {
    let sql = "UPDATE auth_session SET gen = ?2, grace_gen = ?3, rotated_at = ?4, epoch = ?5, idle_exp = ?6, state = ?7,
               revoked_at = ?8, fp = ?9 WHERE sid = ?1";
    let values = params![
        record.session.as_bytes(),
        record.generation,
        record.previous_generation,
        record.rotated_at.as_millis(),
        record.epoch,
        record.idle_expiry.as_millis(),
        record.state.code(),
        record.revoked_at.map(UnixMillis::as_millis),
        record.fingerprint.as_ref().map(Fingerprint::as_bytes),
    ];
    execute(connection, sql, values).map(|_rows| ())
}

const COLUMNS: &str =
    "sid, sub, sec_hash, gen, grace_gen, rotated_at, epoch, abs_exp, idle_exp, state, revoked_at,
                       auth_time, fp, meta";

/// Reads a row of [`COLUMNS`].
fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let instant = |index: usize| row.get(index).map(UnixMillis::from_millis);
    Ok(SessionRecord {
        session: SessionId::from_bytes(row.get(0)?),
        subject: row.get(1)?,
        secret_hash: SecretHash::from_bytes(row.get(2)?),
        generation: row.get(3)?,
        previous_generation: row.get(4)?,
        rotated_at: instant(5)?,
        epoch: row.get(6)?,
        absolute_expiry: instant(7)?,
        idle_expiry: instant(8)?,
        state: SessionState::from_code(row.get(9)?),
        revoked_at: row.get::<_, Option<i64>>(10)?.map(UnixMillis::from_millis),
        auth_time: instant(11)?,
        fingerprint: row.get::<_, Option<[u8; 8]>>(12)?.map(Fingerprint::from_bytes),
        meta: row.get(13)?,
    })
}

/// Returns the epoch of a subject, or the global epoch when that is higher.
fn epoch(connection: &Connection, subject: &str) -> Result<i64> {
    let failed = failure("reading an epoch");
    let sql = "SELECT coalesce(max(epoch), 0) FROM auth_subject WHERE sub IN (?1, '')";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row(params![subject], |row| row.get(0)).map_err(&failed)
}

/// Raises the epoch of a subject above every epoch that a session of the subject can have. The global epoch, of the
/// empty subject, rises above the epochs of all subjects.
fn raise_epoch(connection: &Connection, subject: &str, now: UnixMillis) -> Result<i64> {
    let highest = if subject.is_empty() {
        let sql = "SELECT coalesce(max(epoch), 0) FROM auth_subject";
        connection.query_row(sql, [], |row| row.get(0)).map_err(failure("reading epochs"))?
    } else {
        epoch(connection, subject)?
    };
    let raised = highest.saturating_add(1).max(now.as_millis());
    let sql = "INSERT INTO auth_subject (sub, epoch) VALUES (?1, ?2)
               ON CONFLICT (sub) DO UPDATE SET epoch = excluded.epoch";
    execute(connection, sql, params![subject, raised])?;
    Ok(raised)
}

fn announce(connection: &Connection, revocation: Revocation, until: UnixMillis) -> Result<()> {
    let entry = RevocationEntry { revocation, until };
    let (kind, key, min_epoch) = entry.to_columns();
    let sql = "INSERT INTO auth_revocation (kind, key, min_epoch, until) VALUES (?1, ?2, ?3, ?4)";
    execute(connection, sql, params![kind, key, min_epoch, until.as_millis()]).map(|_rows| ())
}

fn execute(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
    let failed = failure("writing");
    connection.prepare_cached(sql).map_err(&failed)?.execute(values).map_err(&failed)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// How many rows a purge scans for each row that it may remove.
const SCANNED_PER_PURGED: i64 = 4;
