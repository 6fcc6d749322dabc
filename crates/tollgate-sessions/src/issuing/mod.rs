//! Signing keys and the access tokens that are signed with them.

mod error;
mod issuer;
mod secret_names;
mod signing;

pub use error::{IssueError, KeyRingError, LoadKeyError, SigningKeyError};
pub use issuer::{AccessToken, SignedToken, TokenIssuer};
pub use signing::{KeyRing, KeyRotationSchedule, SigningKey};

pub use crate::files::{PrivateFileError, SecretSourceError};
