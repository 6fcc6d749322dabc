//! The beginning of a hash.

/// The first bytes of a hash, or of the tag of a MAC. With more than it has, the rest is zero.
pub(crate) fn first_bytes<const N: usize>(hash: impl AsRef<[u8]>) -> [u8; N] {
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().zip(hash.as_ref()) {
        *place = *byte;
    }
    bytes
}
