//! What failures of a server, and on the way to it, mean to a store.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::{StoreError, StoreErrorKind};

/// What had been asked when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing yet: there was no connection.
    Nothing,
    /// Something that changes nothing.
    ToRead,
    /// Something that may have been done.
    ToWrite,
}

impl Asked {
    /// No answer came.
    pub(super) fn unanswered(self) -> StoreErrorKind {
        match self {
            Self::Nothing | Self::ToRead => StoreErrorKind::Unavailable,
            Self::ToWrite => StoreErrorKind::Ambiguous,
        }
    }
}

pub(super) fn failure(doing: &str, asked: Asked, error: Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        return StoreError::new(unspoken(asked, &error), doing).with_source(error);
    };
    // Its detail may quote a row; code and message do not.
    let (code, kind) = (said.code().code(), spoken(asked, said.code()));
    StoreError::new(kind, format!("{doing}: {} ({code})", said.message()))
}

/// A value that is not of the type that it was written with.
pub(super) fn unreadable(error: Error) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "a column holds something else").with_source(error)
}

/// Whether a connection that failed so is of no further use.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.code().is_none_or(|code| {
        *code == SqlState::READ_ONLY_SQL_TRANSACTION || matches!(code.code().get(..2), Some("57" | "08"))
    })
}

/// The server did not answer, or not the way it should.
fn unspoken(asked: Asked, error: &Error) -> StoreErrorKind {
    if asked != Asked::Nothing {
        return asked.unanswered();
    }
    // On the way to a connection: a network fails, all else is the way it is set up. So is a certificate.
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(cause) if cause.kind() == io::ErrorKind::InvalidData => StoreErrorKind::Misconfigured,
        Some(_) => StoreErrorKind::Unavailable,
        None if error.is_closed() => StoreErrorKind::Unavailable,
        None => StoreErrorKind::Misconfigured,
    }
}

/// By the code that the server gave (PostgreSQL, appendix A). The statement was not done.
fn spoken(asked: Asked, code: &SqlState) -> StoreErrorKind {
    match code.code() {
        // Serialization, deadlock, a lock that could not be had.
        "40001" | "40P01" | "55P03" => StoreErrorKind::Contention,
        // It was told to stop, and may have been done before it could say so.
        "57P01" | "57P02" | "40003" => asked.unanswered(),
        // A damaged file or index.
        "XX001" | "XX002" => StoreErrorKind::Corrupt,
        code => match code.get(..2) {
            // A constraint.
            Some("23") => StoreErrorKind::Corrupt,
            // What is there is not what it should be, or not allowed; who we are is not believed; a limit that is built in.
            Some("0A" | "22" | "26" | "28" | "3D" | "3F" | "42" | "54") => StoreErrorKind::Misconfigured,
            // Full, shutting down, starting, too many connections, read-only, too slow: it may be better later.
            _ => StoreErrorKind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_codes_of_the_server_mean() {
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
            assert_eq!(spoken(Asked::ToWrite, &code), kind, "{code:?}");
        }
        assert_eq!(spoken(Asked::ToRead, &SqlState::ADMIN_SHUTDOWN), Unavailable);
    }
}
