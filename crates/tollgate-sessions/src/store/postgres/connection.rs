//! [`Connection`]: a connection to the server, and the task that drives it.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Row, Socket};

use super::address::Address;
use super::failure::{Stage, failure, is_fatal};
use super::{CALL_TIMEOUT, Durability, StoreError, schema};

/// The value of a parameter, and its type in the statement.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection to a server that has the schema of this release.
///
/// Any number of statements can be in flight. Each is a transaction of its own and has no name, so that a pooler
/// may run each of them on another connection to the server.
pub(super) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    durability: Durability,
    /// Set once the connection must not be reused.
    retired: AtomicBool,
}

impl Connection {
    /// Connects, and prepares the schema. The connection notifies `announced` when the server reports an announcement.
    pub(super) async fn open(
        address: &Address,
        announced: &Arc<Notify>,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let opening = async {
            let mut connection = Self::connect(address, announced).await?;
            connection.durability = schema::prepare(&mut connection.client).await?;
            Ok(connection)
        };
        timeout_at(deadline, opening).await.unwrap_or_else(|_elapsed| {
            Err(StoreError::new(Stage::Connecting.without_answer(), "connecting: no answer in time"))
        })
    }

    async fn connect(address: &Address, announced: &Arc<Notify>) -> Result<Self, StoreError> {
        let mut connected = with_statement_timeout(&address.config).connect(address.tls.clone()).await;
        // A pooler in transaction mode rejects such options. Only the timeout of this process then limits a statement.
        if connected.as_ref().is_err_and(|error| error.code() == Some(&SqlState::PROTOCOL_VIOLATION)) {
            connected = address.config.connect(address.tls.clone()).await;
        }
        let (client, connection) =
            connected.map_err(|error| failure("connecting", Stage::Connecting, error))?;
        let task = tokio::spawn(drive(connection, Arc::clone(announced)));
        Ok(Self { client, task, durability: Durability::BestEffort, retired: AtomicBool::new(false) })
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.retired.load(Ordering::Relaxed)
    }

    /// Marks the connection as not reusable. The next one may lead to another server.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Returns what the server promises about a commit.
    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    /// Runs one statement. `doing` begins the error message.
    pub(super) async fn query(
        &self,
        doing: &str,
        stage: Stage,
        deadline: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match timeout_at(deadline, self.client.query_typed(sql, parameters)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => {
                self.retired.fetch_or(is_fatal(&error), Ordering::Relaxed);
                Err(failure(doing, stage, error))
            }
            Err(_elapsed) => {
                self.retire();
                Err(StoreError::new(stage.without_answer(), format!("{doing}: no answer in time")))
            }
        }
    }

    /// Listens for announcements until the connection ends.
    pub(super) async fn listen(mut self, announced: &Notify) -> Result<(), StoreError> {
        let listened = self.client.batch_execute(concat!("LISTEN ", channel!())).await;
        listened.map_err(|error| failure("listening", Stage::Reading, error))?;
        // The server does not repeat what it announced before `LISTEN`.
        announced.notify_waiters();
        drop((&mut self.task).await);
        Ok(())
    }
}

/// Makes the server cancel a statement when this process stops waiting for it.
fn with_statement_timeout(config: &Config) -> Config {
    let mut limited = config.clone();
    let own = config.get_options().unwrap_or_default();
    let millis = CALL_TIMEOUT.as_millis();
    limited.options(format!(
        "-c statement_timeout={millis} -c default_transaction_isolation=read\\ committed {own}"
    ));
    limited
}

async fn drive<T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: tokio_postgres::Connection<Socket, T>,
    announced: Arc<Notify>,
) {
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            announced.notify_waiters();
        }
    }
}

/// Closes the connection at once. Every call that waits for an answer holds the [`Connection`], so none is cut off.
impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("usable", &self.is_usable()).finish_non_exhaustive()
    }
}
