//! [`Call`]: one call of a store, from its first command to its last.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::time::timeout;

use super::connection::{Connection, SharedConnection, Target};
use super::failure::{failure, is_server_error, needs_reconnect};
use super::scripts::ServerScript;
use super::{StoreError, StoreErrorKind, StoreFuture, server_info};
use crate::session::StoreClock;
use crate::store::command::Durability;

/// The server and its connections, which all calls of a store share.
pub(super) struct Server {
    pub(super) target: Target,
    /// The connection for commands that the server answers at once.
    pub(super) main: SharedConnection,
    /// The connection for revocations. They wait until they are durable, and delay every command that follows.
    pub(super) revocations: SharedConnection,
    /// The connection that listens for announcements.
    pub(super) feed: SharedConnection,
    pub(super) prefix: Box<str>,
    pub(super) clock: StoreClock,
}

/// Selects one of the connections of a [`Server`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionKind {
    Main,
    Revocations,
    Feed,
}

/// A call in progress.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) server: &'a Server,
    /// Whether the call may have written something.
    wrote: Arc<AtomicBool>,
}

impl Server {
    /// Returns a call without a timeout.
    pub(super) fn unbounded(&self) -> Call<'_> {
        Call { server: self, wrote: Arc::default() }
    }

    /// Runs `work` within the timeout of a call. A failure after a possible write is [`StoreErrorKind::Ambiguous`].
    pub(super) fn call<'a, T, F>(&'a self, work: impl FnOnce(Call<'a>) -> F) -> StoreFuture<'a, T>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'a,
    {
        let wrote = Arc::new(AtomicBool::new(false));
        let work = work(Call { server: self, wrote: Arc::clone(&wrote) });
        Box::pin(async move {
            let answer = timeout(CALL_TIMEOUT, work).await.unwrap_or_else(|_elapsed| {
                self.main.reset();
                self.revocations.reset();
                let message = format!("no answer within {} ms", CALL_TIMEOUT.as_millis());
                Err(StoreError::new(StoreErrorKind::Unavailable, message))
            });
            answer.map_err(|error| {
                let unavailable = error.kind() == StoreErrorKind::Unavailable;
                if unavailable && wrote.load(Ordering::Relaxed) {
                    error.with_kind(StoreErrorKind::Ambiguous)
                } else {
                    error
                }
            })
        })
    }
}

impl Call<'_> {
    /// Runs a script with the manual time, if any, and then `arguments`.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        kind: ConnectionKind,
        script: &ServerScript,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<T, StoreError> {
        let time = self.server.clock.manual_time().map(|now| now.to_string()).unwrap_or_default();
        let complete = |mut command: Cmd| {
            command.arg(&time);
            for argument in arguments {
                command.arg(*argument);
            }
            command
        };
        let by_hash = Request::Command(complete(script.by_hash(key)));
        let mut answer = self.send(kind, script.writes, &by_hash).await?;
        if answer.as_ref().is_err_and(|error| error.kind() == NO_SCRIPT) {
            let in_full = Request::Command(complete(script.in_full(key)));
            answer = self.send(kind, script.writes, &in_full).await?;
        }
        convert(answer).map_err(failure("running a script"))
    }

    /// Sends commands that change no session, in one pipeline.
    pub(super) async fn read<T: FromRedisValue>(&self, commands: Pipeline) -> Result<T, StoreError> {
        let answer = self.send(ConnectionKind::Main, false, &Request::Pipeline(commands)).await?;
        convert(answer).map_err(failure("reading"))
    }

    /// Sends a request. A read is retried once on a new connection.
    async fn send(
        &self,
        kind: ConnectionKind,
        writes: bool,
        request: &Request,
    ) -> Result<RedisResult<Value>, StoreError> {
        let mut may_retry = !writes;
        loop {
            let connection = self.connection(kind).await?;
            let wrote_before = self.wrote.fetch_or(writes, Ordering::Relaxed);
            let answer = request.send(connection.handle()).await;
            let Err(error) = &answer else { return Ok(answer) };
            if is_server_error(error) {
                self.wrote.store(wrote_before, Ordering::Relaxed);
            }
            if needs_reconnect(error) {
                self.shared(kind).reset();
                if std::mem::take(&mut may_retry) {
                    continue;
                }
            }
            return Ok(answer);
        }
    }

    pub(super) async fn connection(&self, kind: ConnectionKind) -> Result<Arc<Connection>, StoreError> {
        self.shared(kind).connection(&self.server.target).await
    }

    pub(super) fn shared(&self, kind: ConnectionKind) -> &SharedConnection {
        match kind {
            ConnectionKind::Main => &self.server.main,
            ConnectionKind::Revocations => &self.server.revocations,
            ConnectionKind::Feed => &self.server.feed,
        }
    }

    /// Waits, for a short time, until the writes on the connection for revocations are durable: on a replica, or on
    /// the disk of a server without replicas.
    pub(super) async fn wait_until_durable(&self) -> Durability {
        // The revocation itself is done, so an error here is no failure of the call.
        self.try_wait_until_durable().await.unwrap_or(Durability::BestEffort)
    }

    async fn try_wait_until_durable(&self) -> Result<Durability, RedisError> {
        let Ok(connection) = self.connection(ConnectionKind::Revocations).await else {
            return Ok(Durability::BestEffort);
        };
        let mut handle = connection.handle();
        let state = server_info::read_state(&mut handle).await;
        let millis = u64::try_from(DURABILITY_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        let durable = if state.replicas > 0 {
            let replicas: u64 = cmd("WAIT").arg(1).arg(millis).query_async(&mut handle).await?;
            replicas > 0
        } else if state.appends && connection.info.waits_for_disk {
            let mut wait = cmd("WAITAOF");
            let (local, _replicas): (u64, u64) =
                wait.arg(1).arg(0).arg(millis).query_async(&mut handle).await?;
            local > 0
        } else {
            state.appends && connection.info.always_syncs
        };
        Ok(if durable { Durability::Durable } else { Durability::BestEffort })
    }

    /// Returns a key with the prefix of the store.
    pub(super) fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.server.prefix)
    }
}

/// A request to the server.
enum Request {
    Command(Cmd),
    Pipeline(Pipeline),
}

impl Request {
    async fn send(&self, mut connection: MultiplexedConnection) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(&mut connection).await,
            Self::Pipeline(commands) => commands.query_async(&mut connection).await,
        }
    }
}

fn convert<T: FromRedisValue>(answer: RedisResult<Value>) -> RedisResult<T> {
    answer.and_then(|value| T::from_redis_value(value).map_err(RedisError::from))
}

const NO_SCRIPT: ErrorKind = ErrorKind::Server(ServerErrorKind::NoScript);
/// How long a call may take in all.
const CALL_TIMEOUT: Duration = Duration::from_millis(1_900);
/// How long a revocation waits for a replica, or for the disk.
const DURABILITY_TIMEOUT: Duration = Duration::from_millis(100);
