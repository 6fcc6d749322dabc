//! What the tests of this package share.

pub mod app;
pub mod client;
pub mod services;
