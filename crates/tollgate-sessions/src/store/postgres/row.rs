//! Reading the row of a session.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::failure::unreadable;
use super::{StoreError, StoreErrorKind};
use crate::session::{Fingerprint, SecretHash, SessionRecord, SessionState, UnixMillis};

/// The number of columns in `columns!`. Columns that a statement adds come after them.
pub(super) const COLUMNS: usize = 14;

/// Reads the session in a row that begins with `columns!`.
pub(super) fn record(row: &Row) -> Result<SessionRecord, StoreError> {
    let instant = |column| column_of(row, column).map(UnixMillis::from_millis);
    let code: i64 = column_of(row, 9)?;
    Ok(SessionRecord {
        session: column_of::<&str>(row, 0)?.parse().map_err(|_cause| corrupt())?,
        subject: text(column_of(row, 1)?)?,
        secret_hash: SecretHash::from_bytes(array(column_of(row, 2)?)?),
        generation: generation(column_of(row, 3)?)?,
        previous_generation: column_of::<Option<i64>>(row, 4)?.map(generation).transpose()?,
        rotated_at: instant(5)?,
        epoch: column_of(row, 6)?,
        absolute_expiry: instant(7)?,
        idle_expiry: instant(8)?,
        state: SessionState::from_code(u8::try_from(code).map_err(|_cause| corrupt())?),
        revoked_at: column_of::<Option<i64>>(row, 10)?.map(UnixMillis::from_millis),
        auth_time: instant(11)?,
        fingerprint: column_of::<Option<&[u8]>>(row, 12)?
            .map(array)
            .transpose()?
            .map(Fingerprint::from_bytes),
        meta: column_of::<Option<&[u8]>>(row, 13)?.map(text).transpose()?,
    })
}

pub(super) fn column_of<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(unreadable)
}

fn generation(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_cause| corrupt())
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_cause| corrupt())
}

fn text(bytes: &[u8]) -> Result<Box<str>, StoreError> {
    std::str::from_utf8(bytes).map(Box::from).map_err(|_cause| corrupt())
}

fn corrupt() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a row that no release has written")
}
