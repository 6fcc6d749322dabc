//! Strict base64url (RFC 4648 §5, RFC 7515 §2): no padding, no whitespace, no non-zero trailing bits.
//! A decoder that forgives any of these makes tokens malleable.

use base64::Engine as _;

/// Vector instructions where the processor has them; the same strictness everywhere.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: std::sync::LazyLock<base64::engine::simd::Simd> = std::sync::LazyLock::new(|| {
    base64::engine::simd::Simd::url_safe(base64::engine::general_purpose::NO_PAD)
});
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::general_purpose::URL_SAFE_NO_PAD as ENGINE;

/// The text is not strict base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    ENGINE.decode(text).map_err(|_cause| NotBase64Url)
}

/// Decodes into a buffer of fixed size; longer content is an error. Returns the bytes written.
pub(crate) fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], NotBase64Url> {
    let len = ENGINE.decode_slice(text, buffer).map_err(|_cause| NotBase64Url)?;
    buffer.get(..len).ok_or(NotBase64Url)
}

#[cfg(test)]
pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests {
    use super::*;

    #[test]
    fn forgives_nothing() {
        assert_eq!(decode("TWE").unwrap(), b"Ma");
        // Long enough for vector instructions, with the offence at every place.
        let long = "Zm9vYmFy".repeat(20);
        assert_eq!(decode(&long).unwrap(), b"foobar".repeat(20));
        for at in 0..long.len() {
            for bad in ["=", "+", "/", " ", "\n", ".", "\u{e9}"] {
                let spoiled = format!("{}{bad}{}", &long[..at], &long[at + 1..]);
                assert_eq!(decode(&spoiled), Err(NotBase64Url), "{bad:?} at {at}");
            }
        }
        // Padding, the other alphabet, whitespace, escapes, a lone symbol, trailing bits.
        for bad in ["TWE=", "+/+/", "TW E", "TWE\n", "TW%3D", "T", "TWF", "TX"] {
            assert_eq!(decode(bad), Err(NotBase64Url), "{bad:?}");
            assert!(decode_into(bad, &mut [0; 64]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fixed_buffers_hold_what_fits() {
        assert_eq!(decode_into("TWE", &mut [0; 2]).unwrap(), b"Ma");
        assert!(decode_into("TWFu", &mut [0; 2]).is_err());
    }
}
