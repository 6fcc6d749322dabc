//! One cookie by name (RFC 6265 §5.4), from bytes.

use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const LOCATION: &str = "cookie";

/// Returns the value of the cookie `name` as bytes, or `None` when the cookie is missing or empty.
///
/// A gate reads the cookies that hold its tokens in this way. Names are compared exactly, and only spaces and
/// tabs are trimmed: a parser that trims other white space could see a `__Host-` name that the browser did not
/// see. A repeated name is malformed whatever its values, because a sibling domain may have planted one of the
/// cookies. An empty value is what a logout leaves behind, so it counts as missing.
///
/// # Errors
/// [`RequestError::Repeated`] when the request has more than one cookie with this name.
pub fn find_cookie<'r, R: RequestView>(request: &'r R, name: &str) -> Result<Option<&'r [u8]>, RequestError> {
    let mut found = None;
    for field in request.header_values("cookie") {
        for pair in field.split(|byte| *byte == b';') {
            let Some(value) = value_of(pair, name) else { continue };
            if found.is_some() {
                return Err(RequestError::Repeated { location: LOCATION });
            }
            found = Some(value);
        }
    }
    Ok(found.filter(|value| !value.is_empty()))
}

fn value_of<'r>(pair: &'r [u8], name: &str) -> Option<&'r [u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (left, right) = (pair.get(..equals)?, pair.get(equals.saturating_add(1)..)?);
    if trim(left) != name.as_bytes() {
        return None;
    }
    let value = trim(right);
    // A cookie value may be quoted (RFC 6265 §4.1.1).
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some(unquoted.unwrap_or(value))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().take_while(blank).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let end = bytes.iter().rev().take_while(blank).count();
    bytes.get(..bytes.len().saturating_sub(end)).unwrap_or_default()
}
