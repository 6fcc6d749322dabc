//! Keys that verify tokens ([`VerifyingKey`], [`KeySet`]) and where they come from ([`KeySource`]).

mod der;
mod jwk;
mod request;
mod secret;
mod set;
mod source;
mod verifying;

pub use jwk::JwkTolerance;
pub use request::{KeyRequest, KeySetId};
pub use set::{KeySet, SkippedKey};
pub(crate) use source::Snapshot;
pub use source::{KeyRefresh, KeySource, VerifierKeys};
pub use verifying::VerifyingKey;
