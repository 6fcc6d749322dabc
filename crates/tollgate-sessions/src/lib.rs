//! Tollgate-sessions is the issuing side of [Tollgate](tollgate). With it, an application logs users in and
//! issues the access tokens that a [`Gate`](tollgate::Gate) verifies.
//!
//! It has these parts, which can be used alone or together:
//!
//! - **Access tokens.** [`TokenIssuer`] signs access tokens (RFC 9068). Its keys are a single [`SigningKey`],
//!   or a [`KeyRing`] that rotates keys.
//! - **Sessions.** [`Sessions`] creates, refreshes and revokes sessions with rotating refresh tokens, and
//!   detects reuse of a refresh token. [`RevokedSessions`] makes gates reject the access tokens of revoked
//!   sessions.
//! - **Accounts.** [`Accounts`] registers users and checks their passwords, with Argon2id and a
//!   [`LoginThrottle`].
//! - **Endpoints.** [`SessionEndpoints`] serves login, refresh, logout and more over HTTP. The adapters for
//!   axum, Actix Web, warp and Tower mount them as routes with their feature `sessions`.
//! - **Stores.** [`open_store`] opens a session store by its URL: memory, SQLite, PostgreSQL or Redis.
//!
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`issuing`] | access tokens, signing keys and their rotation |
//! | [`session`] | a session: its ID, its record in a store, its lifetimes, and clocks |
//! | [`sessions`] | the operations on sessions |
//! | [`sessions::tokens`] | refresh tokens, and the keys that authenticate them |
//! | [`sessions::revoked`] | the check of revoked sessions at a gate |
//! | [`accounts`] | registration and login |
//! | [`accounts::users`] | users and their stores |
//! | [`accounts::passwords`] | password hashing |
//! | [`accounts::throttle`] | throttling of login attempts |
//! | [`endpoints`] | the HTTP endpoints and their cookies |
//! | [`store`] | the session stores, and the trait for a store of your own |
//! | [`manual`] | [every default and its reason](manual::defaults) |
//!
//! The root of the crate re-exports the types that most applications need.
//!
//! # Examples
//!
//! An access token, from the signing key to the verification by a resource server:
//!
//! ```
//! use tollgate::{Algorithm, Audience, Clock, Issuer, SystemClock, Verifier};
//! use tollgate_sessions::issuing::{AccessToken, ClientId};
//! use tollgate_sessions::{SigningKey, TokenIssuer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
//! let verifier =
//!     Verifier::new(key.verifying_key()?, issuer.clone(), audience.clone()).with_rfc9068_profile();
//!
//! let issuer = TokenIssuer::new(key, issuer, audience);
//! let now = SystemClock::new().now();
//! let token = AccessToken::new("alice", ClientId::new("web")).with_scopes(["read:items"]);
//! let token = issuer.issue(&token, now)?;
//!
//! assert_eq!(verifier.verify(token.as_str(), now)?.subject(), Some("alice"));
//! # Ok(()) }
//! ```
//!
//! [`Sessions`] has an example of a login, a refresh and a logout. The README of Tollgate has a complete
//! application with accounts, sessions and endpoints.
//!
//! # Features
//!
//! - `sqlite` (default): sessions and users in an SQLite file, for any number of processes on one machine.
//!   Needs a C compiler.
//! - `postgres`: sessions in PostgreSQL, for any number of machines.
//! - `redis`: sessions in Redis or Valkey, for any number of machines.

pub mod accounts;
pub mod endpoints;
mod files;
pub mod issuing;
pub mod manual;
pub mod session;
pub mod sessions;
pub mod store;
mod support;

// The types that most applications need.
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
