//! [`HttpClient`]: how documents are fetched. Its types are plain, so that any HTTP library can implement it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Fetches a document. Implement it for SOCKS proxies, client certificates, another TLS library, or tests. The
/// default is `HttpsClient`, with the feature `client`.
///
/// # Security
/// A party that can answer in place of the issuer decides which tokens are accepted. An implementation must:
/// - verify the server's certificate against the host of the URL,
/// - **not** follow redirects, but return them as they are,
/// - send no cookies and no credentials of its own,
/// - stop reading a body above [`max_body_bytes`](HttpRequest::max_body_bytes), with [`HttpError::TooLarge`],
/// - stop its work when the future is dropped, which is how timeouts work.
///
/// ```
/// use tollgate_jwks::{HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse};
///
/// /// Returns the same document to every request, for tests.
/// #[derive(Debug)]
/// struct Fixed(&'static str);
///
/// impl HttpClient for Fixed {
///     fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
///         Box::pin(async move {
///             if self.0.len() > request.max_body_bytes() {
///                 return Err(HttpError::TooLarge);
///             }
///             Ok(HttpResponse::new(200, self.0).with_header("content-type", "application/json"))
///         })
///     }
/// }
/// ```
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends a `GET` request, and returns the response with any status.
    ///
    /// The future fails with an [`HttpError`] when there is no complete response.
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a>;
}

/// Implements the trait for a shared client.
impl<C: HttpClient + ?Sized> HttpClient for Arc<C> {
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
        (**self).get(request)
    }
}

/// The future that [`HttpClient::get`] returns.
pub type HttpFuture<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

/// A `GET` request to an issuer.
#[derive(Clone)]
pub struct HttpRequest<'a> {
    url: &'a str,
    headers: &'a [HeaderField<'a>],
    max_body_bytes: usize,
}

impl<'a> HttpRequest<'a> {
    pub(crate) fn new(url: &'a str, headers: &'a [HeaderField<'a>], max_body_bytes: usize) -> Self {
        Self { url, headers, max_body_bytes }
    }

    /// Returns the absolute URL, without a fragment. It is `https`, or `http` to a host for which the
    /// application allows it.
    #[must_use]
    pub fn url(&self) -> &'a str {
        self.url
    }

    /// Returns the header fields to send, with names in lower case. The client adds `Host`.
    ///
    /// # Security
    /// A value may be a secret, from
    /// [`with_request_header`](crate::RemoteKeySetBuilder::with_request_header). It must not be logged.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Returns the largest body to read, in bytes.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }
}

/// Omits the values of header fields and the query, which may be secrets.
impl fmt::Debug for HttpRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("HttpRequest")
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("headers", &names)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish()
    }
}

/// The name of a header field in lower case, and its value.
pub(crate) type HeaderField<'a> = (&'a str, Zeroizing<String>);

/// A response with its whole body.
#[derive(Clone)]
pub struct HttpResponse {
    status: u16,
    headers: Vec<(Box<str>, Box<[u8]>)>,
    body: Vec<u8>,
}

impl HttpResponse {
    /// Creates a response without header fields.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header field.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Box<str>>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the values of a header field that are text. `name` is in lower case.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next().map(str::trim)
    }
}

/// Omits the body, which may be long and comes from outside.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The reason why there is no complete response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection: the host name cannot be resolved, the port is closed, or the certificate is not valid.
    #[error("cannot connect")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The proxy of the client cannot be reached, or refuses the connection.
    #[error("no connection through the proxy")]
    Proxy(#[source] Box<dyn Error + Send + Sync>),
    /// The connection broke, or the response is not HTTP.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// The body is larger than the limit.
    #[error("the body is larger than the limit")]
    TooLarge,
    /// The request cannot be sent, for example because the client does not support its URL.
    #[error("the request cannot be sent")]
    Request(#[source] Box<dyn Error + Send + Sync>),
}
