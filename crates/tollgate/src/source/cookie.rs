//! One cookie by name (RFC 6265 §5.4), from bytes.

use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const LOCATION: &str = "cookie";

/// The value of the cookie `name` in this request, as bytes; `None` when it is not there or empty.
///
/// This is how a gate reads the cookies that hold its tokens. Names are compared exactly and nothing but space and tab is trimmed: a reader that knows other white space can be
/// made to see a `__Host-` name that the browser did not. The same name twice is malformed, whatever the values:
/// one of them may have been planted by a sibling domain. An empty value is what logging out leaves behind, and
/// counts as no cookie.
///
/// # Errors
/// [`RequestError::Repeated`] when there is more than one of that name.
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
    // cookie-value may be quoted (RFC 6265 §4.1.1).
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
