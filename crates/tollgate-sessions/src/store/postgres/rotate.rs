//! Renewing a session.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::call::{Call, millis};
use super::connection::Parameter;
use super::row::{COLUMNS, column_of, record};
use super::{Result, StoreError, StoreErrorKind};
use crate::store::{Decision, RenewalKind, decide};
use crate::session::{SessionRecord, UnixMillis, whole_millis};
use crate::store::MAX_ABSOLUTE_LIFETIME;
use crate::store::command::{Renewed, Rotate, Rotation};

/// One statement where the token is the current one and its time has come. Everything else is decided here, and written if
/// nothing has changed meanwhile; so is what only looks ahead, by a window as long as any session.
pub(super) async fn rotate(call: &Call<'_>, command: &Rotate) -> Result<Rotation> {
    let mut outcome =
        if may_have_passed(command.policy.window) { advance(call, command).await } else { Ok(None) };
    for _ in 0..ATTEMPTS {
        match outcome {
            Ok(Some(rotation)) => return Ok(rotation),
            Err(error) if error.kind() != StoreErrorKind::Contention => return Err(error),
            // Somebody else was there first.
            Ok(None) | Err(_) => outcome = settle(call, command).await,
        }
    }
    outcome?
        .ok_or_else(|| StoreError::new(StoreErrorKind::Contention, "a session is renewed by many at once"))
}

/// Whether any session lives longer than that.
fn may_have_passed(window: Duration) -> bool {
    window < MAX_ABSOLUTE_LIFETIME
}

async fn advance(call: &Call<'_>, command: &Rotate) -> Result<Option<Rotation>> {
    let (session, secret) = (command.session.to_string(), &command.secret_hash.as_bytes()[..]);
    let generation = i64::from(command.generation);
    let (idle, window) = (millis(command.idle), whole_millis(command.policy.window));
    let fingerprint = command.fingerprint.as_ref().map(|fingerprint| &fingerprint.as_bytes()[..]);
    let values = [
        call.now(),
        (&session, Type::TEXT),
        (&secret, Type::BYTEA),
        (&generation, Type::INT8),
        (&idle, Type::INT8),
        (&window, Type::INT8),
        (&fingerprint, Type::BYTEA),
    ];
    let rows = call.write("renewing a session", ADVANCE, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let session = record(row)?.view();
    Ok(Some(Rotation::Live(Renewed { kind: RenewalKind::Rotated, session })))
}

/// The last generation has no successor.
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

/// `None` when the session has changed since it was read.
async fn settle(call: &Call<'_>, command: &Rotate) -> Result<Option<Rotation>> {
    let id = command.session.to_string();
    let rows = call.read("reading a session", LOAD, &[call.now(), (&id, Type::TEXT)]).await?;
    let row =
        rows.first().ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, "an answer without a row"))?;
    call.must_be_writable(column_of(row, COLUMNS + 2)?)?;
    if column_of::<Option<&str>>(row, 0)?.is_none() {
        return Ok(Some(Rotation::Unknown));
    }
    let mut session = record(row)?;
    if session.secret_hash != command.secret_hash {
        return Ok(Some(Rotation::Unknown));
    }
    let now = UnixMillis::from_millis(column_of(row, COLUMNS)?);
    let decision = decide(&session, column_of(row, COLUMNS + 1)?, command.generation, now, &command.policy);
    let rotation = session.settle(&decision, command, now);
    let written = match decision {
        Decision::Advance { expect, .. } => move_on(call, &id, &session, expect).await?,
        Decision::Reuse { expect } => {
            end(call, &id, &session, expect, now.saturating_add(command.announce_for)).await?
        }
        Decision::Replay { .. } | Decision::Ended(_) | Decision::Expired(_) => true,
    };
    Ok(written.then_some(rotation))
}

/// One row, also where there is no session: it says whether the server is one that decides.
const LOAD: &str = concat!(
    with_now!(),
    "SELECT ",
    columns!(),
    ", t.now, ",
    epoch_of!("s.sub"),
    ", current_setting('transaction_read_only') FROM t LEFT JOIN tollgate.auth_session s ON s.sid = $2::uuid"
);

async fn move_on(call: &Call<'_>, id: &str, session: &SessionRecord, expect: u32) -> Result<bool> {
    let expect = i64::from(expect);
    let (generation, grace) = (i64::from(session.generation), session.grace.map(i64::from));
    let (rotated_at, idle_expiry) = (session.rotated_at.as_millis(), session.idle_expiry.as_millis());
    let fingerprint = session.fingerprint.as_ref().map(|fingerprint| &fingerprint.as_bytes()[..]);
    let values: [Parameter<'_>; 8] = [
        (&id, Type::TEXT),
        (&expect, Type::INT8),
        (&session.epoch, Type::INT8),
        (&rotated_at, Type::INT8),
        (&generation, Type::INT8),
        (&grace, Type::INT8),
        (&idle_expiry, Type::INT8),
        (&fingerprint, Type::BYTEA),
    ];
    Ok(!call.write("renewing a session", MOVE_ON, &values).await?.is_empty())
}

/// Where the session is still what was read.
macro_rules! unchanged {
    () => {
        concat!(
            "WHERE s.sid = $1::uuid AND s.gen = $2 AND s.epoch = $3 AND s.state = 0
               AND s.abs_exp > $4 AND s.idle_exp > $4 AND s.epoch >= ",
            epoch_of!("s.sub")
        )
    };
}

const MOVE_ON: &str = concat!(
    "UPDATE tollgate.auth_session AS s SET gen = $5, grace_gen = $6, rotated_at = $4, idle_exp = $7, fp = $8 ",
    unchanged!(),
    " RETURNING s.gen"
);

/// With its announcement, in one statement.
async fn end(
    call: &Call<'_>,
    id: &str,
    session: &SessionRecord,
    expect: u32,
    until: UnixMillis,
) -> Result<bool> {
    let (expect, until) = (i64::from(expect), until.as_millis());
    let (ended_at, state) = (session.ended_at.map(UnixMillis::as_millis), i64::from(session.state.code()));
    let values: [Parameter<'_>; 6] = [
        (&id, Type::TEXT),
        (&expect, Type::INT8),
        (&session.epoch, Type::INT8),
        (&ended_at, Type::INT8),
        (&state, Type::INT8),
        (&until, Type::INT8),
    ];
    Ok(!call.write("ending a session", END, &values).await?.is_empty())
}

const END: &str = concat!(
    "WITH ended AS (UPDATE tollgate.auth_session AS s SET state = $5, ended_at = $4 ",
    unchanged!(),
    " RETURNING s.sid)
     INSERT INTO tollgate.auth_revocation (kind, key, min_epoch, until)
     SELECT 1, uuid_send(ended.sid), 0, $6 FROM ended RETURNING seq"
);

/// Times that others may get in between. Then there are too many of them.
const ATTEMPTS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RotationPolicy;

    #[test]
    fn only_looking_ahead_has_nothing_to_try_first() {
        for (window, tried) in [
            (Duration::ZERO, true),
            (RotationPolicy::default().window, true),
            (RotationPolicy::MAX_WINDOW, true),
            (MAX_ABSOLUTE_LIFETIME, false),
        ] {
            assert_eq!(may_have_passed(window), tried, "{window:?}");
        }
    }
}
