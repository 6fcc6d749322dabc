//! The issuing side of tollgate: signing keys, the access tokens made with them, and the sessions that renew them.
//!
//! ```
//! use tollgate::{Algorithm, Gate, SystemClock, Clock, Verifier};
//! use tollgate_sessions::{SigningKey, TokenIssuer};
//! use tollgate_sessions::issuing::AccessToken;
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
//! Who somebody is, by a name and a password, is told by [`Accounts`].
//!
//! [`SessionEndpoints`] answer logins, renewals and logouts over HTTP; adapters mount them with their feature `sessions`. Every default and
//! its reason is in [`manual::defaults`].

pub mod accounts;
pub mod endpoints;
mod files;
pub mod issuing;
pub mod manual;
pub mod session;
pub mod sessions;
pub mod store;
mod support;

// The paved path: what a first application names.
pub use accounts::Accounts;
pub use accounts::passwords::{PasswordSettings, Passwords};
pub use accounts::throttle::LoginThrottle;
#[cfg(feature = "sqlite")]
pub use accounts::users::SqliteUsers;
pub use endpoints::{CookieSettings, RegistrationMode, SessionEndpoints};
pub use issuing::{KeyRing, SigningKey, TokenIssuer};
pub use sessions::revoked::RevokedSessions;
pub use sessions::tokens::{RefreshKey, RefreshKeys};
pub use sessions::{Login, Sessions};
pub use store::open_store;
