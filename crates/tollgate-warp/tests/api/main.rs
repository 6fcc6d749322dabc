//! Tests the crate through its public API.

#[cfg(test)]
mod support;

#[cfg(test)]
mod composition;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod protection;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sources;
