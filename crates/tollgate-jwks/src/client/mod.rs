//! [`HttpsClient`]: the default client, hyper over rustls.

mod dial;
mod no_proxy;
mod proxy;

use std::env::{self, VarError};
use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
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
use dial::{Dial, ProxyError};
use proxy::{Proxies, Proxy};

pub use proxy::ProxyUrlError;

/// An HTTPS client for documents that are fetched every few minutes: one connection per request, HTTP/1.1, no
/// redirects, no cookies, no compression, and a proxy only if you set one.
///
/// Certificates are verified against Mozilla's root certificates, which are compiled in, and those that you
/// add. TLS runs on aws-lc-rs. No process-wide provider is installed, so other users of rustls are not
/// affected.
#[derive(Clone)]
pub struct HttpsClient {
    connector: HttpsConnector<Dial>,
    dial: Dial,
    connect_timeout: Duration,
}

/// The settings of an [`HttpsClient`].
#[derive(Clone, Debug)]
pub struct HttpsClientBuilder {
    roots: RootCertStore,
    proxies: Proxies,
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
    /// The proxy cannot be used.
    #[error("the proxy of {set_by} cannot be used")]
    Proxy {
        /// The environment variable or the method that sets the proxy.
        set_by: &'static str,
        /// The reason why it cannot be used.
        #[source]
        reason: ProxyUrlError,
    },
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
        let (roots, proxies) = (public_authorities(), Proxies::default());
        HttpsClientBuilder { roots, proxies, connect_timeout: CONNECT_TIMEOUT }
    }

    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let uri: Uri = request.url().parse().map_err(|error| HttpError::Request(Box::new(error)))?;
        let forwarder = self.dial.forwarding_proxy(&uri);
        let message =
            message(&uri, &request, forwarder).map_err(|error| HttpError::Request(Box::new(error)))?;
        // This connector is always ready.
        let connecting = self.connector.clone().call(uri);
        let stream = tokio::time::timeout(self.connect_timeout, connecting)
            .await
            .map_err(|elapsed| HttpError::Connect(Box::new(elapsed)))?
            .map_err(refused)?;
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

    /// Sends all requests through this HTTP proxy: `http://proxy.example:3128`, or `https://`, with the port. A user
    /// name and password in the URL are sent to the proxy (`Proxy-Authorization: Basic`), and never logged. The
    /// default is no proxy.
    ///
    /// A request over https runs in a tunnel (`CONNECT`), in which the client checks the issuer's certificate. The
    /// proxy learns the host, and can do nothing but refuse.
    ///
    /// # Errors
    /// [`HttpsClientError::Proxy`] when the URL cannot be used.
    ///
    /// # Security
    /// A request over plain http, where a key set allows it, is readable and changeable for the proxy.
    pub fn with_proxy(self, url: impl AsRef<str>) -> Result<Self, HttpsClientError> {
        let proxy = Proxy::parse(url.as_ref())
            .map_err(|reason| HttpsClientError::Proxy { set_by: "`with_proxy`", reason })?;
        Ok(Self { proxies: Proxies::all(proxy), ..self })
    }

    /// Reads the proxy from the environment, as curl does: `https_proxy` and `HTTPS_PROXY` for https, `http_proxy`
    /// for plain http, `all_proxy` and `ALL_PROXY` for both, and `no_proxy` and `NO_PROXY` for hosts that are
    /// reached directly. Lower case comes first, and an empty variable counts as absent. `HTTP_PROXY` is not read,
    /// because CGI servers fill it from a request's header field. The environment is read now, and once.
    ///
    /// `NO_PROXY` lists host names, which include their subdomains, addresses, networks such as `10.0.0.0/8`, or `*`
    /// for all hosts. Other entries have no effect and are logged as a warning.
    ///
    /// # Errors
    /// [`HttpsClientError::Proxy`], with the name of the variable, when a proxy cannot be used. Proxies need a port,
    /// and SOCKS is not supported.
    pub fn with_proxy_from_environment(self) -> Result<Self, HttpsClientError> {
        let proxies = Proxies::from_variables(|name| match env::var(name) {
            Ok(value) => Some(Ok(value)),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => Some(Err(ProxyUrlError::NotUtf8)),
        });
        let proxies = proxies.map_err(|(set_by, reason)| HttpsClientError::Proxy { set_by, reason })?;
        Ok(Self { proxies, ..self })
    }

    /// Sets the timeout for establishing a connection, including the proxy and TLS. The default is 3 s.
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
        let dial = Dial::new(tcp.clone(), over_tls(tls.clone(), tcp), self.proxies);
        Ok(HttpsClient {
            connector: over_tls(tls, dial.clone()),
            dial,
            connect_timeout: self.connect_timeout,
        })
    }
}

/// Adds TLS to a connector, for `https`. The check whether `http` is allowed has already happened.
fn over_tls<C>(tls: ClientConfig, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector)
}

fn refused(error: Box<dyn Error + Send + Sync>) -> HttpError {
    if error.is::<ProxyError>() { HttpError::Proxy(error) } else { HttpError::Connect(error) }
}

/// Name lookup, TCP and TLS take three or four round trips across the world, and a reachable server answers in
/// less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

fn public_authorities() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn message(
    uri: &Uri,
    request: &HttpRequest<'_>,
    forwarder: Option<&Proxy>,
) -> Result<Request<Empty<Bytes>>, http::Error> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = if forwarder.is_some() { request.url() } else { target };
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let message = Request::get(target)
        .header(HOST, host)
        .header(ACCEPT, "application/json, application/jwk-set+json")
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        .header(CONNECTION, "close");
    // One that the operator sets takes the place of ours.
    let names_itself = request.headers().any(|(name, _)| name == USER_AGENT.as_str());
    let own = (!names_itself).then_some(concat!("tollgate-jwks/", env!("CARGO_PKG_VERSION")));
    let message = own.into_iter().fold(message, |message, own| message.header(USER_AGENT, own));
    // Sensitive values are not printed where hyper or its users log a request.
    let sensitive = |value: &str| {
        HeaderValue::from_str(value).map(|mut value| {
            value.set_sensitive(true);
            value
        })
    };
    let message = request.headers().try_fold(message, |message, (name, value)| {
        Ok::<_, http::Error>(message.header(name, sensitive(value)?))
    })?;
    let authorization = forwarder.and_then(Proxy::authorization);
    let message = authorization.into_iter().try_fold(message, |message, value| {
        Ok::<_, http::Error>(message.header(PROXY_AUTHORIZATION, sensitive(value)?))
    })?;
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

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn one_user_agent_is_sent() {
        let uri = Uri::from_static("https://issuer.example/jwks");
        let agents = |fields: &[(&str, Zeroizing<String>)]| {
            let request = HttpRequest::new("https://issuer.example/jwks", fields, 1024);
            let message = message(&uri, &request, None).unwrap();
            let agents = message.headers().get_all(USER_AGENT).iter();
            agents.map(|agent| agent.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(agents(&[]), [concat!("tollgate-jwks/", env!("CARGO_PKG_VERSION"))]);
        assert_eq!(agents(&[("user-agent", Zeroizing::new("shop/1".to_owned()))]), ["shop/1"]);
    }
}
