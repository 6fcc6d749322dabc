//! [`Password`]: the password that a user has typed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The password that a user has typed, byte by byte: it is neither trimmed nor normalized.
///
/// Clones share the text, which is wiped when the last clone is dropped. `Debug` does not show it.
///
/// Two Unicode forms of the same accented letter are two passwords. A client that accepts both has to normalize
/// the text before it sends it.
#[derive(Clone)]
pub struct Password(Arc<Zeroizing<String>>);

impl Password {
    /// The longest password, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Makes a password from the text. Wipes the text if it is not a valid password.
    ///
    /// # Errors
    /// [`ParsePasswordError`] when the text is empty, or longer than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn new(text: impl Into<String>) -> Result<Self, ParsePasswordError> {
        let text = Zeroizing::new(text.into());
        match text.len() {
            0 => Err(ParsePasswordError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(Arc::new(text))),
            _ => Err(ParsePasswordError::TooLong),
        }
    }

    /// Returns the text, for code that verifies passwords in another way.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// Why a text is not a valid password. The error contains neither the text nor its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePasswordError {
    /// The text is empty.
    #[error("password is empty")]
    Empty,
    /// The text is longer than [`Password::MAX_BYTES`].
    #[error("password is longer than {} bytes", Password::MAX_BYTES)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_length_is_bounded_in_bytes() {
        assert_eq!(Password::new("").unwrap_err(), ParsePasswordError::Empty);
        for good in ["a".repeat(1024), "\u{e9}".repeat(512), " ".to_owned(), "\0".to_owned()] {
            assert_eq!(Password::new(good.clone()).unwrap().expose(), good, "not trimmed");
        }
        for long in ["a".repeat(1025), "\u{e9}".repeat(513)] {
            assert_eq!(Password::new(long).unwrap_err(), ParsePasswordError::TooLong);
        }
    }

    #[test]
    fn debug_does_not_show_the_password() {
        assert_eq!(format!("{:?}", Password::new("correct horse").unwrap()), "Password([redacted])");
    }
}
