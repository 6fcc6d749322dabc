//! [`Link`]: a connection to the server, and the task that serves it.

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
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Row, Socket};

use super::address::Address;
use super::failure::{Asked, failure, is_fatal};
use super::{CALL_WITHIN, Durability, StoreError, schema};

/// The value of a parameter, and the type that the statement gives it.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection to a server whose schema is as it should be.
///
/// Any number of statements can be under way. Each is a transaction of its own and has no name, so that a pooler in between
/// may hand every one to another process of the server.
pub(super) struct Link {
    client: Client,
    task: JoinHandle<()>,
    durability: Durability,
    /// Nobody is to ask anything of it any more.
    done_with: AtomicBool,
}

impl Link {
    /// Connects, and prepares the schema. `heard` is told when something is announced.
    pub(super) async fn open(
        address: &Address,
        heard: &Arc<Notify>,
        until: Instant,
    ) -> Result<Self, StoreError> {
        let opening = async {
            let mut link = Self::connect(address, heard).await?;
            link.durability = schema::prepare(&mut link.client).await?;
            Ok(link)
        };
        timeout_at(until, opening).await.unwrap_or_else(|_elapsed| {
            Err(StoreError::new(Asked::Nothing.unanswered(), "connecting takes too long"))
        })
    }

    async fn connect(address: &Address, heard: &Arc<Notify>) -> Result<Self, StoreError> {
        let mut connected = limited(&address.config).connect(address.tls.clone()).await;
        // A pooler that hands out transactions knows nothing of such options: then the limit is ours alone.
        if connected.as_ref().is_err_and(|error| error.code() == Some(&SqlState::PROTOCOL_VIOLATION)) {
            connected = address.config.connect(address.tls.clone()).await;
        }
        let (client, connection) = connected.map_err(|error| failure("connecting", Asked::Nothing, error))?;
        let task = tokio::spawn(serve(connection, Arc::clone(heard)));
        Ok(Self { client, task, durability: Durability::BestEffort, done_with: AtomicBool::new(false) })
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.done_with.load(Ordering::Relaxed)
    }

    /// Another connection may lead to another server.
    pub(super) fn leave(&self) {
        self.done_with.store(true, Ordering::Relaxed);
    }

    /// What the server promises when it says that something is written.
    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    /// Runs one statement. It says `doing` when it fails.
    pub(super) async fn ask(
        &self,
        doing: &str,
        asked: Asked,
        until: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match timeout_at(until, self.client.query_typed(sql, parameters)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => {
                self.done_with.fetch_or(is_fatal(&error), Ordering::Relaxed);
                Err(failure(doing, asked, error))
            }
            Err(_elapsed) => {
                self.leave();
                Err(StoreError::new(asked.unanswered(), format!("{doing}: no answer in time")))
            }
        }
    }

    /// Listens for announcements until the connection ends.
    pub(super) async fn listen(mut self, heard: &Notify) -> Result<(), StoreError> {
        let listened = self.client.batch_execute(concat!("LISTEN ", channel!())).await;
        listened.map_err(|error| failure("listening", Asked::ToRead, error))?;
        // What was said in the meantime is not said again.
        heard.notify_waiters();
        drop((&mut self.task).await);
        Ok(())
    }
}

/// The server gives up a statement when we do.
fn limited(config: &Config) -> Config {
    let mut limited = config.clone();
    let own = config.get_options().unwrap_or_default();
    let millis = CALL_WITHIN.as_millis();
    limited.options(format!(
        "-c statement_timeout={millis} -c default_transaction_isolation=read\\ committed {own}"
    ));
    limited
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<Socket, T>, heard: Arc<Notify>) {
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            heard.notify_waiters();
        }
    }
}

/// Ends the connection at once. Whoever waits for an answer holds the link.
impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("usable", &self.is_usable()).finish_non_exhaustive()
    }
}
