//! [`KeyId`]: the name of a key within a set (RFC 7517 §4.5).

use std::fmt;

use crate::error::KeyError;

/// A key id, compared byte for byte. Never used as a path, a query or anything but a name to compare.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// The longest key id that is looked at.
    pub const MAX_BYTES: usize = 256;

    /// A key id.
    ///
    /// # Errors
    /// [`KeyError::KeyIdTooLong`] past [`KeyId::MAX_BYTES`].
    pub fn new(id: impl Into<Box<str>>) -> Result<Self, KeyError> {
        let id = id.into();
        if id.len() > Self::MAX_BYTES { Err(KeyError::KeyIdTooLong) } else { Ok(Self(id)) }
    }

    /// The key id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Escaped: a key id comes from the outside, and a log line stays one line.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}
