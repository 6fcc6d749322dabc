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
    if is_token(&name) { Ok(name) } else { Err(ConfigError::Name { what, name }) }
}

/// Returns whether `text` is a `token` (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_symbol)
}

/// Returns whether `byte` may be in a `token` (RFC 9110 §5.6.2).
pub(crate) fn is_token_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns `text` when it can name an issuer or an audience.
///
/// # Errors
/// [`ConfigError::Identifier`] when it is empty, begins or ends with white space, or holds a control character.
pub(crate) fn identifier(what: &'static str, text: Box<str>) -> Result<Box<str>, ConfigError> {
    if text.is_empty() || text.trim().len() != text.len() || text.chars().any(char::is_control) {
        return Err(ConfigError::Identifier { what, text });
    }
    Ok(text)
}

/// Returns whether `byte` may be in a `b64token`, padding aside (RFC 6750 §2.1).
pub(crate) fn is_b64token_symbol(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // `-`, `.`, `/` and the digits are adjacent in ASCII.
    let digit_or_neighbour = byte.wrapping_sub(b'-') < 13;
    letter | digit_or_neighbour | (byte == b'+') | (byte == b'_') | (byte == b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_must_be_trimmed_and_printable() {
        for good in ["api", "https://issuer.example", "https://issuer.example/ a", "ä"] {
            assert!(identifier("issuer", good.into()).is_ok(), "{good:?}");
        }
        for bad in ["", " ", " api", "api ", "api\n", "a\0b", "a\u{7f}", "\u{a0}api"] {
            let error = identifier("issuer", bad.into()).unwrap_err();
            assert_eq!(error, ConfigError::Identifier { what: "issuer", text: bad.into() }, "{bad:?}");
        }
    }
}
