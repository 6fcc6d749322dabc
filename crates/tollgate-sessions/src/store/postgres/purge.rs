//! Purging expired sessions, and epochs and announcements that no token needs.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::Type;

use super::Result;
use super::call::Call;
use super::row::column_of;
use crate::session::{MAX_ABSOLUTE_LIFETIME, SessionId, whole_millis};
use crate::store::command::PurgeOutcome;

/// Where the next purge begins. No column that a refresh changes is indexed, so each purge scans a part of the table.
#[derive(Debug, Default)]
pub(super) struct PurgePosition(Mutex<Option<String>>);

impl PurgePosition {
    fn get(&self) -> String {
        let position = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        position.clone().unwrap_or_else(|| SessionId::from_bytes([0; 16]).to_string())
    }

    fn set(&self, position: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }
}

/// Purges with one statement for each table, so that none of them holds locks while it waits for others.
pub(super) async fn purge(call: &Call<'_>, position: &PurgePosition, budget: usize) -> Result<PurgeOutcome> {
    let budget = i64::try_from(budget).unwrap_or(i64::MAX);
    let (from, scanned) = (position.get(), budget.saturating_mul(SCANNED_PER_PURGED));
    let values = [call.now(), (&from, Type::TEXT), (&scanned, Type::INT8)];
    let rows = call.write("purging sessions", SESSIONS, &values).await?;
    let mut purged = PurgeOutcome::default();
    if let Some(row) = rows.first() {
        position.set(column_of(row, 0)?);
        purged.sessions = count(column_of(row, 1)?);
    }
    let lifetime = whole_millis(MAX_ABSOLUTE_LIFETIME);
    let values = [call.now(), (&budget, Type::INT8), (&lifetime, Type::INT8)];
    for (sql, values) in [(ANNOUNCEMENTS, &values[..2]), (EPOCHS, &values[..])] {
        let rows = call.write("purging", sql, values).await?;
        purged.others = purged.others.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    }
    Ok(purged)
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

/// The statement checks the expiry again once a row is locked, so that a session that was refreshed meanwhile stays.
const SESSIONS: &str = concat!(
    with_now!(),
    ", seen AS MATERIALIZED (SELECT s.sid, s.idle_exp FROM tollgate.auth_session s
         WHERE s.sid > $2::uuid ORDER BY s.sid LIMIT $3)
     , gone AS (DELETE FROM tollgate.auth_session AS s WHERE s.sid IN (
         SELECT o.sid FROM tollgate.auth_session o, t
         WHERE o.sid = ANY (ARRAY(SELECT seen.sid FROM seen, t WHERE seen.idle_exp <= t.now))
           AND o.idle_exp <= t.now FOR UPDATE OF o SKIP LOCKED) RETURNING s.sid)
     SELECT (SELECT seen.sid::text FROM seen ORDER BY seen.sid DESC LIMIT 1), (SELECT count(*) FROM gone)"
);

const ANNOUNCEMENTS: &str = concat!(
    with_now!(),
    "DELETE FROM tollgate.auth_revocation WHERE seq IN (
         SELECT r.seq FROM tollgate.auth_revocation r, t WHERE r.until <= t.now
         ORDER BY r.until LIMIT $2 FOR UPDATE OF r SKIP LOCKED) RETURNING seq"
);

/// The row of the global epoch stays, as other statements lock it.
const EPOCHS: &str = concat!(
    with_now!(),
    "DELETE FROM tollgate.auth_subject WHERE sub IN (
         SELECT a.sub FROM tollgate.auth_subject a, t WHERE a.epoch <= t.now - $3 AND a.sub <> ''
         LIMIT $2 FOR UPDATE OF a SKIP LOCKED) RETURNING epoch"
);

/// How many rows a purge scans for each row that it may remove.
const SCANNED_PER_PURGED: i64 = 4;
