//! The issuing side of tollgate: signing keys, the access tokens made with them, and the sessions that renew them.
//!
//! ```
//! use tollgate::{Algorithm, Audience, Clock, Issuer, SystemClock, Verifier};
//! use tollgate_sessions::{AccessToken, SigningKey, TokenIssuer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
//! let verifier =
//!     Verifier::new(key.verifying_key()?, issuer.clone(), audience.clone()).with_rfc9068_profile();
//!
//! let issuer = TokenIssuer::new(key, issuer, audience);
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

mod accounts;
mod claim;
mod counter;
mod digest;
mod endpoints;
mod environment;
mod error;
mod issuer;
mod key_files;
mod passwords;
mod private_file;
mod refresh;
mod revoked;
mod secret_names;
mod session;
mod sessions;
mod signing;
mod store;
mod throttle;
mod users;

pub mod manual;

pub use environment::SecretSourceError;
pub use error::{IssueError, KeyRingError, LoadKeyError, SigningKeyError};
pub use issuer::{AccessToken, SignedToken, TokenIssuer};
pub use private_file::PrivateFileError;
pub use signing::{KeyRing, RotationSchedule, SigningKey};

// Sessions.
pub use refresh::{
    Expiry, ParseRefreshTokenError, RefreshKey, RefreshKeyError, RefreshKeys, RefreshToken, RenewalKind,
    RotationPolicy, SessionCsrfTokens, TokenFlags,
};
pub use revoked::{FeedStatus, RevokedSessions, WhenStale};
pub use session::{Fingerprint, ParseSessionIdError, SessionId, SessionView, StoreClock, UnixMillis};
pub use sessions::{
    ForeignReplays, Issued, Lifetimes, Login, RefreshError, SessionCounts, SessionError, SessionSettings,
    Sessions, Transport,
};
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "redis")]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::open_store;

// Over HTTP.
pub use endpoints::{
    BodyError, Call, CallCounts, ClientAddress, CookieSettings, Registration, Reply, SameSite,
    SessionEndpoints,
};

// Users and their passwords.
pub use accounts::{
    AccountSettings, Accounts, ChangePasswordError, Denial, LoginCounts, LoginError, NewPasswordError,
    RegisterError, Registered,
};
pub use passwords::{
    Busy, HashCost, HashCostError, HashError, ParsePasswordError, Password, PasswordHash, PasswordSettings,
    PasswordVerdict, Passwords, PasswordsError, Pepper, PepperError, Peppers, PoolCounts, UnusableHash,
};
#[cfg(feature = "sqlite")]
pub use store::SqliteUsers;
pub use throttle::{Attempt, LoginThrottle, ThrottleSettings, Throttled};
pub use users::{
    Addition, Credential, LoginName, MemoryUsers, NewUser, ParseLoginNameError, User, UserStore,
};

// For stores.
pub use refresh::{Decision, decide};
pub use session::{NewSession, SecretHash, SessionRecord, SessionState};
pub use store::{
    Durability, EndReason, FeedCursor, FeedPage, MAX_ABSOLUTE_LIFETIME, MemoryStore, Purged, Renewed,
    Revocation, RevocationEntry, RevocationFeed, Revoke, RevokeScope, Revoked, Rotate, Rotation,
    SessionStore, StoreError, StoreErrorKind, StoreFuture,
};
