//! [`Answer`]: a response that does not depend on a framework.

use serde_json::{Value, json};

/// Status, content type, further header fields and body. Each example converts it to its framework's response in
/// a few lines.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Further header fields, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Returns a 200 with a plain text body.
    pub fn text(body: impl Into<String>) -> Self {
        Self::of(200, "text/plain; charset=utf-8", body.into())
    }

    /// Returns a response with a JSON body. The body is about one user, so the response forbids caching.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string()).with_header("cache-control", "no-store")
    }

    /// Returns a response with problem details (RFC 9457).
    #[must_use]
    pub fn problem(status: u16, title: &str, detail: &str) -> Self {
        let problem = json!({"type": "about:blank", "title": title, "status": status, "detail": detail});
        Self::of(status, "application/problem+json", problem.to_string())
    }

    pub(crate) fn of(status: u16, content_type: &'static str, body: String) -> Self {
        Self { status, content_type, headers: Vec::new(), body }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
