//! What the tests of this package share.

pub mod app;
pub mod certificates;
pub mod client;
pub mod issuer;
pub mod log;
#[cfg(unix)]
pub mod postgres;
pub mod redis;
pub mod requests;
pub mod script;
pub mod services;

/// The README, compiled: what people copy first has to work.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
