//! [`Password`]: what somebody has typed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What somebody has typed as a password, byte by byte: nothing is trimmed or normalised. Clones share the text, which
/// is wiped with the last of them. `Debug` does not show it.
///
/// Two ways to type the same accented letter are two passwords. Clients that care normalise before they send.
#[derive(Clone)]
pub struct Password(Arc<Zeroizing<String>>);

impl Password {
    /// The longest password that is taken, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes the text, and wipes it if it is no password.
    ///
    /// # Errors
    /// [`ParsePasswordError`] when it is empty, or longer than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn new(text: impl Into<String>) -> Result<Self, ParsePasswordError> {
        let text = Zeroizing::new(text.into());
        match text.len() {
            0 => Err(ParsePasswordError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(Arc::new(text))),
            _ => Err(ParsePasswordError::TooLong),
        }
    }

    /// The text, for what checks passwords in some other way.
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

/// Why a text is no password. It holds neither the text nor its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePasswordError {
    /// It is empty.
    #[error("password is empty")]
    Empty,
    /// It is longer than any password.
    #[error("password is longer than {} bytes", Password::MAX_BYTES)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_in_bytes() {
        assert_eq!(Password::new("").unwrap_err(), ParsePasswordError::Empty);
        for good in ["a".repeat(1024), "\u{e9}".repeat(512), " ".to_owned(), "\0".to_owned()] {
            assert_eq!(Password::new(good.clone()).unwrap().expose(), good, "nothing is trimmed");
        }
        for long in ["a".repeat(1025), "\u{e9}".repeat(513)] {
            assert_eq!(Password::new(long).unwrap_err(), ParsePasswordError::TooLong);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("correct horse").unwrap()), "Password([redacted])");
    }
}
