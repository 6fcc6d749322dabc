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

/// Why a password was neither hashed nor checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many wait already, or it waited too long.
    #[error("too many passwords are being checked")]
    Busy {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl HashError {
    pub(super) const BUSY: Self = Self::Busy { retry_after: RETRY_AFTER };

    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Crypto => None,
        }
    }
}

/// Why a stored hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableHash {
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
