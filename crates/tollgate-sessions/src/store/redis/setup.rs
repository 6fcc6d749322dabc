//! What a server is, and whether it is fit to keep sessions.

use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, pipe};
use tracing::warn;

use super::address::Address;
use super::failure::failure;
use super::{StoreError, StoreErrorKind};

/// What a server says of itself. Where it says nothing, nothing good is assumed of it.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// Whether it knows `WAITAOF`.
    pub(super) waits_for_disk: bool,
    /// Whether a write is on the disk before it is answered, as far as it has an append-only file.
    pub(super) always_syncs: bool,
    eviction: Option<String>,
    pub(super) state: State,
}

/// What can change while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Another server decides.
    pub(super) is_replica: bool,
    pub(super) replicas: u64,
    pub(super) appends: bool,
}

/// Asks the server what it is. One that does not say so, as its user may not ask, is taken as it is.
pub(super) async fn look(connection: &mut MultiplexedConnection) -> Setup {
    let mut setup = Setup::default();
    if let Ok(text) = cmd("INFO").arg("server").query_async::<String>(connection).await {
        setup.waits_for_disk = waits_for_disk(&text);
    }
    if let Ok(text) = cmd("INFO").arg("memory").query_async::<String>(connection).await {
        setup.eviction = info(&text, "maxmemory_policy").map(str::to_owned);
    }
    let appendfsync =
        cmd("CONFIG").arg("GET").arg("appendfsync").query_async::<Vec<String>>(connection).await;
    setup.always_syncs = appendfsync.is_ok_and(|pair| pair.get(1).is_some_and(|value| value == "always"));
    setup.state = state(connection).await;
    setup
}

/// Whether anything is there to survive a crash with, at this moment.
pub(super) async fn state(connection: &mut MultiplexedConnection) -> State {
    let mut both = pipe();
    both.cmd("INFO").arg("replication").cmd("INFO").arg("persistence");
    let Ok((replication, persistence)) = both.query_async::<(String, String)>(connection).await else {
        return State::default();
    };
    State {
        is_replica: info(&replication, "role").is_some_and(|role| role != PRIMARY),
        replicas: info(&replication, "connected_slaves").and_then(|count| count.parse().ok()).unwrap_or(0),
        appends: info(&persistence, "aof_enabled") == Some("1"),
    }
}

/// Which history of writes the server continues. It is another one after a failover.
///
/// A replica has none to go by: it may have lost its primary, and hear of nothing any longer.
pub(super) async fn history(connection: &mut MultiplexedConnection) -> Result<String, StoreError> {
    let asked = cmd("INFO").arg("replication").query_async::<String>(connection).await;
    let text = asked.map_err(failure("asking which history the server continues"))?;
    if info(&text, "role") != Some(PRIMARY) {
        return Err(no_primary());
    }
    Ok(info(&text, "master_replid").unwrap_or_default().to_owned())
}

/// Whoever connects again may be led to its successor.
pub(super) fn no_primary() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the server is a replica")
}

/// `WAITAOF` came with 7.2, from which Valkey went on.
fn waits_for_disk(server: &str) -> bool {
    let version = info(server, "redis_version").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(7), Some(2))
}

/// The value of a line `name:value`.
fn info<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

impl Setup {
    pub(super) fn warn(&self, address: &Address) {
        if let Some(policy) = self.eviction.as_deref().filter(|policy| *policy != "noeviction") {
            warn!(%address, policy, "this Redis evicts what it has no room for: users will be logged out; set maxmemory-policy noeviction");
        }
        if self.state == State::default() {
            warn!(%address, "this Redis has neither an append-only file nor a replica: a crash brings ended sessions back; set appendonly yes");
        }
    }
}

/// Says whose the data are, or finds out that they are somebody else's. It also tells whether the server takes writes.
pub(super) async fn claim(connection: &mut MultiplexedConnection, marker: &str) -> Result<(), StoreError> {
    let mut set_and_get = pipe();
    set_and_get.cmd("SET").arg(marker).arg(VERSION).arg("NX").ignore().cmd("GET").arg(marker);
    let answer: Result<(Value,), _> = set_and_get.query_async(connection).await;
    let (found,) = answer.map_err(failure("reading the version of what Redis holds"))?;
    let misconfigured = |what: String| Err(StoreError::new(StoreErrorKind::Misconfigured, what));
    let text = match &found {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        Value::SimpleString(text) => text,
        _ => "",
    };
    match text.parse::<u32>() {
        Ok(VERSION) => Ok(()),
        Ok(newer) if newer > VERSION => misconfigured(format!(
            "{marker} says version {newer}, this release knows up to {VERSION}; run the newer release"
        )),
        _ => misconfigured(format!("{marker} belongs to something else; take another prefix")),
    }
}

/// The role of a server that decides.
const PRIMARY: &str = "master";
/// The version of what is kept.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
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
