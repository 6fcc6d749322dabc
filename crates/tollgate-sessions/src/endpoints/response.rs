//! [`SessionResponse`]: an HTTP response, independent of any framework.

use std::fmt;

use serde::Serialize;
use tollgate::Rejection;
use tollgate::adapter::ProblemDetails;

/// An HTTP response of the endpoints: a status code, headers and a body. `Debug` shows only the status code.
///
/// Several headers can have the same name (`Set-Cookie`): append them, and do not let one replace another.
/// Names are in lower case, and values are visible ASCII.
#[must_use]
#[derive(Clone, PartialEq, Eq)]
pub struct SessionResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl SessionResponse {
    /// Makes a response without a body, which caches do not store (RFC 6749 §5.1).
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", "no-store".to_owned())], body: String::new() }
    }

    /// Makes a response with a JSON body, which caches do not store.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::empty(status).with_body("application/json", body)
    }

    /// Makes a response with problem details (RFC 9457).
    pub(super) fn problem(problem: &ProblemDetails<'_>) -> Self {
        Self::empty(problem.status()).with_body(ProblemDetails::CONTENT_TYPE, problem)
    }

    /// Makes a response with a document that is the same for all clients.
    pub(super) fn public(media_type: &str, cache_control: &str, body: String) -> Self {
        let headers =
            vec![("content-type", media_type.to_owned()), ("cache-control", cache_control.to_owned())];
        Self { status: 200, headers, body }
    }

    fn with_body(self, media_type: &'static str, body: &impl Serialize) -> Self {
        // This cannot fail: all bodies are structs of strings, numbers and booleans.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { body, ..self }.with_header("content-type", media_type)
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets cookies. The response then depends on the cookies of the request (RFC 9110 §12.5.5).
    pub(super) fn with_cookies(mut self, cookies: impl IntoIterator<Item = String>) -> Self {
        self.headers.extend(cookies.into_iter().map(|cookie| ("set-cookie", cookie)));
        self.with_header("vary", "Cookie")
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the names and values of the headers.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Returns the body, which is empty or JSON.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the body by value.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }
}

/// Converts the response of a gate to a request that it rejects.
impl From<&Rejection> for SessionResponse {
    fn from(rejection: &Rejection) -> Self {
        let mut headers = vec![("content-type", ProblemDetails::CONTENT_TYPE.to_owned())];
        headers.extend(rejection.headers().map(|(name, value)| (name, value.into_owned())));
        Self { status: rejection.status(), headers, body: rejection.problem_details().to_json() }
    }
}

/// Shows the status code only, as headers and body may contain tokens.
impl fmt::Debug for SessionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
