//! Keys that verify tokens ([`VerifyingKey`], [`KeySet`]) and where they come from ([`KeySource`]).

mod der;
mod id;
mod jwk;
mod material;
mod secret;
mod set;
mod source;
mod verifying;

pub use id::KeyId;
pub use set::{KeySet, KeySetId, SkippedKey};
pub use source::{KeyRefresh, KeyRequest, KeySnapshot, KeySource};
pub use verifying::VerifyingKey;

pub(crate) use material::PublicMaterial;
