//! Keys that verify tokens ([`VerifyingKey`], [`KeySet`]) and where they come from ([`KeySource`]).

mod der;
mod jwk;
mod secret;
mod set;
mod source;
mod verifying;

pub use jwk::JwkTolerance;
pub use set::{KeySet, KeySetId, SkippedKey};
pub(crate) use source::Snapshot;
pub use source::{KeyRefresh, KeyRequest, KeySource, VerifierKeys};
pub use verifying::VerifyingKey;
