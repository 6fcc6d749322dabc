//! `Authorization: Bearer b64token` (RFC 6750 §2.1, RFC 9110 §11.4), and the same with another scheme or field.

use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const FIELD: &str = "authorization";
pub(super) const LOCATION: &str = "Authorization field";

/// Returns the name of the location in errors.
pub(super) fn location(field: &str) -> &'static str {
    if field == FIELD { LOCATION } else { super::FIELD }
}

/// Returns the text in the place of the bearer token.
///
/// `Authorization` holds one set of credentials and is not a list (RFC 9110 §11.6.2). Two header fields are
/// malformed whatever they contain, because two parsers could use different ones. Other schemes are ignored.
#[inline]
pub(super) fn find_bearer<R: RequestView>(request: &R) -> Result<Option<&[u8]>, RequestError> {
    find_after(request, FIELD, |value| strip_scheme(value, b"Bearer"))
}

/// Returns the text in the place of the token in `field`, after `scheme`.
pub(super) fn find<'r, R: RequestView>(
    request: &'r R,
    field: &str,
    scheme: &[u8],
) -> Result<Option<&'r [u8]>, RequestError> {
    find_after(request, field, |value| strip_scheme(value, scheme))
}

#[inline]
fn find_after<'r, R: RequestView>(
    request: &'r R,
    field: &str,
    strip_scheme: impl FnOnce(&'r [u8]) -> Option<&'r [u8]>,
) -> Result<Option<&'r [u8]>, RequestError> {
    let mut values = request.header_values(field);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(RequestError::Repeated { location: location(field) });
    }
    let Some(credentials) = strip_scheme(value) else { return Ok(None) };
    // credentials = auth-scheme [ 1*SP ( token68 / … ) ] (RFC 9110 §11.4): spaces, not tabs.
    let token = credentials.trim_ascii_end();
    let spaces = token.iter().take_while(|byte| **byte == b' ').count();
    // A scheme without credentials has no token.
    Ok(Some(token.get(spaces..).filter(|_| spaces > 0).unwrap_or_default()))
}

/// Returns what follows the scheme, in any case (RFC 9110 §11.1), or `None` for another scheme.
#[inline]
fn strip_scheme<'r>(value: &'r [u8], wanted: &[u8]) -> Option<&'r [u8]> {
    let (scheme, rest) = value.split_at_checked(wanted.len())?;
    let is_wanted = scheme == wanted || scheme.eq_ignore_ascii_case(wanted);
    let ends_here = rest.first().is_none_or(|byte| *byte == b' ' || !is_scheme_symbol(*byte));
    (is_wanted && ends_here).then_some(rest)
}

/// Returns whether `byte` is a `tchar` (RFC 9110 §5.6.2).
fn is_scheme_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
