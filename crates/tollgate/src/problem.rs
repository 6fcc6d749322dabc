//! [`ProblemDetails`]: the default body of rejections (RFC 9457).

use serde::Serialize;

/// A document of problem details (RFC 9457) of the type `about:blank`: its title is the reason phrase of its status.
///
/// ```
/// use tollgate::adapter::ProblemDetails;
///
/// let problem = ProblemDetails::new(404, "no such session").with_error("not_found");
/// assert_eq!(
///     problem.to_json(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such session","error":"not_found"}"#
/// );
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> ProblemDetails<'a> {
    /// The media type of the document (RFC 9457 §3).
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// Creates the document for a response with this status. `detail` is an explanation for people.
    #[must_use]
    pub const fn new(status: u16, detail: &'a str) -> Self {
        let title = reason_phrase(status);
        Self { kind: "about:blank", title, status, detail, error: None, reason: None }
    }

    /// Adds the member `error`, a code for programs such as those of OAuth.
    #[must_use]
    pub const fn with_error(self, error: &'a str) -> Self {
        Self { error: Some(error), ..self }
    }

    /// Adds the member `reason`, which tells two problems with the same error code apart.
    #[must_use]
    pub const fn with_reason(self, reason: &'a str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Returns the document as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and a number always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the phrase of a status (RFC 9110 §15), which is the title of a problem of type `about:blank` (RFC 9457
/// §4.2.1).
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
