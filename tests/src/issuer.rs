//! [`Issuer`]: a TCP or TLS server that publishes keys and fails on command.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How the server responds to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Reads the request and never responds.
    Hang,
    /// Sends these bytes, one per second.
    Trickle(Vec<u8>),
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// Sends these bytes, then this many spaces, or fewer if the client stops reading.
    Flood(Vec<u8>, usize),
}

/// Builds a response with this status line, these header fields and this body.
#[must_use]
pub fn response(status: &str, fields: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for field in fields {
        text.push_str(field);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// Builds a successful answer with a JSON body.
#[must_use]
pub fn json(body: &str) -> Answer {
    Answer::Bytes(response("200 OK", &["Content-Type: application/json"], body))
}

/// Chooses the answer from the text of the request and the number of earlier requests.
type Behaviour = Box<dyn FnMut(&str, u64) -> Answer + Send>;

struct State {
    behaviour: Mutex<Behaviour>,
    tls: Mutex<Option<TlsAcceptor>>,
    requests: AtomicU64,
    connections: AtomicU64,
    body_bytes: AtomicU64,
}

/// A running issuer. Dropping it stops the server.
pub struct Issuer {
    state: Arc<State>,
    address: SocketAddr,
    /// A socket that is bound and does not listen, so that no other test gets the port while the issuer refuses.
    _port: TcpSocket,
    server: Option<JoinHandle<()>>,
}

impl Issuer {
    /// Starts a server on a free loopback port. It answers 404 until told otherwise.
    pub async fn start(tls: Option<TlsAcceptor>) -> Self {
        let port = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = port.local_addr().expect("an address");
        let listener = listen(address).expect("the port is ours");
        let state = Arc::new(State {
            behaviour: Mutex::new(Box::new(|_, _| Answer::Bytes(response("404 Not Found", &[], "")))),
            tls: Mutex::new(tls),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            body_bytes: AtomicU64::new(0),
        });
        let server = Some(tokio::spawn(serve(listener, Arc::clone(&state))));
        Self { state, address, _port: port, server }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the function that answers all further requests.
    pub fn behave(&self, behaviour: impl FnMut(&str, u64) -> Answer + Send + 'static) {
        *self.state.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(behaviour);
    }

    /// Sets one answer for all further requests.
    pub fn answer(&self, answer: Answer) {
        self.behave(move |_, _| answer.clone());
    }

    /// Sets the certificate for all further connections.
    pub fn present(&self, tls: TlsAcceptor) {
        *self.state.tls.lock().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }

    /// Stops listening, so that the system refuses connections.
    pub async fn refuse(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _aborted = server.await;
        }
    }

    /// Starts listening again, on the same port.
    pub async fn resume(&mut self) {
        if self.server.is_none() {
            let listener = listen(self.address).expect("the port is still ours");
            self.server = Some(tokio::spawn(serve(listener, Arc::clone(&self.state))));
        }
    }

    /// Returns the number of requests received.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// Returns the number of connections accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Returns the number of bytes that clients accepted from [`Answer::Flood`].
    #[must_use]
    pub fn flooded(&self) -> u64 {
        self.state.body_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Sockets with this option share a port of which none listens yet.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(1024)
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // Dropping the set ends all connections with the server.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // An error only means that the client closed the connection.
            let _outcome = connection(stream, &state).await;
        });
    }
}

async fn connection(stream: TcpStream, state: &State) -> io::Result<()> {
    let tls = state.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(tls) = tls else {
        let mut stream = stream;
        if exchange(&mut stream, state).await? {
            reset(&stream)?;
        }
        return Ok(());
    };
    let mut stream = tls.accept(stream).await?;
    if exchange(&mut stream, state).await? {
        return reset(stream.get_ref().0);
    }
    stream.shutdown().await
}

/// Makes the close send RST instead of FIN.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// Reads a request and answers it. Returns whether to reset the connection.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), state: &State) -> io::Result<bool> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let count = state.requests.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&request).into_owned();
    let answer = state.behaviour.lock().unwrap_or_else(PoisonError::into_inner)(&request, count);
    match answer {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
        Answer::Hang => std::future::pending().await,
        Answer::Trickle(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Answer::Reset(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            return Ok(true);
        }
        Answer::Flood(head, bytes) => {
            stream.write_all(&head).await?;
            let blanks = vec![b' '; 16 * 1024];
            for _ in 0..bytes / blanks.len() {
                stream.write_all(&blanks).await?;
                state.body_bytes.fetch_add(16 * 1024, Ordering::SeqCst);
            }
        }
    }
    stream.flush().await?;
    Ok(false)
}
