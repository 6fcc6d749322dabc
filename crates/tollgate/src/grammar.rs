//! The character classes of RFC 9110 and RFC 6750.

use crate::error::ConfigError;

/// Returns whether a quoted string holds `byte` without an escape: printable ASCII (RFC 9110 §5.6.4).
pub(crate) fn is_quotable(byte: u8) -> bool {
    matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

/// Returns `name` when it is a `token` (RFC 9110 §5.6.2), which names of header fields and cookies have to be.
///
/// # Errors
/// [`ConfigError::Name`] otherwise.
pub(crate) fn token_name(what: &'static str, name: Box<str>) -> Result<Box<str>, ConfigError> {
    let symbol = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(symbol) {
        return Err(ConfigError::Name { what, name });
    }
    Ok(name)
}

/// Returns whether `byte` may be in a `b64token`, padding aside (RFC 6750 §2.1).
pub(crate) fn is_b64token_symbol(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // `-`, `.`, `/` and the digits follow each other.
    let digit_or_neighbour = byte.wrapping_sub(b'-') < 13;
    letter | digit_or_neighbour | (byte == b'+') | (byte == b'_') | (byte == b'~')
}
