//! The errors of [`Passwords`](super::Passwords).

use std::io;
use std::time::Duration;

use crate::support::RETRY_AFTER;

/// Why the threads that hash passwords could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordsError {
    /// The operating system could not spawn a thread.
    #[error("cannot spawn a thread to hash passwords")]
    Thread(#[from] io::Error),
    /// The operating system has not enough memory.
    #[error("cannot allocate {kib} KiB for each thread that hashes passwords")]
    Memory {
        /// The memory of one thread, in KiB.
        kib: u32,
    },
    /// The operating system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// The queue of passwords to hash is full, or this password has waited too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing is overloaded")]
#[non_exhaustive]
pub struct HashPoolBusy {
    /// The time after which a retry makes sense.
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
    /// The queue of passwords to hash is full, or this password has waited too long.
    #[error(transparent)]
    HashPoolBusy(#[from] HashPoolBusy),
    /// The operating system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a stored hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HashUnusable {
    /// The hash is not a PHC string of Argon2.
    #[error("not a PHC string of Argon2")]
    Malformed,
    /// Verifying a password would use too much memory or time.
    #[error("cost of the hash is above the limits")]
    TooExpensive,
    /// The hash was made with a pepper that is not among the [`Peppers`](super::Peppers).
    #[error("pepper of the hash is unknown")]
    UnknownPepper,
}
