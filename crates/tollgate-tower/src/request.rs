//! [`HttpRequest`]: the core's view of an `http` 1 request.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Uri};
use tollgate::adapter::RequestView;
use tollgate::{Admission, Gate};

/// A borrowed view of an `http` 1 request, for the methods of a [`Gate`](tollgate::Gate). It clones nothing.
#[derive(Clone, Copy)]
pub struct HttpRequest<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
}

impl<'r, B> From<&'r Request<B>> for HttpRequest<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self { method: request.method(), uri: request.uri(), headers: request.headers() }
    }
}

/// Prints only the method, because target and header fields may contain tokens.
impl fmt::Debug for HttpRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest").field("method", self.method).finish_non_exhaustive()
    }
}

impl RequestView for HttpRequest<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> Option<&str> {
        Some(self.uri.path())
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn authority(&self) -> Option<&str> {
        self.uri.authority().map(http::uri::Authority::as_str)
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        // The constant for the usual name avoids parsing it.
        let values = match name {
            "authorization" => self.headers.get_all(AUTHORIZATION),
            name => self.headers.get_all(name),
        };
        values.iter().map(http::HeaderValue::as_bytes)
    }
}

/// Hands `admission` to the inner service, in the extensions of the request.
pub(crate) fn insert_admission<B>(request: &mut Request<B>, admission: Admission, gate: &Gate) {
    mark_sensitive(request.headers_mut(), gate);
    request.extensions_mut().insert(admission);
}

/// Marks every header value that may contain a credential as sensitive, so that an inner service that logs its
/// request does not print it.
fn mark_sensitive(headers: &mut HeaderMap, gate: &Gate) {
    for (name, value) in headers.iter_mut() {
        if gate.is_credential_header(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}
