//! Strict base64url (RFC 4648 §5, RFC 7515 §2): no padding, no whitespace, no non-zero trailing bits.
//! A decoder that forgives any of these makes tokens malleable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not strict base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_cause| NotBase64Url)
}

/// Decodes into a buffer of fixed size; longer content is an error. Returns the bytes written.
pub(crate) fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], NotBase64Url> {
    let len = URL_SAFE_NO_PAD.decode_slice(text, buffer).map_err(|_cause| NotBase64Url)?;
    buffer.get(..len).ok_or(NotBase64Url)
}

#[cfg(test)]
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgives_nothing() {
        assert_eq!(decode("TWE").unwrap(), b"Ma");
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
