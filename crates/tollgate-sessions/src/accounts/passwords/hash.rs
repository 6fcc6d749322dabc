//! [`PasswordHash`]: the hash of a password, as a PHC string.

use std::fmt;

use zeroize::Zeroizing;

/// The hash of a password: a PHC string, such as `$argon2id$v=19$m=19456,t=2,p=1$…$…`. `Debug` does not show it.
///
/// The type holds the text as it is stored, and does not parse it.
/// [`Passwords::verify`](super::Passwords::verify) does. A store that rejects malformed hashes would answer
/// faster for such users, and reveal them.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// Makes the hash from the text that a store holds. Any text is accepted.
    pub fn from_phc(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the PHC string, for a store.
    ///
    /// # Security
    /// An attacker who has it can try passwords offline.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}
