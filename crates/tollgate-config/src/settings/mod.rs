//! The serde types of a document. They hold its structure; the core checks the values when the gate is built.

pub(crate) mod claims;
pub(crate) mod gate;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod network;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod rules;
#[cfg(feature = "sessions")]
pub(crate) mod sessions;
pub(crate) mod union;
pub(crate) mod units;
