//! What the tests of this package share.

pub mod app;
pub mod client;
pub mod services;

/// The README, compiled: what people copy first has to work.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
