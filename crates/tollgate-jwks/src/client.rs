//! [`HttpsClient`]: the default client, hyper over rustls.

use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service as _;

use crate::http::{HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse};

/// An HTTPS client for documents that are fetched every few minutes: one connection per request, HTTP/1.1, no
/// redirects, no cookies, no proxy, no compression.
///
/// Certificates are verified against Mozilla's root certificates, which are compiled in, and those that you
/// add. TLS runs on aws-lc-rs. No process-wide provider is installed, so other users of rustls are not
/// affected.
#[derive(Clone)]
pub struct HttpsClient {
    connector: HttpsConnector<HttpConnector>,
    connect_timeout: Duration,
}

/// The settings of an [`HttpsClient`].
#[derive(Clone, Debug)]
pub struct HttpsClientBuilder {
    roots: RootCertStore,
    connect_timeout: Duration,
}

/// The reason why an [`HttpsClient`] cannot be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsClientError {
    /// The text is not PEM with certificates.
    #[error("not PEM text with certificates")]
    Pem,
    /// A certificate cannot be used as a root certificate.
    #[error("a certificate cannot be used as a root certificate")]
    Certificate(#[source] Box<dyn Error + Send + Sync>),
    /// The setup of TLS failed.
    #[error("TLS setup failed")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpsClient {
    /// Creates a client with the default settings.
    ///
    /// # Errors
    /// [`HttpsClientError::Tls`] when the setup of TLS fails.
    pub fn new() -> Result<Self, HttpsClientError> {
        Self::builder().build()
    }

    /// Returns a builder for other settings.
    #[must_use]
    pub fn builder() -> HttpsClientBuilder {
        HttpsClientBuilder { roots: public_authorities(), connect_timeout: CONNECT_TIMEOUT }
    }

    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let uri: Uri = request.url().parse().map_err(|error| HttpError::Request(Box::new(error)))?;
        let message = message(&uri, &request).map_err(|error| HttpError::Request(Box::new(error)))?;
        // This connector is always ready.
        let connecting = self.connector.clone().call(uri);
        let stream = tokio::time::timeout(self.connect_timeout, connecting)
            .await
            .map_err(|elapsed| HttpError::Connect(Box::new(elapsed)))?
            .map_err(HttpError::Connect)?;
        let (mut sender, connection) =
            http1::handshake(stream).await.map_err(|error| HttpError::Broken(Box::new(error)))?;
        let exchange = pin!(async {
            let response =
                sender.send_request(message).await.map_err(|error| HttpError::Broken(Box::new(error)))?;
            read(response, request.max_body_bytes()).await
        });
        // Both futures are driven here, so dropping this future leaves nothing behind.
        drive(exchange, connection).await
    }
}

impl HttpClient for HttpsClient {
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
        Box::pin(self.exchange(request))
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").field("connect_timeout", &self.connect_timeout).finish_non_exhaustive()
    }
}

impl HttpsClientBuilder {
    /// Trusts the root certificates in `pem`, in addition to the others.
    ///
    /// # Errors
    /// [`HttpsClientError`] when `pem` has no certificates, or one of them is unusable.
    pub fn with_authorities(mut self, pem: impl AsRef<[u8]>) -> Result<Self, HttpsClientError> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_ref())
            .collect::<Result<_, _>>()
            .map_err(|_cause| HttpsClientError::Pem)?;
        if certificates.is_empty() {
            return Err(HttpsClientError::Pem);
        }
        for certificate in certificates {
            self.roots.add(certificate).map_err(|error| HttpsClientError::Certificate(Box::new(error)))?;
        }
        Ok(self)
    }

    /// Removes all root certificates. Only those that are added later are trusted.
    #[must_use]
    pub fn without_public_authorities(self) -> Self {
        Self { roots: RootCertStore::empty(), ..self }
    }

    /// Sets the timeout for establishing a connection, including TLS. The default is 3 s.
    #[must_use]
    pub fn with_connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// Creates the client.
    ///
    /// # Errors
    /// [`HttpsClientError::Tls`] when the setup of TLS fails.
    pub fn build(self) -> Result<HttpsClient, HttpsClientError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpsClientError::Tls(Box::new(error)))?
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        tcp.set_nodelay(true);
        // The check whether `http` is allowed has already happened.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(HttpsClient { connector, connect_timeout: self.connect_timeout })
    }
}

/// Name lookup, TCP and TLS take three or four round trips across the world, and a reachable server answers in
/// less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

fn public_authorities() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn message(uri: &Uri, request: &HttpRequest<'_>) -> Result<Request<Empty<Bytes>>, http::Error> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let message = Request::get(target)
        .header(HOST, host)
        .header(USER_AGENT, concat!("tollgate-jwks/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json, application/jwk-set+json")
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        .header(CONNECTION, "close");
    let message = request.headers().fold(message, |message, (name, value)| message.header(name, value));
    message.body(Empty::new())
}

async fn read(
    response: http::Response<hyper::body::Incoming>,
    max_body_bytes: usize,
) -> Result<HttpResponse, HttpError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, max_body_bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { HttpError::TooLarge } else { HttpError::Broken(error) }
    })?;
    let read = HttpResponse::new(head.status.as_u16(), body.to_bytes());
    let headers = head.headers.iter();
    Ok(headers.fold(read, |read, (name, value)| read.with_header(name.as_str(), value.as_bytes())))
}

/// Returns the outcome of `exchange`, and drives `connection` meanwhile.
async fn drive(
    mut exchange: std::pin::Pin<&mut impl Future<Output = Result<HttpResponse, HttpError>>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> Result<HttpResponse, HttpError> {
    let mut connection = pin!(connection);
    tokio::select! {
        response = &mut exchange => response,
        // The connection ends with the last byte or with an error, and the exchange reports either.
        _ended = &mut connection => exchange.await,
    }
}
