//! Tools for tests of applications that use tollgate: fixed keys, a manual clock, a [`Forge`] of valid and invalid
//! tokens, and a [test suite](store_suite) for session stores.
//!
//! ```
//! use tollgate::{Algorithm, Gate, Verifier};
//! use tollgate_testing::{Forge, ManualClock, keys};
//!
//! let clock = ManualClock::at(1_700_000_000);
//! let forge = Forge::new("https://issuer.example", "api://demo").with_clock(&clock);
//! let verifier = Verifier::new(keys::verifying(Algorithm::Hs256), forge.issuer(), forge.audience());
//!
//! let good = forge.token().subject("alice").sign();
//! assert!(verifier.verify(&good, forge.now()).is_ok());
//!
//! let wrong = forge.token().without("exp").sign();
//! assert!(verifier.verify(&wrong, forge.now()).is_err());
//! # let _ = Gate::new(verifier).with_clock(clock);
//! ```
//!
//! Over HTTP, a test sends the token as any client does: `Authorization: Bearer …`. [`keys::jwk_set`] returns the
//! public keys as an issuer publishes them:
//!
//! ```
//! use tollgate::{Algorithm, KeySet};
//! use tollgate_testing::keys;
//!
//! let keys = KeySet::from_jwk_set(keys::jwk_set(&[Algorithm::Es256, Algorithm::EdDsa]))?;
//! # Ok::<(), tollgate::KeyError>(())
//! ```
//!
//! The private keys are published with this crate. Never use them for anything but tests.

mod clock;
mod forge;
pub mod keys;
mod request;
pub mod store_suite;

pub use clock::ManualClock;
pub use forge::{Forge, TokenBuilder};
pub use request::BearerRequest;
