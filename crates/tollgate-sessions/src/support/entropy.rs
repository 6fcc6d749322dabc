//! [`EntropyError`], and random bytes from the operating system.

use aws_lc_rs::rand;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
#[non_exhaustive]
pub struct EntropyError;

/// Fills `bytes` from the operating system's random number generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), EntropyError> {
    rand::fill(bytes).map_err(|_cause| EntropyError)
}
