//! Maps errors of Redis to [`StoreError`].

use redis::{ErrorKind, RedisError};

use super::{StoreError, StoreErrorKind};

/// Returns a closure for `map_err`. `doing` says what failed.
///
/// The server may have done a command that got no answer. The caller maps that case, as it knows whether the command
/// writes.
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
    if TRANSIENT.contains(&code) {
        return StoreErrorKind::Unavailable;
    }
    let full = error.detail().is_some_and(|detail| detail.contains("max number of clients"));
    if full || is_wrapped(error, &TRANSIENT) {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Misconfigured
    }
}

/// Returns whether the error of a script has one of the codes inside, as older servers report the error of a
/// command in a script.
fn is_wrapped(error: &RedisError, codes: &[&str]) -> bool {
    let detail = error.detail().unwrap_or_default();
    error.code() == Some("ERR") && codes.iter().any(|code| detail.contains(code))
}

/// Returns whether the store must reconnect: the connection is lost, or the server can no longer decide.
pub(super) fn needs_reconnect(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            RECONNECT.iter().any(|code| error.code() == Some(code)) || is_wrapped(error, &RECONNECT)
        }
        _ => true,
    }
}

/// Returns whether the server answered with an error, and so did not do the command.
pub(super) fn is_server_error(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Error codes after which a new connection may reach a server that works.
const RECONNECT: [&str; 4] = ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH"];
/// Error codes of a state that an operator or a failover ends.
const TRANSIENT: [&str; 10] = [
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
    fn error_codes_map_to_kinds() {
        use StoreErrorKind::{Misconfigured, Unavailable};
        for (line, kind, reconnect) in [
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
            assert_eq!((super::kind(&error), needs_reconnect(&error)), (kind, reconnect), "{line}");
            assert!(is_server_error(&error));
        }
        let broken = RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(kind(&broken), Unavailable);
        assert!(needs_reconnect(&broken) && !is_server_error(&broken));
        let garbage = RedisError::from((ErrorKind::Parse, "no answer"));
        assert_eq!(kind(&garbage), StoreErrorKind::Corrupt);
    }
}
