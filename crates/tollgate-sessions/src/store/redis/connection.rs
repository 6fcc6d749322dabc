//! [`SharedConnection`]: a connection that is opened on demand, and again when it is lost.
//!
//! The `ConnectionManager` of the crate `redis` reconnects by itself; this module first checks that the new server
//! is a primary with the data of this store. It also sets up TLS, as the crate would use the process-wide provider
//! of rustls.

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
use super::server_info::{self, ServerInfo};
use super::{StoreError, StoreErrorKind};

/// A connection that many calls share.
#[derive(Default)]
pub(super) struct SharedConnection {
    current: RwLock<Option<Arc<Connection>>>,
    /// Held by the call that connects, while other calls wait within their own timeouts.
    connecting: Mutex<()>,
}

/// An open connection, and what the server reported when it was opened.
pub(super) struct Connection {
    handle: MultiplexedConnection,
    driver: JoinHandle<()>,
    pub(super) info: ServerInfo,
}

impl SharedConnection {
    /// Returns the connection, and opens it if necessary. If this fails, the call has sent nothing.
    pub(super) async fn connection(&self, to: &Target) -> Result<Arc<Connection>, StoreError> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let connection = Arc::new(to.connect().await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Returns the connection unless it is lost.
    fn current(&self) -> Option<Arc<Connection>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|connection| !connection.driver.is_finished()).map(Arc::clone)
    }

    /// Drops the connection, so that the next call connects again. Calls in flight may still get their answers on
    /// the old connection.
    pub(super) fn reset(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Connection {
    /// Returns a handle to send commands with. Handles share the connection.
    pub(super) fn handle(&self) -> MultiplexedConnection {
        self.handle.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The server to connect to.
pub(super) struct Target {
    pub(super) address: Address,
    /// The key whose value is the version of the data.
    pub(super) marker: String,
    /// Whether the log has a warning about the server.
    pub(super) warned: AtomicBool,
}

impl Target {
    async fn connect(&self) -> Result<Connection, StoreError> {
        let broken = |error: std::io::Error| failure("connecting")(RedisError::from(error));
        let tcp = TcpStream::connect((&*self.address.host, self.address.port)).await.map_err(broken)?;
        tcp.set_nodelay(true).map_err(broken)?;
        let (mut handle, driver) = match &self.address.tls {
            None => self.handshake(tcp).await?,
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(&tls.config));
                let stream = connector.connect(tls.name.clone(), tcp).await.map_err(|error| {
                    // TLS itself has failed, for example because the certificate is for another name.
                    let invalid = error.kind() == std::io::ErrorKind::InvalidData;
                    let kind =
                        if invalid { StoreErrorKind::Misconfigured } else { StoreErrorKind::Unavailable };
                    StoreError::new(kind, "connecting with TLS").with_source(error)
                })?;
                self.handshake(stream).await?
            }
        };
        let info = ServerInfo::read(&mut handle).await;
        let connection = Connection { handle, driver, info };
        if connection.info.state.is_replica {
            return Err(server_info::not_primary());
        }
        server_info::check_marker(&mut connection.handle(), &self.marker).await?;
        if !self.warned.swap(true, Ordering::Relaxed) {
            connection.info.warn(&self.address);
        }
        Ok(connection)
    }

    async fn handshake(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<(MultiplexedConnection, JoinHandle<()>), StoreError> {
        // Each call has a timeout of its own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_pipeline_buffer_size(1024);
        let opened = MultiplexedConnection::new_with_config(&self.address.login, stream, config).await;
        let (handle, driver) = opened.map_err(failure("logging in to Redis"))?;
        Ok((handle, tokio::spawn(driver)))
    }
}

impl fmt::Debug for SharedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConnection").field("connected", &self.current().is_some()).finish()
    }
}
