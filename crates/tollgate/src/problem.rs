//! [`ProblemDetails`]: the default body of rejections (RFC 9457), and [`ProblemType`].

use serde::Serialize;

/// A document of problem details (RFC 9457).
///
/// ```
/// use tollgate::adapter::{ProblemDetails, ProblemType};
///
/// let problem = ProblemDetails::new(404, "no such path").with_error("not_found");
/// assert_eq!(
///     problem.to_json(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such path","error":"not_found"}"#
/// );
///
/// const NO_STOCK: ProblemType = ProblemType::new("tag:shop.example,2026:no-stock", "Out of stock", 409);
/// let problem = ProblemDetails::of_type(NO_STOCK, "three are left");
/// assert_eq!(
///     problem.to_json(),
///     r#"{"type":"tag:shop.example,2026:no-stock","title":"Out of stock","status":409,"detail":"three are left"}"#
/// );
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
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

    /// Creates a document of the type `about:blank`, for a problem of which the status says all. Its title is the
    /// reason phrase of the status, and absent for a status without one. `detail` is an explanation for people.
    #[must_use]
    pub const fn new(status: u16, detail: &'a str) -> Self {
        let title = reason_phrase(status);
        Self { kind: "about:blank", title, status, detail, error: None, reason: None }
    }

    /// Creates a document of a type that says what the client could do about the problem. `detail` is an explanation
    /// for people.
    #[must_use]
    pub const fn of_type(kind: ProblemType, detail: &'a str) -> Self {
        let ProblemType { uri, title, status } = kind;
        Self { kind: uri, title: Some(title), status, detail, error: None, reason: None }
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

    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the document as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and a number always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A type of problems (RFC 9457 §3.1.1): its URI, its title and its status.
///
/// `docs/problems.md` in the repository lists the types of Tollgate, with what a client could do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemType {
    uri: &'static str,
    title: &'static str,
    status: u16,
}

impl ProblemType {
    /// Creates a type from its URI, its title, which is the same for all problems of the type, and its status.
    #[must_use]
    pub const fn new(uri: &'static str, title: &'static str, status: u16) -> Self {
        Self { uri, title, status }
    }

    /// Returns the URI. Clients compare it as a string, and do not dereference it.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        self.uri
    }

    /// Returns the title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.status
    }

    /// The credentials are malformed, or were presented more than once.
    pub const MALFORMED_CREDENTIALS: Self =
        Self::new("tag:tollgate.example,2026:malformed-credentials", "Malformed credentials", 400);
    /// The access token is not valid. The type does not say why.
    pub const INVALID_TOKEN: Self =
        Self::new("tag:tollgate.example,2026:invalid-token", "Invalid access token", 401);
    /// The access token does not grant enough.
    pub const INSUFFICIENT_SCOPE: Self =
        Self::new("tag:tollgate.example,2026:insufficient-scope", "Insufficient scope", 403);
    /// The user has to authenticate again or in another way. The challenge says how (RFC 9470).
    pub const INSUFFICIENT_USER_AUTHENTICATION: Self = Self::new(
        "tag:tollgate.example,2026:insufficient-user-authentication",
        "Insufficient user authentication",
        401,
    );
    /// Another site may have caused the request.
    pub const CROSS_SITE_REQUEST: Self =
        Self::new("tag:tollgate.example,2026:cross-site-request", "Cross-site request", 403);
    /// The anti-CSRF token is missing, or belongs to another session.
    pub const ANTI_CSRF_TOKEN: Self =
        Self::new("tag:tollgate.example,2026:anti-csrf-token", "Anti-CSRF token missing or wrong", 403);
    /// Tokens cannot be verified at present.
    pub const VERIFICATION_UNAVAILABLE: Self =
        Self::new("tag:tollgate.example,2026:verification-unavailable", "Verification unavailable", 503);

    /// The types of the core.
    pub const ALL: &[Self] = &[
        Self::MALFORMED_CREDENTIALS,
        Self::INVALID_TOKEN,
        Self::INSUFFICIENT_SCOPE,
        Self::INSUFFICIENT_USER_AUTHENTICATION,
        Self::CROSS_SITE_REQUEST,
        Self::ANTI_CSRF_TOKEN,
        Self::VERIFICATION_UNAVAILABLE,
    ];
}

/// Returns the phrase of an error status (RFC 9110 §15.5 and §15.6, RFC 6585), which is the title of a problem of type
/// `about:blank` (RFC 9457 §4.2.1).
const fn reason_phrase(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_without_a_phrase_has_no_title() {
        let json = |status| ProblemDetails::new(status, "d").to_json();
        assert_eq!(json(418), r#"{"type":"about:blank","status":418,"detail":"d"}"#);
        assert_eq!(json(451), r#"{"type":"about:blank","status":451,"detail":"d"}"#);
        assert_eq!(json(200), r#"{"type":"about:blank","status":200,"detail":"d"}"#);
        assert_eq!(
            json(422),
            r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"d"}"#
        );
    }
}
