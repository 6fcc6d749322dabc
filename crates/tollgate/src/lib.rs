//! Tollgate is JWT bearer authentication for Rust services. This crate is the core, without IO, a runtime or a
//! web framework.
//!
//! Most applications use it through an adapter:
//!
//! | framework | crate |
//! |---|---|
//! | axum | `tollgate-axum` |
//! | Actix Web | `tollgate-actix` |
//! | warp | `tollgate-warp` |
//! | any Tower stack on `http` 1 (hyper, tonic) | `tollgate-tower` |
//!
//! # Main types
//!
//! - [`VerifyingKey`], [`KeySet`], [`KeySource`]: keys, prepared once and bound to their algorithm.
//! - [`Verifier`]: the trusted issuer, audience and keys.
//! - [`Gate`]: admits or rejects requests. It combines token sources, verifiers, policy and rejections.
//! - [`Verified`]: proof that a token was verified. [`FromClaims`] makes your types from its claims.
//! - [`Rejection`]: the response to a request that was not admitted, the same in every framework.
//!
//! # Without a framework
//!
//! ```
//! use tollgate::{Algorithm, Audience, Issuer, UnixTime, Verifier, VerifyingKey};
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! fn subject(token: &str, secret: &[u8], now: UnixTime) -> Result<String, Box<dyn std::error::Error>> {
//!     let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//!     let verifier = Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
//!     let user = verifier.verify(token, now)?.claims::<User>()?;
//!     Ok(user.sub.clone())
//! }
//! # let random = [143, 28, 94, 211, 2, 183, 153, 74, 110, 240, 19, 200, 125, 33, 170, 84,
//! #               59, 230, 144, 15, 215, 104, 44, 177, 69, 250, 134, 29, 195, 95, 114, 9];
//! # let error = subject("a.b.c", &random, UnixTime::from_secs(0)).unwrap_err();
//! # assert_eq!(error.to_string(), "token rejected");
//! ```
//!
//! # Limitations
//!
//! Encrypted tokens (JWE), JSON serializations, `none` and keys embedded in tokens are not supported.
//! Sender-constrained tokens (`cnf`) are rejected, not accepted as plain bearer tokens.
//!
//! # Logging
//!
//! See [`manual::log`].
//!
//! # Features
//!
//! - `aws-lc-rs` (default): cryptography by aws-lc-rs. It needs a C compiler.
//! - `rust-crypto`: cryptography in pure Rust. If both features are enabled, aws-lc-rs is used. If neither is
//!   enabled, the build fails.
//!
//! This crate neither reads nor sets process-wide state, so other crates in your build cannot change its
//! behavior.

mod admission;
mod algorithm;
mod audience;
mod backend;
mod base64url;
mod cache;
mod cache_control;
mod challenge;
mod claims;
mod client_address;
mod cross_site;
mod csrf_verifier;
mod error;
mod gate;
mod grammar;
mod header;
mod issuer;
mod json;
mod key;
mod key_id;
mod known_headers;
mod metadata;
mod per_thread_arc;
mod policy;
mod problem;
mod references;
mod rejection;
mod rejection_body;
mod request;
mod response_marks;
mod revocation;
mod scope;
mod source;
mod step_up;
mod threads;
mod time;
mod token;
mod verified;
mod verifier_source;
mod verify;

pub mod adapter;
pub mod manual;
pub mod providers;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod testing;

// To build a gate.
pub use admission::Admission;
pub use algorithm::Algorithm;
pub use audience::Audience;
pub use cache::CacheLimits;
pub use claims::{ClaimPath, ClaimPaths, GrantClaim};
pub use client_address::{ForwardedHeader, TrustedProxies};
pub use cross_site::CrossSite;
pub use csrf_verifier::CsrfVerifier;
pub use gate::{Gate, GateHandle};
pub use issuer::Issuer;
pub use key::{
    JwkTolerance, KeyRefresh, KeyRequest, KeySet, KeySetId, KeySource, SkippedKey, VerifierKeys, VerifyingKey,
};
pub use key_id::{KeyId, KeyIdTooLong};
pub use metadata::ResourceMetadata;
pub use policy::Policy;
pub use revocation::{RevocationList, Revocations};
pub use source::TokenSource;
pub use verifier_source::VerifierSource;
pub use verify::{AudienceRule, IssuerRule, TokenBinding, Verifier};

// Admitted requests.
pub use claims::{Actor, Audiences, RegisteredClaims};
pub use header::Header;
pub use scope::ScopeSet;
pub use verified::{FromClaims, Verified};

// Rejected requests.
pub use challenge::{Challenge, ErrorCode};
pub use error::{
    AuthError, ClaimError, ClaimsError, ConfigError, CrossSiteError, Excerpt, HeaderError, JsonError,
    KeyError, KeysUnavailable, PolicyRefusal, RequestError, RevocationsUnavailable, TokenError, TokenPart,
    WeakSecret,
};
pub use rejection::Rejection;
pub use rejection_body::RejectionBody;
pub use step_up::StepUp;

// Time, and limits.
pub use time::{Clock, SystemClock, UnixTime};
pub use token::DEFAULT_MAX_TOKEN_BYTES;
