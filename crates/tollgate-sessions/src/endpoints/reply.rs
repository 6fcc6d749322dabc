//! [`Reply`]: what to answer, in plain parts of HTTP.

use std::fmt;

use serde::Serialize;
use tollgate::Rejection;
use tollgate::adapter::ProblemDetails;

/// What to answer: a status, header fields and a body. `Debug` shows the status alone.
///
/// Header fields can have the same name (`Set-Cookie`): add them, do not replace one by the other. Their names are in
/// lower case, their values visible ASCII.
#[must_use]
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    /// An answer without a body, which no cache keeps (RFC 6749 §5.1).
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", "no-store".to_owned())], body: String::new() }
    }

    /// An answer in JSON, which no cache keeps.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::empty(status).with_body("application/json", body)
    }

    /// Problem details (RFC 9457).
    pub(super) fn problem(status: u16, problem: &ProblemDetails<'_>) -> Self {
        Self::empty(status).with_body(ProblemDetails::CONTENT_TYPE, problem)
    }

    /// A document that is the same for everybody.
    pub(super) fn public(media_type: &str, cache_control: &str, body: String) -> Self {
        let headers =
            vec![("content-type", media_type.to_owned()), ("cache-control", cache_control.to_owned())];
        Self { status: 200, headers, body }
    }

    fn with_body(self, media_type: &'static str, body: &impl Serialize) -> Self {
        // Structs of texts, numbers and truth values always have a JSON form.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { body, ..self }.with_header("content-type", media_type)
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets cookies. What is answered then depends on those that came (RFC 9110 §12.5.5).
    pub(super) fn with_cookies(mut self, cookies: impl IntoIterator<Item = String>) -> Self {
        self.headers.extend(cookies.into_iter().map(|cookie| ("set-cookie", cookie)));
        self.with_header("vary", "Cookie")
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body, to be sent.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }
}

/// Rejections of the gate have problem details here, as all problems of the endpoints.
impl From<&Rejection> for Reply {
    fn from(rejection: &Rejection) -> Self {
        let mut headers = vec![("content-type", ProblemDetails::CONTENT_TYPE.to_owned())];
        headers.extend(rejection.headers().map(|(name, value)| (name, value.into_owned())));
        Self { status: rejection.status(), headers, body: rejection.problem_details().to_json() }
    }
}

/// Fields and body may hold tokens.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}
