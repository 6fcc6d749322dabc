//! [`ServerInfo`]: what a server reports about itself, and whether it can keep sessions.

use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, pipe};
use tracing::warn;

use super::address::Address;
use super::failure::failure;
use super::{StoreError, StoreErrorKind};

/// What a server reports about itself. If it does not report a property, the store assumes that the server lacks it.
#[derive(Debug, Default)]
pub(super) struct ServerInfo {
    /// Whether the server supports `WAITAOF`.
    pub(super) waits_for_disk: bool,
    /// Whether a write is on the disk before its answer, if the server has an append-only file.
    pub(super) always_syncs: bool,
    eviction: Option<String>,
    pub(super) state: ServerState,
}

/// Properties that can change while the server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerState {
    /// Whether the server is not a primary.
    pub(super) is_replica: bool,
    /// The number of connected replicas.
    pub(super) replicas: u64,
    /// Whether the server has an append-only file.
    pub(super) appends: bool,
}

/// Reads the state of the server at this moment.
pub(super) async fn read_state(connection: &mut MultiplexedConnection) -> ServerState {
    let mut both = pipe();
    both.cmd("INFO").arg("replication").cmd("INFO").arg("persistence");
    let Ok((replication, persistence)) = both.query_async::<(String, String)>(connection).await else {
        return ServerState::default();
    };
    ServerState {
        is_replica: value_of(&replication, "role").is_some_and(|role| role != PRIMARY),
        replicas: value_of(&replication, "connected_slaves")
            .and_then(|count| count.parse().ok())
            .unwrap_or(0),
        appends: value_of(&persistence, "aof_enabled") == Some("1"),
    }
}

/// Returns the ID of the server's history of writes. It changes in a failover.
///
/// A replica gives no usable answer, as it may have lost its primary and get no more writes.
pub(super) async fn history(connection: &mut MultiplexedConnection) -> Result<String, StoreError> {
    let answer = cmd("INFO").arg("replication").query_async::<String>(connection).await;
    let text = answer.map_err(failure("reading the replication ID of the server"))?;
    if value_of(&text, "role") != Some(PRIMARY) {
        return Err(not_primary());
    }
    Ok(value_of(&text, "master_replid").unwrap_or_default().to_owned())
}

/// Returns the error for a replica. A new connection may lead to its successor.
pub(super) fn not_primary() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the server is a replica")
}

/// Returns whether the server has `WAITAOF`, which came with Redis 7.2, the version that Valkey was forked from.
fn waits_for_disk(server: &str) -> bool {
    let version = value_of(server, "redis_version").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(7), Some(2))
}

/// Returns the value of a line `name:value`.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

impl ServerInfo {
    /// Reads the properties of the server. A property that the user may not read counts as missing.
    pub(super) async fn read(connection: &mut MultiplexedConnection) -> Self {
        let mut info = Self::default();
        if let Ok(text) = cmd("INFO").arg("server").query_async::<String>(connection).await {
            info.waits_for_disk = waits_for_disk(&text);
        }
        if let Ok(text) = cmd("INFO").arg("memory").query_async::<String>(connection).await {
            info.eviction = value_of(&text, "maxmemory_policy").map(str::to_owned);
        }
        let appendfsync =
            cmd("CONFIG").arg("GET").arg("appendfsync").query_async::<Vec<String>>(connection).await;
        info.always_syncs = appendfsync.is_ok_and(|pair| pair.get(1).is_some_and(|value| value == "always"));
        info.state = read_state(connection).await;
        info
    }

    /// Logs a warning if the server can lose sessions.
    pub(super) fn warn(&self, address: &Address) {
        if let Some(policy) = self.eviction.as_deref().filter(|policy| *policy != "noeviction") {
            warn!(%address, policy, "this Redis evicts keys when its memory is full, and users will be logged out; set maxmemory-policy noeviction");
        }
        if self.state == ServerState::default() {
            warn!(%address, "this Redis has neither an append-only file nor a replica, and a crash restores revoked sessions; set appendonly yes");
        }
    }
}

/// Writes the version of the data to the marker, or checks the one that is there. This fails on a server that takes no
/// writes.
pub(super) async fn check_marker(
    connection: &mut MultiplexedConnection,
    marker: &str,
) -> Result<(), StoreError> {
    let mut set_and_get = pipe();
    set_and_get.cmd("SET").arg(marker).arg(VERSION).arg("NX").ignore().cmd("GET").arg(marker);
    let answer: Result<(Value,), _> = set_and_get.query_async(connection).await;
    let (found,) = answer.map_err(failure("reading the version of the data"))?;
    let misconfigured = |message: String| Err(StoreError::new(StoreErrorKind::Misconfigured, message));
    let text = match &found {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        Value::SimpleString(text) => text,
        _ => "",
    };
    match text.parse::<u32>() {
        Ok(VERSION) => Ok(()),
        Ok(newer) if newer > VERSION => misconfigured(format!(
            "{marker} has version {newer}, this release supports up to {VERSION}; run the newer release"
        )),
        _ => misconfigured(format!("{marker} belongs to something else; choose another prefix")),
    }
}

/// The role of a primary in `INFO`.
const PRIMARY: &str = "master";
/// The version of the data.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waitaof_needs_version_7_2() {
        for (version, waits) in [
            ("6.2.14", false),
            ("7.0.15", false),
            ("7.2.0", true),
            ("7.10.1", true),
            ("8.0.0", true),
            ("x", false),
        ] {
            let text = format!("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n");
            assert_eq!(waits_for_disk(&text), waits, "{version}");
        }
        assert!(!waits_for_disk(""));
    }
}
