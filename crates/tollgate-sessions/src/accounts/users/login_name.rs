//! [`LoginName`]: what somebody types beside a password.

use std::fmt;
use std::str::FromStr;

/// What somebody logs in with: an address of electronic mail, or any other name.
///
/// White space around it is left out, and what follows the last `@` is in lower case, as the domain of an address means
/// the same in both. What comes before it is kept as it is (RFC 5321 §2.4).
///
/// It identifies a person: it does not belong into a log that is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(Box<str>);

impl LoginName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginName {
    type Err = ParseLoginNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Lower case can be longer, but not by that much.
        if text.len() > MAX_BYTES {
            return Err(ParseLoginNameError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(ParseLoginNameError::ControlCharacter);
        }
        let name = match text.rsplit_once('@') {
            // Character by character: the lower case of a domain must not depend on what is around it.
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

/// Why a text is no login name. It does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseLoginNameError {
    /// Nothing is left without the white space.
    #[error("login name is empty")]
    Empty,
    /// It is longer than an address of electronic mail can be.
    #[error("login name is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It has a control character in it.
    #[error("login name holds a control character")]
    ControlCharacter,
}

/// The longest address that fits into a path of SMTP (RFC 5321 §4.5.3.1.3).
const MAX_BYTES: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, ParseLoginNameError> {
        text.parse::<LoginName>().map(|name| name.as_str().to_owned())
    }

    #[test]
    fn one_spelling_each() {
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
            assert_eq!(parsed(name).as_deref(), Ok(name), "it stays what it is");
        }
    }

    #[test]
    fn what_is_no_name() {
        for empty in ["", " ", "\t\r\n", "\u{3000}"] {
            assert_eq!(parsed(empty), Err(ParseLoginNameError::Empty));
        }
        for control in ["a\0b", "a\nb", "a\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(parsed(control), Err(ParseLoginNameError::ControlCharacter));
        }
        assert!(parsed(&"a".repeat(254)).is_ok());
        assert_eq!(parsed(&"a".repeat(255)), Err(ParseLoginNameError::TooLong));
        // 126 characters of two bytes each, which are of three in lower case.
        let grows = format!("a@{}", "\u{130}".repeat(126));
        assert_eq!((grows.len(), parsed(&grows)), (254, Err(ParseLoginNameError::TooLong)));
    }
}
