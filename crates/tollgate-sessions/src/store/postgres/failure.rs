//! Maps errors of the server, and of the connection, to [`StoreError`].

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::{StoreError, StoreErrorKind};

/// The stage of a call at which it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The call had no connection yet.
    Connecting,
    /// The call had sent a statement that changes nothing.
    Reading,
    /// The call had sent a statement that the server may have done.
    Writing,
}

impl Stage {
    /// Returns the kind of failure when the server does not answer.
    pub(super) fn without_answer(self) -> StoreErrorKind {
        match self {
            Self::Connecting | Self::Reading => StoreErrorKind::Unavailable,
            Self::Writing => StoreErrorKind::Ambiguous,
        }
    }
}

/// Returns the failure of a call. `doing` says what failed.
pub(super) fn failure(doing: &str, stage: Stage, error: Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        return StoreError::new(kind_without_answer(stage, &error), doing).with_source(error);
    };
    // The detail may quote a row. Code and message do not.
    let (code, kind) = (answer.code().code(), kind_of_code(stage, answer.code()));
    StoreError::new(kind, format!("{doing}: {} ({code})", answer.message()))
}

/// Returns the failure to read a column as its type.
pub(super) fn unreadable(error: Error) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a column has another type").with_source(error)
}

/// Returns whether the connection must not be reused after this error.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.code().is_none_or(|code| {
        *code == SqlState::READ_ONLY_SQL_TRANSACTION || matches!(code.code().get(..2), Some("57" | "08"))
    })
}

/// Returns the kind of a failure for which the server sent no error code.
fn kind_without_answer(stage: Stage, error: &Error) -> StoreErrorKind {
    if stage != Stage::Connecting {
        return stage.without_answer();
    }
    // While connecting, IO errors are failures of the network. All others, and bad certificates, are misconfiguration.
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(cause) if cause.kind() == io::ErrorKind::InvalidData => StoreErrorKind::Misconfigured,
        Some(_) => StoreErrorKind::Unavailable,
        None if error.is_closed() => StoreErrorKind::Unavailable,
        None => StoreErrorKind::Misconfigured,
    }
}

/// Returns the kind for an error code of the server (PostgreSQL, appendix A). Unless the kind is ambiguous, the
/// server did not do the statement.
fn kind_of_code(stage: Stage, code: &SqlState) -> StoreErrorKind {
    match code.code() {
        // A serialization failure, a deadlock, a lock that is not available.
        "40001" | "40P01" | "55P03" => StoreErrorKind::Contention,
        // A shutdown, or an unknown completion: the server may have done the statement.
        "57P01" | "57P02" | "40003" => stage.without_answer(),
        // A damaged file or index.
        "XX001" | "XX002" => StoreErrorKind::Corrupt,
        code => match code.get(..2) {
            // A violated constraint.
            Some("23") => StoreErrorKind::Corrupt,
            // A wrong schema, missing privileges, a rejected login, or a built-in limit.
            Some("0A" | "22" | "26" | "28" | "3D" | "3F" | "42" | "54") => StoreErrorKind::Misconfigured,
            // A state that may pass: a full disk, a restart, too many connections, read-only, a timeout.
            _ => StoreErrorKind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_map_to_kinds() {
        use StoreErrorKind::{Ambiguous, Contention, Corrupt, Misconfigured, Unavailable};

        for (code, kind) in [
            (SqlState::T_R_SERIALIZATION_FAILURE, Contention),
            (SqlState::T_R_DEADLOCK_DETECTED, Contention),
            (SqlState::READ_ONLY_SQL_TRANSACTION, Unavailable),
            (SqlState::DISK_FULL, Unavailable),
            (SqlState::TOO_MANY_CONNECTIONS, Unavailable),
            (SqlState::CANNOT_CONNECT_NOW, Unavailable),
            (SqlState::QUERY_CANCELED, Unavailable),
            (SqlState::ADMIN_SHUTDOWN, Ambiguous),
            (SqlState::CHECK_VIOLATION, Corrupt),
            (SqlState::INDEX_CORRUPTED, Corrupt),
            (SqlState::UNDEFINED_TABLE, Misconfigured),
            (SqlState::INSUFFICIENT_PRIVILEGE, Misconfigured),
            (SqlState::INVALID_PASSWORD, Misconfigured),
            (SqlState::INVALID_CATALOG_NAME, Misconfigured),
        ] {
            assert_eq!(kind_of_code(Stage::Writing, &code), kind, "{code:?}");
        }
        assert_eq!(kind_of_code(Stage::Reading, &SqlState::ADMIN_SHUTDOWN), Unavailable);
    }
}
