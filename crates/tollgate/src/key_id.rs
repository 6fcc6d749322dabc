//! [`KeyId`]: the name of a key within a set (RFC 7517 §4.5).

use std::fmt;

/// The ID of a key, the member `kid` (RFC 7517 §4.5). It is compared byte for byte, and never used as a path or
/// a query.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// The largest length of a key ID, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Creates a key ID.
    ///
    /// # Errors
    /// [`KeyIdTooLong`] above [`KeyId::MAX_BYTES`].
    pub fn new(id: impl Into<Box<str>>) -> Result<Self, KeyIdTooLong> {
        let id = id.into();
        if id.len() > Self::MAX_BYTES { Err(KeyIdTooLong) } else { Ok(Self(id)) }
    }

    /// Returns the key ID as a string.
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

/// Escapes the key ID, because it comes from outside and a log line must stay one line.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

/// A key ID is longer than [`KeyId::MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key ID is longer than {} bytes", KeyId::MAX_BYTES)]
#[non_exhaustive]
pub struct KeyIdTooLong;
