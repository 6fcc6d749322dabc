//! Tollgate checks the token at the gate: JWT bearer authentication for Rust services, without IO, a runtime or a
//! web framework.
//!
//! This crate is the core. Most applications use it through an adapter:
//!
//! | framework | crate |
//! |---|---|
//! | axum | `tollgate-axum` |
//! | Actix Web | `tollgate-actix` |
//! | warp | `tollgate-warp` |
//! | any Tower stack on `http` 1 (hyper, tonic) | `tollgate-tower` |
//!
//! # The nouns
//!
//! - [`VerifyingKey`], [`KeySet`], [`KeySource`]: keys, prepared once and bound to their algorithm.
//! - [`Verifier`]: whose tokens are accepted, for whom, with which keys.
//! - [`Gate`]: the whole: where tokens are looked for, verifiers, policy, what is answered otherwise.
//! - [`Verified`]: proof that a token was checked. [`FromClaims`] makes your types from it.
//! - [`Rejection`]: the answer to a request that was not admitted, the same in every framework.
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
//! fn who(token: &str, secret: &[u8], now: UnixTime) -> Result<String, Box<dyn std::error::Error>> {
//!     let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//!     let verifier = Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
//!     let user = verifier.verify(token, now)?.claims::<User>()?;
//!     Ok(user.sub.clone())
//! }
//! # let random = [143, 28, 94, 211, 2, 183, 153, 74, 110, 240, 19, 200, 125, 33, 170, 84,
//! #               59, 230, 144, 15, 215, 104, 44, 177, 69, 250, 134, 29, 195, 95, 114, 9];
//! # let error = who("a.b.c", &random, UnixTime::from_secs(0)).unwrap_err();
//! # assert_eq!(error.to_string(), "token refused");
//! ```
//!
//! # What it does not do
//!
//! No encrypted tokens (JWE), no JSON serialisations, no `none`, no keys taken from tokens. Sender-constrained tokens
//! (`cnf`) are refused rather than accepted as plain bearer tokens.
//!
//! # Log
//!
//! See [`manual::log`].
//!
//! # Features
//!
//! - `aws-lc-rs` (default): cryptography by aws-lc-rs. Needs a C compiler.
//! - `rust-crypto`: cryptography in pure Rust. With both on, aws-lc-rs is used; with neither, the build stops.
//!
//! Process-wide state is never read or set, so other crates in your build cannot change what happens here.

mod admission;
mod algorithm;
mod audience;
mod backend;
mod base64url;
mod cache;
mod cache_control;
mod challenge;
mod claims;
mod cross_site;
mod csrf_verifier;
mod error;
mod gate;
mod grammar;
mod header;
mod issuer;
mod json;
mod key;
mod known_headers;
mod metadata;
mod per_thread_arc;
mod policy;
mod problem;
mod references;
mod rejection;
mod rejection_body;
mod request;
mod revocation;
mod scope;
mod source;
mod threads;
mod time;
mod token;
mod verified;
mod verify;

pub mod adapter;
pub mod manual;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod testing;

// Building a gate.
pub use admission::Admission;
pub use algorithm::Algorithm;
pub use audience::Audience;
pub use cache::CacheLimits;
pub use claims::{ClaimPath, ClaimPaths};
pub use cross_site::CrossSite;
pub use csrf_verifier::CsrfVerifier;
pub use gate::Gate;
pub use issuer::Issuer;
pub use key::{
    KeyId, KeyRefresh, KeyRequest, KeySet, KeySetId, KeySnapshot, KeySource, SkippedKey, VerifyingKey,
};
pub use metadata::ResourceMetadata;
pub use policy::Policy;
pub use revocation::{RevocationList, Revocations};
pub use source::TokenSource;
pub use verify::Verifier;

// What a gate admits.
pub use claims::{Audiences, FromClaims, RegisteredClaims};
pub use header::Header;
pub use scope::ScopeSet;
pub use verified::Verified;

// What it refuses, and how.
pub use challenge::{Challenge, ErrorCode};
pub use error::{
    AuthError, ClaimError, ClaimsError, ConfigError, CrossSiteError, Excerpt, HeaderError, JsonError,
    KeyError, KeysUnavailable, RequestError, RevocationsUnavailable, TokenError, TokenPart, WeakSecret,
};
pub use rejection::Rejection;
pub use rejection_body::RejectionBody;

// For adapters, and for tests.
pub use cache_control::forbids_shared_caching;
pub use per_thread_arc::PerThreadArc;
pub use request::RequestView;
pub use source::find_cookie;
pub use time::{Clock, SystemClock, UnixTime};
pub use token::{CompactToken, DEFAULT_MAX_TOKEN_BYTES};
