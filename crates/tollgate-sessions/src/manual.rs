//! The manual: documents that belong to this crate.

#[doc = include_str!("../docs/defaults.md")]
pub mod defaults {}
