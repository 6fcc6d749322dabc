//! [`HttpClient`]: how documents are fetched. Plain parts, so that any client can be put behind it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Fetches a document. Bring your own for proxies, client certificates, another TLS library, or tests; the default is
/// `HttpsClient`, behind the feature `client`.
///
/// # Security
/// Whoever can answer for the issuer decides whose tokens are believed. An implementation
/// - checks the server's certificate against the host of the URL,
/// - does **not** follow redirects: it answers them as they are,
/// - sends no cookies and no credentials of its own accord,
/// - stops reading a body past [`max_body_bytes`](HttpRequest::max_body_bytes), with [`HttpError::TooLarge`],
/// - stops its work when the future is dropped, which is how a timeout reaches it.
///
/// ```
/// use tollgate_jwks::{HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse};
///
/// /// Always the same document, for tests.
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
    /// Sends a `GET` request, and answers whatever comes back.
    ///
    /// The future fails with an [`HttpError`] when there is no complete answer.
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a>;
}

/// A client that others hold too.
impl<C: HttpClient + ?Sized> HttpClient for Arc<C> {
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
        (**self).get(request)
    }
}

/// What [`HttpClient::get`] answers.
pub type HttpFuture<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

/// A `GET` request.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    url: &'a str,
    headers: &'a [(&'static str, String)],
    max_body_bytes: usize,
}

impl<'a> HttpRequest<'a> {
    pub(crate) fn new(url: &'a str, headers: &'a [(&'static str, String)], max_body_bytes: usize) -> Self {
        Self { url, headers, max_body_bytes }
    }

    /// The absolute URL: `https`, or `http` to a loopback address where that was allowed. Without a fragment.
    #[must_use]
    pub fn url(&self) -> &'a str {
        self.url
    }

    /// The header fields to send, names in lower case. `Host` is the client's business.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &'a str)> + 'a {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The largest body to read.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }
}

/// A response with its whole body.
#[derive(Clone)]
pub struct HttpResponse {
    status: u16,
    headers: Vec<(Box<str>, Box<[u8]>)>,
    body: Vec<u8>,
}

impl HttpResponse {
    /// A response without header fields.
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

    /// The values of a field that are text. The name is in lower case.
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

/// Without the body: it may be long, and is not ours.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no complete answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection: the name cannot be resolved, nobody listens, the certificate is not acceptable.
    #[error("cannot connect")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// The body is larger than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// The request cannot be sent at all, such as for a URL that this client cannot read.
    #[error("the request cannot be sent")]
    Request(#[source] Box<dyn Error + Send + Sync>),
}
