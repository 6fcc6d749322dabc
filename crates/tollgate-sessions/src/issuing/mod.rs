//! Signing keys, and the access tokens that they sign.

mod access_token;
mod error;
mod issuer;
mod secret_names;
mod signing;

pub use access_token::{AccessToken, ClientId};
pub use error::{IssueError, KeyRingError, LoadKeyError, SigningKeyError};
pub use issuer::{SignedToken, TokenIssuer};
pub use signing::{KeyRing, KeyRotationSchedule, KeyRotationTimes, SigningKey};

pub use crate::files::{PrivateFileError, SecretSourceError};
