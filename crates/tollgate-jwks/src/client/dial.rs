//! [`Dial`]: opens connections, directly or through a proxy.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;
use zeroize::Zeroizing;

use super::proxy::{Proxies, Proxy};

/// A connector for `https` and `http`. The stream that it opens reaches the destination of the URL: TLS to an `https`
/// destination runs inside the tunnel, so a proxy can refuse a connection, but not answer for the issuer.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    tcp: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    proxies: Arc<Proxies>,
}

/// The reason why a proxy does not connect to the issuer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    #[error("cannot connect to the proxy {proxy}")]
    Unreachable {
        proxy: Box<str>,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "the proxy {proxy} refuses the connection with status {status}{}",
        if *.status == 407 { ": it expects another user name and password in its URL" } else { "" }
    )]
    Status { proxy: Box<str>, status: u16 },
    #[error("the proxy {proxy} does not respond to CONNECT as an HTTP proxy")]
    NotHttp { proxy: Box<str> },
    #[error("the connection to the proxy {proxy} broke")]
    Broken {
        proxy: Box<str>,
        #[source]
        cause: std::io::Error,
    },
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Dial {
    pub(super) fn new(tcp: HttpConnector, to_proxy: HttpsConnector<HttpConnector>, proxies: Proxies) -> Self {
        Self { tcp, to_proxy, proxies: Arc::new(proxies) }
    }

    /// Returns the proxy that forwards the request itself, because its destination is plain `http` (RFC 9112 §3.2.2).
    pub(super) fn forwarding_proxy(&self, uri: &Uri) -> Option<&Proxy> {
        self.proxies.proxy_for(uri).filter(|_| !is_https(uri))
    }
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // Both connectors are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.proxy_for(&destination).cloned() else {
            let connecting = self.tcp.call(destination);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        let connecting = self.to_proxy.call(proxy.uri().clone());
        Box::pin(async move {
            let connected = connecting.await;
            let stream =
                connected.map_err(|cause| ProxyError::Unreachable { proxy: proxy.shown(), cause })?;
            if !is_https(&destination) {
                return Ok(stream);
            }
            let mut stream = TokioIo::new(stream);
            connect(&mut stream, &proxy, &destination).await?;
            Ok(stream.into_inner())
        })
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTPS)
}

/// Asks the proxy for a tunnel to the destination (RFC 9110 §9.3.6).
async fn connect(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Proxy,
    destination: &Uri,
) -> Result<(), ProxyError> {
    let host = destination.host().unwrap_or_default();
    let to = format!("{host}:{}", destination.port_u16().unwrap_or(443));
    let mut request = Zeroizing::new(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n"));
    if let Some(authorization) = proxy.authorization() {
        for part in ["Proxy-Authorization: ", authorization, "\r\n"] {
            request.push_str(part);
        }
    }
    request.push_str("\r\n");
    let broken = |cause| ProxyError::Broken { proxy: proxy.shown(), cause };
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut head = Vec::new();
    // Byte by byte, so that nothing behind the head is read. There is one tunnel every few minutes.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES {
            return Err(ProxyError::NotHttp { proxy: proxy.shown() });
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(ProxyError::Status { proxy: proxy.shown(), status }),
        None => Err(ProxyError::NotHttp { proxy: proxy.shown() }),
    }
}

/// The largest response head of a proxy.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Returns the status of a status line (RFC 9112 §4).
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, rest) = rest.split_at_checked(3)?;
    let is_end = matches!(rest.first(), Some(b' ' | b'\r'));
    if !is_end || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what the proxy received, and the outcome of its response.
    async fn tunnel(proxy: &str, to: &str, response: &[u8]) -> (String, Result<String, ProxyError>) {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        theirs.write_all(response).await.unwrap();
        let proxy = Proxy::parse(proxy).unwrap();
        let connected = connect(&mut ours, &proxy, &to.parse().unwrap()).await;
        let mut behind = String::new();
        if connected.is_ok() {
            theirs.shutdown().await.unwrap();
            ours.read_to_string(&mut behind).await.unwrap();
        }
        drop(ours);
        let mut request = String::new();
        theirs.read_to_string(&mut request).await.unwrap();
        (request, connected.map(|()| behind))
    }

    #[tokio::test]
    async fn request_names_the_destination_and_authorizes() {
        let (request, connected) =
            tunnel("http://u:p@proxy:3128", "https://issuer.example/keys?x", b"HTTP/1.1 200 OK\r\n\r\nTLS")
                .await;
        assert_eq!(
            request,
            "CONNECT issuer.example:443 HTTP/1.1\r\nHost: issuer.example:443\r\n\
             Proxy-Authorization: Basic dTpw\r\n\r\n"
        );
        assert_eq!(connected.unwrap(), "TLS", "nothing behind the head is lost");
        let (request, connected) =
            tunnel("proxy:1", "https://[::1]:8443/", b"HTTP/1.0 204 \r\nX: y\r\n\r\n").await;
        assert!(request.starts_with("CONNECT [::1]:8443 HTTP/1.1\r\n"), "{request}");
        assert_eq!(connected.unwrap(), "");
    }

    #[tokio::test]
    async fn refusals_name_the_proxy_and_its_status() {
        let long = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 9000]].concat();
        for (response, expected) in [
            (
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".as_slice(),
                "status 407: it expects another user name and password in its URL",
            ),
            (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n", "the proxy http://proxy:3128 refuses"),
            (b"HTTP/1.1 301 Moved\r\nLocation: https://evil.example/\r\n\r\n", "status 301"),
            (b"HTTP/1.1 100 Continue\r\n\r\n", "status 100"),
            (b"HTTP/2 200 OK\r\n\r\n", "as an HTTP proxy"),
            (b"HTTP/1.1 2000 OK\r\n\r\n", "as an HTTP proxy"),
            (b"HTTP/1.1 +20 OK\r\n\r\n", "as an HTTP proxy"),
            (b"SSH-2.0-OpenSSH\r\n\r\n", "as an HTTP proxy"),
            (&long, "as an HTTP proxy"),
        ] {
            let (_, connected) =
                tunnel("http://user:s3cret@proxy:3128", "https://issuer.example/", response).await;
            let error = connected.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }
}
