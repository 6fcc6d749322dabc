//! [`RejectionBody`]: the content of a rejection.

use std::borrow::Cow;

use crate::error::ConfigError;
use crate::grammar::is_token;
use crate::problem::ProblemDetails;

/// The body of a rejection, with its content type.
///
/// Return one from the function that [`Gate::with_rejection_body`](crate::Gate::with_rejection_body) takes.
///
/// ```
/// use tollgate::RejectionBody;
///
/// let body = RejectionBody::json(r#"{"code":401}"#);
/// assert_eq!(body.content_type(), "application/json");
/// assert!(RejectionBody::new("text/plain\r\nx: y", "").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionBody {
    content_type: Cow<'static, str>,
    bytes: Vec<u8>,
}

impl RejectionBody {
    /// Creates a body of any content type.
    ///
    /// # Errors
    /// [`ConfigError::ContentType`] when `content_type` is not a type and a subtype, or holds a byte that is not
    /// printable ASCII.
    pub fn new(
        content_type: impl Into<Cow<'static, str>>,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let content_type = content_type.into();
        if !is_content_type(&content_type) {
            return Err(ConfigError::ContentType { text: content_type.into() });
        }
        Ok(Self { content_type, bytes: bytes.into() })
    }

    /// Creates a body of JSON text, which is not checked.
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self::of("application/json", text.into())
    }

    /// Creates a body of plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of("text/plain; charset=utf-8", text.into())
    }

    /// Replaces the bytes, and keeps the content type.
    #[must_use]
    pub fn with_bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..self }
    }

    pub(crate) fn problem(problem: &ProblemDetails<'_>) -> Self {
        Self::of(ProblemDetails::CONTENT_TYPE, problem.to_json())
    }

    fn of(content_type: &'static str, text: String) -> Self {
        Self { content_type: Cow::Borrowed(content_type), bytes: text.into_bytes() }
    }

    /// Returns the content type: printable ASCII, which can be the value of a header field.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Returns the bytes of the body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes of the body, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Returns whether `text` is a type, a slash and a subtype (RFC 9110 §8.3.1), of printable ASCII. Parameters are not
/// checked further.
fn is_content_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let parts = essence.split_once('/');
    parts.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_checked() {
        for good in ["text/html", "application/problem+json", "text/plain; charset=utf-8", "a/b;c=\"d\""] {
            assert!(RejectionBody::new(good, "").is_ok(), "{good}");
        }
        for bad in
            ["", "json", "/", "a/", "/b", "a/b/c", "a b/c", "text/plain\n", "a/b; c=\u{e4}", " a/b", "a/b "]
        {
            let error = RejectionBody::new(bad, "").unwrap_err();
            assert_eq!(error, ConfigError::ContentType { text: bad.into() }, "{bad:?}");
        }
    }

    #[test]
    fn content_type_is_kept_when_bytes_are_replaced() {
        let body = RejectionBody::new("application/cbor", [0xa0]).unwrap().with_bytes([0xa1]);
        assert_eq!((body.content_type(), body.bytes()), ("application/cbor", &[0xa1][..]));
    }
}
