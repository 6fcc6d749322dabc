//! [`Call`]: one call of a store, from its first question to the server to its last.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::time::timeout;

use super::failure::{failure, is_connection_spent, is_refusal};
use super::link::{Connection, Link, Target};
use super::scripts::Known;
use super::{StoreError, StoreErrorKind, StoreFuture, setup};
use crate::session::StoreClock;
use crate::store::command::Durability;

/// The server, as all calls of a store share it.
pub(super) struct Server {
    pub(super) target: Target,
    /// For whatever is answered at once.
    pub(super) main: Link,
    /// For ends of sessions, which wait until they are safe; what is sent on it meanwhile waits too.
    pub(super) ends: Link,
    /// For listening to what others announce.
    pub(super) feed: Link,
    pub(super) prefix: Box<str>,
    pub(super) clock: StoreClock,
}

/// Which connection a question goes over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Main,
    Ends,
    Feed,
}

/// A call. It knows whether it may have changed anything.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) server: &'a Server,
    wrote: Arc<AtomicBool>,
}

impl Server {
    /// A call without a limit.
    pub(super) fn unbounded(&self) -> Call<'_> {
        Call { server: self, wrote: Arc::default() }
    }

    /// Does `work`, no longer than is allowed. What fails after something may have been written is
    /// [`StoreErrorKind::Ambiguous`].
    pub(super) fn call<'a, T, F>(&'a self, work: impl FnOnce(Call<'a>) -> F) -> StoreFuture<'a, T>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'a,
    {
        let wrote = Arc::new(AtomicBool::new(false));
        let work = work(Call { server: self, wrote: Arc::clone(&wrote) });
        Box::pin(async move {
            let answer = timeout(LIMIT, work).await.unwrap_or_else(|_elapsed| {
                self.main.forget();
                self.ends.forget();
                let what = format!("no answer within {} ms", LIMIT.as_millis());
                Err(StoreError::new(StoreErrorKind::Unavailable, what))
            });
            answer.map_err(|error| {
                let passed = error.kind() == StoreErrorKind::Unavailable;
                if passed && wrote.load(Ordering::Relaxed) {
                    error.of_kind(StoreErrorKind::Ambiguous)
                } else {
                    error
                }
            })
        })
    }
}

impl Call<'_> {
    /// Runs a script with the time, and `arguments` after it.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        over: Over,
        script: &Known,
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
        let by_hash = Question::One(complete(script.by_hash(key)));
        let mut answer = self.exchange(over, script.writes, &by_hash).await?;
        if answer.as_ref().is_err_and(|error| error.kind() == NO_SCRIPT) {
            let in_full = Question::One(complete(script.in_full(key)));
            answer = self.exchange(over, script.writes, &in_full).await?;
        }
        read(answer).map_err(failure("running a script"))
    }

    /// Asks several things at once. None of them changes anything.
    pub(super) async fn look<T: FromRedisValue>(&self, questions: Pipeline) -> Result<T, StoreError> {
        read(self.exchange(Over::Main, false, &Question::Many(questions)).await?).map_err(failure("reading"))
    }

    /// Asks on a connection that works. Reading is tried again on a new one.
    async fn exchange(
        &self,
        over: Over,
        writes: bool,
        question: &Question,
    ) -> Result<RedisResult<Value>, StoreError> {
        let mut again = !writes;
        loop {
            let connection = self.connection(over).await?;
            let wrote_before = self.wrote.fetch_or(writes, Ordering::Relaxed);
            let answer = question.ask(connection.handle()).await;
            let Err(error) = &answer else { return Ok(answer) };
            if is_refusal(error) {
                self.wrote.store(wrote_before, Ordering::Relaxed);
            }
            if is_connection_spent(error) {
                self.link(over).forget();
                if std::mem::take(&mut again) {
                    continue;
                }
            }
            return Ok(answer);
        }
    }

    pub(super) async fn connection(&self, over: Over) -> Result<Arc<Connection>, StoreError> {
        self.link(over).connection(&self.server.target).await
    }

    pub(super) fn link(&self, over: Over) -> &Link {
        match over {
            Over::Main => &self.server.main,
            Over::Ends => &self.server.ends,
            Over::Feed => &self.server.feed,
        }
    }

    /// Waits until what was written on the connection for ends, and before, survives what the server is set up to
    /// survive; not for long.
    ///
    /// With replicas, one of them has it. Without, it is on the disk.
    pub(super) async fn settle(&self) -> Durability {
        // The end itself is done: failing to hear of its safety is no failure of it.
        self.try_settle().await.unwrap_or(Durability::BestEffort)
    }

    async fn try_settle(&self) -> Result<Durability, RedisError> {
        let Ok(connection) = self.connection(Over::Ends).await else { return Ok(Durability::BestEffort) };
        let mut handle = connection.handle();
        let state = setup::state(&mut handle).await;
        let millis = u64::try_from(SETTLING.as_millis()).unwrap_or(u64::MAX);
        let safe = if state.replicas > 0 {
            let replicas: u64 = cmd("WAIT").arg(1).arg(millis).query_async(&mut handle).await?;
            replicas > 0
        } else if state.appends && connection.setup.waits_for_disk {
            let mut wait = cmd("WAITAOF");
            let (here, _replicas): (u64, u64) =
                wait.arg(1).arg(0).arg(millis).query_async(&mut handle).await?;
            here > 0
        } else {
            state.appends && connection.setup.always_syncs
        };
        Ok(if safe { Durability::Durable } else { Durability::BestEffort })
    }

    pub(super) fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.server.prefix)
    }
}

/// What is asked.
enum Question {
    One(Cmd),
    Many(Pipeline),
}

impl Question {
    async fn ask(&self, mut connection: MultiplexedConnection) -> RedisResult<Value> {
        match self {
            Self::One(command) => command.query_async(&mut connection).await,
            Self::Many(commands) => commands.query_async(&mut connection).await,
        }
    }
}

fn read<T: FromRedisValue>(answer: RedisResult<Value>) -> RedisResult<T> {
    answer.and_then(|value| T::from_redis_value(value).map_err(RedisError::from))
}

const NO_SCRIPT: ErrorKind = ErrorKind::Server(ServerErrorKind::NoScript);
/// How long a call may take.
const LIMIT: Duration = Duration::from_millis(1_900);
/// How long an end waits for a replica, or the disk.
const SETTLING: Duration = Duration::from_millis(100);
