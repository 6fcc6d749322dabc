//! Rotating a session.

use tokio_postgres::types::Type;

use super::call::{Call, millis};
use super::connection::Parameter;
use super::row::{COLUMNS, column_of, record};
use super::{Result, StoreError, StoreErrorKind};
use crate::session::{SessionRecord, UnixMillis, whole_millis};
use crate::store::command::{RefreshKind, Refreshed, RotateMode, RotateOutcome, RotateRequest};
use crate::store::decide::{RefreshDecision, decide};

/// One statement rotates the session where the token is the current one and its grace period has passed. Everything
/// else, and every preview, is decided in this process and written if nothing has changed meanwhile.
pub(super) async fn rotate(call: &Call<'_>, request: &RotateRequest) -> Result<RotateOutcome> {
    let mut outcome = match request.mode {
        RotateMode::Preview => Ok(None),
        RotateMode::Commit => advance(call, request).await,
    };
    for _ in 0..ATTEMPTS {
        match outcome {
            Ok(Some(outcome)) => return Ok(outcome),
            Err(error) if error.kind() != StoreErrorKind::Contention => return Err(error),
            // Another call has changed the session in between.
            Ok(None) | Err(_) => outcome = read_and_decide(call, request).await,
        }
    }
    outcome?
        .ok_or_else(|| StoreError::new(StoreErrorKind::Contention, "too many calls refresh the same session"))
}

/// Returns `None` when the statement does not apply.
async fn advance(call: &Call<'_>, request: &RotateRequest) -> Result<Option<RotateOutcome>> {
    let (session, secret) = (request.session.to_string(), &request.secret_hash.as_bytes()[..]);
    let generation = i64::from(request.generation);
    let (idle, grace_period) = (millis(request.idle), whole_millis(request.policy.grace_period()));
    let fingerprint = request.fingerprint.as_ref().map(|fingerprint| &fingerprint.as_bytes()[..]);
    let values = [
        call.now(),
        (&session, Type::TEXT),
        (&secret, Type::BYTEA),
        (&generation, Type::INT8),
        (&idle, Type::INT8),
        (&grace_period, Type::INT8),
        (&fingerprint, Type::BYTEA),
    ];
    let rows = call.write("refreshing a session", ADVANCE, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let session = record(row)?.info();
    Ok(Some(RotateOutcome::Live(Refreshed::new(RefreshKind::Rotated, session))))
}

/// Rotates a session whose token is current. The largest generation has no successor.
const ADVANCE: &str = concat!(
    with_now!(),
    "UPDATE tollgate.auth_session AS s
     SET gen = s.gen + 1, grace_gen = s.gen, rotated_at = t.now, idle_exp = least(t.now + $5, s.abs_exp), fp = $7
     FROM t
     WHERE s.sid = $2::uuid AND s.sec_hash = $3 AND s.gen = $4 AND s.gen < 4294967295 AND s.state = 0
       AND s.abs_exp > t.now AND s.idle_exp > t.now AND s.rotated_at <= t.now - $6
       AND s.epoch >= ",
    epoch_of!("s.sub"),
    " RETURNING ",
    columns!()
);

/// Returns `None` when the session has changed since it was read.
async fn read_and_decide(call: &Call<'_>, request: &RotateRequest) -> Result<Option<RotateOutcome>> {
    let id = request.session.to_string();
    let rows = call.read("reading a session", LOAD, &[call.now(), (&id, Type::TEXT)]).await?;
    let row =
        rows.first().ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, "an answer without a row"))?;
    call.require_primary(column_of(row, COLUMNS + 2)?)?;
    if column_of::<Option<&str>>(row, 0)?.is_none() {
        return Ok(Some(RotateOutcome::Unknown));
    }
    let mut session = record(row)?;
    if session.secret_hash != request.secret_hash {
        return Ok(Some(RotateOutcome::Unknown));
    }
    let now = UnixMillis::from_millis(column_of(row, COLUMNS)?);
    let decision = decide(&session, column_of(row, COLUMNS + 1)?, request, now);
    let outcome = decision.apply(&mut session, request, now);
    let written = match decision {
        RefreshDecision::Rotate { expect, .. } => write_rotation(call, &id, &session, expect).await?,
        RefreshDecision::Reuse { expect } => {
            write_reuse(call, &id, &session, expect, now.saturating_add(request.announce_for)).await?
        }
        RefreshDecision::Replay { .. } | RefreshDecision::Revoked(_) | RefreshDecision::Expired(_) => true,
    };
    Ok(written.then_some(outcome))
}

