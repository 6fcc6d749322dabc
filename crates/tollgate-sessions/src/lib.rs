//! The issuing side of tollgate: signing keys and the access tokens made with them.
//!
//! ```
//! use tollgate::{Algorithm, Gate, SystemClock, Clock, Verifier};
//! use tollgate_sessions::{AccessToken, SigningKey, TokenIssuer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let verifier = Verifier::new(key.verifying_key()?, "https://issuer.example", "api://demo").with_rfc9068_profile();
//!
//! let issuer = TokenIssuer::new(key, "https://issuer.example", "api://demo");
//! let now = SystemClock::new().now();
//! let token = issuer.issue(&AccessToken::new("alice", "web").with_scopes(["read:items"]), now)?;
//!
//! assert_eq!(verifier.verify(token.as_str(), now)?.subject(), Some("alice"));
//! # Ok(()) }
//! ```
//!
//! Refresh tokens, sessions, revocation and passwords are planned for this crate and are not part of it yet.

mod error;
mod issuer;
mod signing;

pub use error::{IssueError, SigningKeyError};
pub use issuer::{AccessToken, SignedToken, TokenIssuer};
pub use signing::SigningKey;
