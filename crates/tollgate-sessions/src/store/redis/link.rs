//! [`Link`]: a connection that is made when it is needed, and made again when it is gone.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::failure::failure;
use super::setup::{self, Setup};
use super::{StoreError, StoreErrorKind};

/// A connection that many calls share, when there is one.
#[derive(Default)]
pub(super) struct Link {
    current: RwLock<Option<Arc<Connection>>>,
    /// One call connects; others wait for it, no longer than for anything else.
    connecting: Mutex<()>,
}

/// A connection, and what was learnt about the server when it was made.
pub(super) struct Connection {
    handle: MultiplexedConnection,
    driver: JoinHandle<()>,
    pub(super) setup: Setup,
}

impl Link {
    /// The connection. Nothing was sent by this call when it fails.
    pub(super) async fn connection(&self, to: &Target) -> Result<Arc<Connection>, StoreError> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let made = Arc::new(to.connect().await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
        Ok(made)
    }

    /// What has broken since is not handed out.
    fn current(&self) -> Option<Arc<Connection>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|connection| !connection.driver.is_finished()).map(Arc::clone)
    }

    /// The next call connects again. Calls that still wait for an answer on the old connection may get it.
    pub(super) fn forget(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Connection {
    /// Calls on it share it.
    pub(super) fn handle(&self) -> MultiplexedConnection {
        self.handle.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Where connections lead.
pub(super) struct Target {
    pub(super) address: Address,
    /// The key that says whose the data are.
    pub(super) marker: String,
    /// Whether it was told what is wrong with the server.
    pub(super) warned: AtomicBool,
}

impl Target {
    async fn connect(&self) -> Result<Connection, StoreError> {
        let broken = |error: std::io::Error| failure("connecting")(RedisError::from(error));
        let tcp = TcpStream::connect((&*self.address.host, self.address.port)).await.map_err(broken)?;
        tcp.set_nodelay(true).map_err(broken)?;
        let (mut handle, driver) = match &self.address.tls {
            None => self.shake_hands(tcp).await?,
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(&tls.config));
                let stream = connector.connect(tls.name.clone(), tcp).await.map_err(|error| {
                    // TLS itself has failed, as with a certificate that is not for this name.
                    let refused = error.kind() == std::io::ErrorKind::InvalidData;
                    let kind =
                        if refused { StoreErrorKind::Misconfigured } else { StoreErrorKind::Unavailable };
                    StoreError::new(kind, "connecting with TLS").with_source(error)
                })?;
                self.shake_hands(stream).await?
            }
        };
        let setup = setup::look(&mut handle).await;
        let connection = Connection { handle, driver, setup };
        if connection.setup.state.is_replica {
            return Err(setup::no_primary());
        }
        setup::claim(&mut connection.handle(), &self.marker).await?;
        if !self.warned.swap(true, Ordering::Relaxed) {
            connection.setup.warn(&self.address);
        }
        Ok(connection)
    }

    async fn shake_hands(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(MultiplexedConnection, JoinHandle<()>), StoreError> {
        // Each call has a limit of its own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_pipeline_buffer_size(1024);
        let made = MultiplexedConnection::new_with_config(&self.address.login, stream, config).await;
        let (handle, driver) = made.map_err(failure("logging in to Redis"))?;
        Ok((handle, tokio::spawn(driver)))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("connected", &self.current().is_some()).finish()
    }
}
