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
    let full = error.detail().is_some_and(|detail| detail.contains("max number of clients"));
    if full || is_wrapped(error, &PASSES) {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Misconfigured
    }
}

/// Older servers wrap the failure of a command within a script.
fn is_wrapped(error: &RedisError, codes: &[&str]) -> bool {
    let detail = error.detail().unwrap_or_default();
    error.code() == Some("ERR") && codes.iter().any(|code| detail.contains(code))
}

/// Whether the connection leads to a server that will not do, or to none.
pub(super) fn is_connection_spent(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            SPENT.iter().any(|code| error.code() == Some(code)) || is_wrapped(error, &SPENT)
        }
        _ => true,
    }
}

/// Whether the server has answered, so that it is known what it did not do.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// States of a server that another connection may find ended, or lead away from.
const SPENT: [&str; 4] = ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH"];
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

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, Value, parse_redis_value};

    use super::*;

    fn of(line: &str) -> RedisError {
        let Ok(Value::ServerError(error)) = parse_redis_value(format!("-{line}\r\n").as_bytes()) else {
            panic!("no error: {line}")
        };
        error.into()
    }

    #[test]
    fn what_passes_and_what_does_not() {
        use StoreErrorKind::{Misconfigured, Unavailable};
        for (line, kind, spent) in [
            ("READONLY You can't write against a read only replica.", Unavailable, true),
            ("LOADING Redis is loading the dataset in memory", Unavailable, true),
            ("OOM command not allowed when used memory > 'maxmemory'.", Unavailable, false),
            ("MISCONF Redis is configured to save RDB snapshots", Unavailable, false),
            ("CLUSTERDOWN The cluster is down", Unavailable, false),
            ("NOREPLICAS Not enough good replicas to write.", Unavailable, false),
            ("BUSY Redis is busy running a script.", Unavailable, false),
            ("ERR max number of clients reached", Unavailable, false),
            (
                "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't",
                Unavailable,
                true,
            ),
            ("NOAUTH Authentication required.", Misconfigured, true),
            ("NOPERM this user has no permissions to run the 'evalsha' command", Misconfigured, false),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Misconfigured, false),
            ("MOVED 3999 127.0.0.1:6381", Misconfigured, false),
            ("ERR unknown command", Misconfigured, false),
        ] {
            let error = of(line);
            assert_eq!((super::kind(&error), is_connection_spent(&error)), (kind, spent), "{line}");
            assert!(is_refusal(&error));
        }
        let broken = RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(kind(&broken), Unavailable);
        assert!(is_connection_spent(&broken) && !is_refusal(&broken));
        let garbage = RedisError::from((ErrorKind::Parse, "no answer"));
        assert_eq!(kind(&garbage), StoreErrorKind::Corrupt);
    }
}
