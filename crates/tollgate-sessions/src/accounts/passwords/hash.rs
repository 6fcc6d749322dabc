//! [`PasswordHash`]: what is kept of a password.

use std::fmt;

use zeroize::Zeroizing;

/// What is kept of a password: a PHC string, such as `$argon2id$v=19$m=19456,t=2,p=1$…$…`. `Debug` does not show it.
///
/// It is what a store holds, and not read before a password is checked against it. A store that refused what it cannot
/// read would make such accounts stand out.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// What a store holds.
    pub fn from_phc(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The PHC string, for a store.
    ///
    /// # Security
    /// Whoever has it can try passwords at leisure.
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
