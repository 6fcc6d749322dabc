//! The manual: the reasons behind the behavior. Its examples and links are checked with the code.

#[doc = include_str!("../docs/defaults.md")]
pub mod defaults {}

#[doc = include_str!("../docs/log.md")]
pub mod log {}

#[doc = include_str!("../docs/order.md")]
pub mod order {}
