//! Maps SQLite errors to [`StoreError`].

use rusqlite::{Error, ErrorCode};

use super::{StoreError, StoreErrorKind};

/// Returns a closure for `map_err`. `doing` says what failed.
pub(crate) fn failure(doing: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| StoreError::new(kind(&error), doing).with_source(error)
}

fn kind(error: &Error) -> StoreErrorKind {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreErrorKind::Contention,
            ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => StoreErrorKind::Corrupt,
            // SQLite reports a missing table or column as `Unknown`.
            ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SchemaChanged
            | ErrorCode::Unknown => StoreErrorKind::Misconfigured,
            _ => StoreErrorKind::Unavailable,
        },
        Error::IntegralValueOutOfRange(..)
        | Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}
