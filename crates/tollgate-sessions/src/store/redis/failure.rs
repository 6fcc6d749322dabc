//! What Redis's failures mean to a store.

use redis::{ErrorKind, RedisError};

use super::{StoreError, StoreErrorKind};

/// To be used with `map_err`. What was sent and got no answer may have been done; the caller knows whether that matters.
pub(super) fn failure(doing: &'static str) -> impl Fn(RedisError) -> StoreError {
    move |error| StoreError::new(kind(&error), doing).with_source(error)
}

fn kind(error: &RedisError) -> StoreErrorKind {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => kind_of_code(error),
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::RESP3NotSupported => {
            StoreErrorKind::Misconfigured
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}

fn kind_of_code(error: &RedisError) -> StoreErrorKind {
    let code = error.code().unwrap_or_default();
    if PASSES.contains(&code) {
        return StoreErrorKind::Unavailable;
    }
    // Older servers wrap the failure of a command within a script.
    let detail = error.detail().unwrap_or_default();
    let wrapped = code == "ERR" && PASSES.iter().any(|code| detail.contains(code));
    if wrapped || detail.contains("max number of clients") {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Misconfigured
    }
}

/// Whether the connection leads to a server that will not do, or to none.
pub(super) fn is_connection_spent(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH"))
        }
        _ => true,
    }
}

/// Whether the server has answered, so that it is known what it did not do.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// States of a server that somebody, or a failover, ends.
const PASSES: [&str; 10] = [
    "READONLY",
    "LOADING",
    "OOM",
    "MISCONF",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
    "BUSY",
    "NOREPLICAS",
    "UNBLOCKED",
];
