//! [`Answer`]: a response before a framework makes one of it.

use serde_json::{Value, json};

/// Status, content type, further header fields and body. Each example turns it into its framework's response in
/// a few lines.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Further header fields, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A body of text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::of(200, "text/plain; charset=utf-8", body.into())
    }

    /// A JSON body that is about one user, so no cache may keep it.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string()).with_header("cache-control", "no-store")
    }

    /// RFC 9457 problem details.
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
