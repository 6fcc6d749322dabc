//! What can go wrong with hashing passwords.

use std::io;
use std::time::Duration;

/// Why there is nothing to hash passwords with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordsError {
    /// The system has no thread to give.
    #[error("no thread to hash passwords with")]
    Thread(#[from] io::Error),
    /// The system does not have the memory.
    #[error("no memory to hash passwords with: {kib} KiB for each thread")]
    Memory {
        /// What a thread needs.
        kib: u32,
    },
    /// The system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Too many passwords wait to be hashed already, or this one has waited too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
#[non_exhaustive]
pub struct HashPoolBusy {
    /// When asking again makes sense.
    pub retry_after: Duration,
}

impl HashPoolBusy {
    pub(super) const fn new() -> Self {
        Self { retry_after: RETRY_AFTER }
    }
}

/// Why a password was not hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many wait.
    #[error(transparent)]
    HashPoolBusy(#[from] HashPoolBusy),
    /// The system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a stored hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HashUnusable {
    /// It is no PHC string of Argon2.
    #[error("it is no PHC string of Argon2")]
    Malformed,
    /// Computing it would take too much memory or time.
    #[error("computing it would cost too much")]
    TooExpensive,
    /// It was made with a pepper that is not known.
    #[error("its pepper is not known")]
    UnknownPepper,
}

/// A queue of 64 is through by then.
const RETRY_AFTER: Duration = Duration::from_secs(2);
