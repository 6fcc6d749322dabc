//! What SQLite's failures mean to a store.

use rusqlite::{Error, ErrorCode};

use super::{StoreError, StoreErrorKind};

/// To be used with `map_err`.
pub(crate) fn failure(doing: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| StoreError::new(kind(&error), doing).with_source(error)
}

fn kind(error: &Error) -> StoreErrorKind {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreErrorKind::Contention,
            ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => StoreErrorKind::Corrupt,
            // `Unknown` is what a table or column that is not there gives.
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
