//! [`ActixRequest`]: the core's view of an actix request.

use std::fmt;

use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::header::HeaderValue;
use actix_web::http::uri::Authority;
use tollgate::adapter::RequestView;

/// A borrowed view of an actix request, for the methods of a [`Gate`](tollgate::Gate). It clones nothing.
///
/// The core reads cookies from the `Cookie` headers, because actix percent-decodes its own and leaves out those
/// that it cannot parse.
#[derive(Clone, Copy)]
pub struct ActixRequest<'r>(&'r RequestHead);

impl<'r> From<&'r ServiceRequest> for ActixRequest<'r> {
    fn from(request: &'r ServiceRequest) -> Self {
        Self(request.head())
    }
}

impl<'r> From<&'r actix_web::HttpRequest> for ActixRequest<'r> {
    fn from(request: &'r actix_web::HttpRequest) -> Self {
        Self(request.head())
    }
}

/// Prints only the method, because target and header fields may contain tokens.
impl fmt::Debug for ActixRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixRequest").field("method", &self.0.method).finish_non_exhaustive()
    }
}

impl RequestView for ActixRequest<'_> {
    fn method(&self) -> &str {
        self.0.method.as_str()
    }

    fn path(&self) -> Option<&str> {
        Some(self.0.uri.path())
    }

    fn query(&self) -> Option<&str> {
        self.0.uri.query()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri.authority().map(Authority::as_str)
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.headers.get_all(name).map(HeaderValue::as_bytes)
    }
}
