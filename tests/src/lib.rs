//! Helpers that the integration tests share.

pub mod app;
pub mod certificates;
pub mod client;
pub mod issuer;
pub mod log;
pub mod pem;
#[cfg(unix)]
pub mod postgres;
pub mod presets;
pub mod proxy;
pub mod redis;
pub mod requests;
pub mod script;
pub mod services;

/// Compiles the code in the README, which is what users copy first.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
