//! Tests the crate through its public API.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod extraction;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod rejections;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod wrapping;
