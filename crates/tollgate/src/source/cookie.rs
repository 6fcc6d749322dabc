//! Cookies by name (RFC 6265 §5.4), from bytes.

use super::Joined;
use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const LOCATION: &str = "cookie";

/// A cookie that holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    name: Box<str>,
    /// Whether the value may be split into several cookies.
    in_pieces: bool,
    /// Whether the value may begin with `Bearer`.
    bearer_prefix: bool,
}

impl Cookie {
    const MAX_PIECES: usize = 16;

    pub(super) fn whole(name: Box<str>) -> Self {
        Self { name, in_pieces: false, bearer_prefix: false }
    }

    pub(super) fn in_pieces(name: Box<str>) -> Self {
        Self { name, in_pieces: true, bearer_prefix: false }
    }

    pub(super) fn allow_bearer_prefix(&mut self) {
        self.bearer_prefix = true;
    }

    pub(super) fn shares_name(&self, other: &Self) -> bool {
        self.name == other.name
    }

    /// Returns whether `name` is the name of the cookie, or of a piece of it.
    pub(super) fn is_named(&self, name: &str) -> bool {
        *name == *self.name || (self.in_pieces && piece_of(name.as_bytes(), &self.name).is_some())
    }

    /// Returns the value, or `None` when the cookie is missing or empty. `joined` holds a value that comes in pieces.
    pub(super) fn find<'r, R: RequestView>(
        &self,
        request: &'r R,
        joined: &'r Joined,
    ) -> Result<Option<&'r [u8]>, RequestError> {
        let whole = find_cookie(request, &self.name)?;
        let pieces = if self.in_pieces { self.join(request)? } else { None };
        let value = match (whole, pieces) {
            (Some(_), Some(_)) => return Err(RequestError::Repeated { location: LOCATION }),
            // Two sources in pieces at once are rejected, so the first value is the only one.
            (None, Some(pieces)) => Some(joined.get_or_init(|| pieces).as_slice()),
            (whole, None) => whole,
        };
        Ok(value.map(|value| if self.bearer_prefix { without_prefix(value) } else { value }))
    }

    /// Joins the pieces. They may come in any order.
    fn join<R: RequestView>(&self, request: &R) -> Result<Option<Vec<u8>>, RequestError> {
        let mut pieces: [Option<&[u8]>; Self::MAX_PIECES] = [None; Self::MAX_PIECES];
        let malformed = || RequestError::NotAToken { location: LOCATION };
        for pair in pairs(request) {
            let Some((name, value)) = split(pair) else { continue };
            let Some(index) = piece_of(name, &self.name) else { continue };
            let piece = pieces.get_mut(index).ok_or_else(malformed)?;
            if piece.replace(value).is_some() {
                return Err(RequestError::Repeated { location: LOCATION });
            }
        }
        let present = pieces.iter().flatten().count();
        if pieces.iter().take(present).any(Option::is_none) {
            return Err(malformed());
        }
        let joined = pieces.into_iter().flatten().collect::<Vec<_>>().concat();
        Ok(Some(joined).filter(|joined| !joined.is_empty()))
    }
}

/// Returns the number of the piece that `name` names, as in `name.0`.
fn piece_of(name: &[u8], cookie: &str) -> Option<usize> {
    let number = name.strip_prefix(cookie.as_bytes())?.strip_prefix(b".")?;
    match number {
        [digit @ b'0'..=b'9'] => Some(usize::from(digit.wrapping_sub(b'0'))),
        [b'1'..=b'9', rest @ ..] if rest.len() <= 3 && rest.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(number).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// Returns the value without `Bearer` and a space before it, which may be escaped.
fn without_prefix(value: &[u8]) -> &[u8] {
    let Some((name, rest)) = value.split_at_checked(b"bearer".len()) else { return value };
    let blanks = [&b"%20"[..], b"+", b" "];
    let token = blanks.iter().find_map(|blank| rest.strip_prefix(*blank));
    token.filter(|_| name.eq_ignore_ascii_case(b"bearer")).unwrap_or(value)
}

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
    for pair in pairs(request) {
        let Some((_, value)) = split(pair).filter(|(found, _)| *found == name.as_bytes()) else { continue };
        if found.is_some() {
            return Err(RequestError::Repeated { location: LOCATION });
        }
        found = Some(value);
    }
    Ok(found.filter(|value| !value.is_empty()))
}

fn pairs<R: RequestView>(request: &R) -> impl Iterator<Item = &[u8]> {
    request.header_values("cookie").flat_map(|field| field.split(|byte| *byte == b';'))
}

/// Splits a pair into name and value.
fn split(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (left, right) = (pair.get(..equals)?, pair.get(equals.saturating_add(1)..)?);
    let value = trim(right);
    // A cookie value may be quoted (RFC 6265 §4.1.1).
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some((trim(left), unquoted.unwrap_or(value)))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().take_while(blank).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let end = bytes.iter().rev().take_while(blank).count();
    bytes.get(..bytes.len().saturating_sub(end)).unwrap_or_default()
}
