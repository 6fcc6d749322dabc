//! Creating and listing sessions.

use tokio_postgres::types::Type;

use super::call::{Call, millis};
use super::row::record;
use super::{Result, StoreError, StoreErrorKind};
use crate::session::{NewSession, SessionInfo};

/// Adds a session. The statement copies the epoch; if the epoch rises meanwhile, the session is revoked from the start.
pub(super) async fn create(call: &Call<'_>, new: &NewSession) -> Result<SessionInfo> {
    let (session, subject, secret) =
        (new.session.to_string(), new.subject.as_bytes(), &new.secret_hash.as_bytes()[..]);
    let (absolute, idle) = (millis(new.lifetimes.absolute()), millis(new.lifetimes.idle()));
    let fingerprint = new.fingerprint.as_ref().map(|fingerprint| &fingerprint.as_bytes()[..]);
    let meta = new.meta.as_deref().map(str::as_bytes);
    let values = [
        call.now(),
        (&session, Type::TEXT),
        (&subject, Type::BYTEA),
        (&secret, Type::BYTEA),
        (&absolute, Type::INT8),
        (&idle, Type::INT8),
        (&fingerprint, Type::BYTEA),
        (&meta, Type::BYTEA),
    ];
    let added = call.write("creating a session", CREATE, &values).await?;
    if let Some(row) = added.first() {
        return Ok(record(row)?.info());
    }
    let found = call.read("reading a session", FIND, &[(&session, Type::TEXT)]).await?;
    // A session that existed a moment ago had expired, and was purged.
    let found = found.first().map(record).transpose()?.ok_or_else(|| {
        StoreError::new(StoreErrorKind::Contention, "a session with this ID was just purged")
    })?;
    if found.secret_hash == new.secret_hash && found.subject == new.subject {
        Ok(found.info())
    } else {
        Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same ID"))
    }
}

const CREATE: &str = concat!(
    with_now!(),
    "INSERT INTO tollgate.auth_session AS s
         (sid, sub, sec_hash, gen, rotated_at, epoch, abs_exp, idle_exp, state, auth_time, fp, meta)
     SELECT $2::uuid, $3, $4, 0, t.now, ",
    epoch_of!("$3"),
    ", t.now + $5, t.now + $6, 0, t.now, $7, $8 FROM t
     ON CONFLICT (sid) DO NOTHING RETURNING ",
    columns!()
);
const FIND: &str = concat!("SELECT ", columns!(), "FROM tollgate.auth_session s WHERE s.sid = $1::uuid");

pub(super) async fn list(call: &Call<'_>, subject: &str, limit: usize) -> Result<Vec<SessionInfo>> {
    let (subject, limit) = (subject.as_bytes(), i64::try_from(limit).unwrap_or(i64::MAX));
    let values = [call.now(), (&subject, Type::BYTEA), (&limit, Type::INT8)];
    let rows = call.read("listing sessions", LIST, &values).await?;
    rows.iter().map(|row| record(row).map(|record| record.info())).collect()
}

const LIST: &str = concat!(
    with_now!(),
    "SELECT ",
    columns!(),
    "FROM tollgate.auth_session s, t
     WHERE s.sub = $2 AND s.state = 0 AND s.abs_exp > t.now AND s.idle_exp > t.now AND s.epoch >= ",
    epoch_of!("$2"),
    " ORDER BY s.rotated_at DESC, s.sid DESC LIMIT $3"
);
