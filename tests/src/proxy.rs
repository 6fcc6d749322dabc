//! [`ConnectProxy`]: an HTTP proxy that opens tunnels, and misbehaves on command.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the proxy treats a request.
#[derive(Clone, Debug)]
pub enum Tunnel {
    /// Connects to this address, whatever host the client names: the proxy resolves names itself.
    To(SocketAddr),
    /// Answers these bytes and closes the connection.
    Refuses(Vec<u8>),
    /// Reads the request and never responds.
    Hangs,
}

struct State {
    tunnel: Mutex<Tunnel>,
    heads: Mutex<Vec<String>>,
}

/// A running proxy. Dropping it stops it.
pub struct ConnectProxy {
    state: Arc<State>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl ConnectProxy {
    /// Starts a proxy on a free loopback port.
    pub async fn start(tunnel: Tunnel) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State { tunnel: Mutex::new(tunnel), heads: Mutex::default() });
        let serving = Arc::clone(&state);
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                connections.spawn(async move {
                    // An error only means that one side closed the connection.
                    let _outcome = connection(stream, &state).await;
                });
            }
        });
        Self { state, address, server }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets how further requests are treated.
    pub fn now(&self, tunnel: Tunnel) {
        *self.state.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = tunnel;
    }

    /// Returns the heads of all requests so far.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn connection(mut client: TcpStream, state: &State) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    state.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let tunnel = state.tunnel.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match tunnel {
        Tunnel::To(address) => {
            let mut server = TcpStream::connect(address).await?;
            if head.starts_with("CONNECT ") {
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            } else {
                server.write_all(head.as_bytes()).await?;
            }
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        }
        Tunnel::Refuses(bytes) => client.write_all(&bytes).await?,
        Tunnel::Hangs => std::future::pending().await,
    }
    Ok(())
}
