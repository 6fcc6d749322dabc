//! [`LoginName`]: the name that a user logs in with.

use std::fmt;
use std::str::FromStr;

/// The name that a user logs in with: an email address, or any other name.
///
/// Parsing removes surrounding white space, and converts the text after the last `@` to lower case, because the
/// domain of an address is case-insensitive. The text before it stays as it is (RFC 5321 §2.4).
///
/// # Security
/// A login name identifies a person. Do not write it to a log that is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(Box<str>);

impl LoginName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginName {
    type Err = ParseLoginNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // The text in lower case may be longer, so the length is checked again below.
        if text.len() > MAX_BYTES {
            return Err(ParseLoginNameError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(ParseLoginNameError::ControlCharacter);
        }
        let name = match text.rsplit_once('@') {
            // Character by character: `str::to_lowercase` treats a final sigma differently.
            Some((local, domain)) => {
                format!("{local}@{}", domain.chars().flat_map(char::to_lowercase).collect::<String>())
            }
            None => text.to_owned(),
        };
        match name.len() {
            0 => Err(ParseLoginNameError::Empty),
            1..=MAX_BYTES => Ok(Self(name.into())),
            _ => Err(ParseLoginNameError::TooLong),
        }
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a login name. The error does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseLoginNameError {
    /// The text is empty, or white space only.
    #[error("login name is empty")]
    Empty,
    /// The name is longer than an email address can be.
    #[error("login name is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// The name contains a control character.
    #[error("login name contains a control character")]
    ControlCharacter,
}

/// The longest address that fits into an SMTP path (RFC 5321 §4.5.3.1.3).
const MAX_BYTES: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, ParseLoginNameError> {
        text.parse::<LoginName>().map(|name| name.as_str().to_owned())
    }

    #[test]
    fn login_name_is_trimmed_and_its_domain_is_in_lower_case() {
        for (text, name) in [
            ("  Alice@EXAMPLE.com\n", "Alice@example.com"),
            ("alice", "alice"),
            ("Alice", "Alice"),
            ("\"a@B\"@C.example", "\"a@B\"@c.example"),
            ("a@\u{130}X.example", "a@i\u{307}x.example"),
            ("a@\u{391}\u{3a3}", "a@\u{3b1}\u{3c3}"),
            ("@", "@"),
            ("ж@Ж.example", "ж@ж.example"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(name));
            assert_eq!(parsed(name).as_deref(), Ok(name), "parsing is idempotent");
        }
    }

    #[test]
    fn login_name_rejects_empty_long_and_control_text() {
        for empty in ["", " ", "\t\r\n", "\u{3000}"] {
            assert_eq!(parsed(empty), Err(ParseLoginNameError::Empty));
        }
        for control in ["a\0b", "a\nb", "a\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(parsed(control), Err(ParseLoginNameError::ControlCharacter));
        }
        assert!(parsed(&"a".repeat(254)).is_ok());
        assert_eq!(parsed(&"a".repeat(255)), Err(ParseLoginNameError::TooLong));
        // 126 characters of two bytes each, and of three bytes in lower case.
        let grows = format!("a@{}", "\u{130}".repeat(126));
        assert_eq!((grows.len(), parsed(&grows)), (254, Err(ParseLoginNameError::TooLong)));
    }
}
