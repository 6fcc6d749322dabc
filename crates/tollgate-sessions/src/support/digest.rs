//! Truncated hashes.

/// Returns the first `N` bytes of a hash or of a MAC tag. If it is shorter than `N`, the rest is zero.
pub(crate) fn first_bytes<const N: usize>(hash: impl AsRef<[u8]>) -> [u8; N] {
    let mut bytes = [0; N];
    for (target, byte) in bytes.iter_mut().zip(hash.as_ref()) {
        *target = *byte;
    }
    bytes
}