/// Returns one row, also where there is no session, as the row tells whether the server is a primary.
const LOAD: &str = concat!(
    with_now!(),
    "SELECT ",
    columns!(),
    ", t.now, ",
    epoch_of!("s.sub"),
    ", current_setting('transaction_read_only') FROM t LEFT JOIN tollgate.auth_session s ON s.sid = $2::uuid"
);

async fn write_rotation(call: &Call<'_>, id: &str, session: &SessionRecord, expect: u32) -> Result<bool> {
    let expect = i64::from(expect);
    let (generation, previous) = (i64::from(session.generation), session.previous_generation.map(i64::from));
    let (rotated_at, idle_expiry) = (session.rotated_at.as_millis(), session.idle_expiry.as_millis());
    let fingerprint = session.fingerprint.as_ref().map(|fingerprint| &fingerprint.as_bytes()[..]);
    let values: [Parameter<'_>; 8] = [
        (&id, Type::TEXT),
        (&expect, Type::INT8),
        (&session.epoch, Type::INT8),
        (&rotated_at, Type::INT8),
        (&generation, Type::INT8),
        (&previous, Type::INT8),
        (&idle_expiry, Type::INT8),
        (&fingerprint, Type::BYTEA),
    ];
    Ok(!call.write("refreshing a session", WRITE_ROTATION, &values).await?.is_empty())
}

/// The condition that the session has not changed since it was read.
macro_rules! unchanged {
    () => {
        concat!(
            "WHERE s.sid = $1::uuid AND s.gen = $2 AND s.epoch = $3 AND s.state = 0
               AND s.abs_exp > $4 AND s.idle_exp > $4 AND s.epoch >= ",
            epoch_of!("s.sub")
        )
    };
}

const WRITE_ROTATION: &str = concat!(
    "UPDATE tollgate.auth_session AS s SET gen = $5, grace_gen = $6, rotated_at = $4, idle_exp = $7, fp = $8 ",
    unchanged!(),
    " RETURNING s.gen"
);

/// Revokes the session and announces it, in one statement.
async fn write_reuse(
    call: &Call<'_>,
    id: &str,
    session: &SessionRecord,
    expect: u32,
    until: UnixMillis,
) -> Result<bool> {
    let (expect, until) = (i64::from(expect), until.as_millis());
    let (revoked_at, state) =
        (session.revoked_at.map(UnixMillis::as_millis), i64::from(session.state.code()));
    let values: [Parameter<'_>; 6] = [
        (&id, Type::TEXT),
        (&expect, Type::INT8),
        (&session.epoch, Type::INT8),
        (&revoked_at, Type::INT8),
        (&state, Type::INT8),
        (&until, Type::INT8),
    ];
    Ok(!call.write("revoking a session", WRITE_REUSE, &values).await?.is_empty())
}

const WRITE_REUSE: &str = concat!(
    "WITH revoked AS (UPDATE tollgate.auth_session AS s SET state = $5, revoked_at = $4 ",
    unchanged!(),
    " RETURNING s.sid)
     INSERT INTO tollgate.auth_revocation (kind, key, min_epoch, until)
     SELECT 1, uuid_send(revoked.sid), 0, $6 FROM revoked RETURNING seq"
);

/// How often a call decides anew after another call has changed the session.
const ATTEMPTS: u32 = 4;
