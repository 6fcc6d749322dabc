//! Strict base64url (RFC 4648 §5, RFC 7515 §2): no padding, no whitespace, no non-zero trailing bits.
//! A decoder that tolerates any of these makes tokens malleable.
//!
//! The `base64` crate is as strict, but it takes longer for short texts, so `decode_short` decodes those.
//! What that pays, by `cargo bench -p tollgate --bench instructions`, 2026-11: with the crate alone,
//! `refuse_garbage` costs 9 % more, `refuse_unknown_key` 7 %, and `verify` and `admit_uncached` 3 %; cache
//! hits cost the same. The two refusals also took 8 % more processor time, and `verify` 3 %. `decode_short`
//! and its tables can be deleted at that cost; no answer changes.

use base64::Engine as _;

/// The engine uses vector instructions where the processor has them, and is equally strict everywhere.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: std::sync::LazyLock<base64::engine::simd::Simd> = std::sync::LazyLock::new(|| {
    base64::engine::simd::Simd::url_safe(base64::engine::general_purpose::NO_PAD)
});
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::general_purpose::URL_SAFE_NO_PAD as ENGINE;

/// The text is not strict base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

pub(crate) fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    let text = text.as_ref();
    let mut bytes = Vec::new();
    bytes.reserve_exact(text.len().div_ceil(4).saturating_mul(3));
    bytes.resize(bytes.capacity(), 0);
    let len = decode_into(text, &mut bytes)?.len();
    bytes.truncate(len);
    Ok(bytes)
}

/// Decodes into a buffer of fixed size, and returns the bytes written. Content that does not fit is an error.
pub(crate) fn decode_into(text: impl AsRef<[u8]>, buffer: &mut [u8]) -> Result<&[u8], NotBase64Url> {
    let text = text.as_ref();
    let len = if text.len() < LONG {
        decode_short(text, buffer)?
    } else {
        ENGINE.decode_slice(text, buffer).map_err(|_cause| NotBase64Url)?
    };
    buffer.get(..len).ok_or(NotBase64Url)
}

/// The length in symbols from which the engine is faster: two blocks of its vectors.
const LONG: usize = 64;

/// Decodes with tables, and returns the number of bytes.
fn decode_short(text: &[u8], buffer: &mut [u8]) -> Result<usize, NotBase64Url> {
    let (quads, rest) = text.as_chunks();
    let (triples, _) = buffer.as_chunks_mut();
    let mut seen = 0;
    for (quad, triple) in quads.iter().zip(triples) {
        let bits = bits_of(*quad);
        seen |= bits;
        let [_, bytes @ ..] = bits.to_be_bytes();
        *triple = bytes;
    }
    // Missing symbols are filled with zeros, so their decoded bytes must be zero too.
    let last = match *rest {
        [] => *b"AAAA",
        [a, b] => [a, b, b'A', b'A'],
        [a, b, c] => [a, b, c, b'A'],
        _ => return Err(NotBase64Url),
    };
    let bits = bits_of(last);
    let [_, last @ ..] = bits.to_be_bytes();
    let (last, surplus) = last.split_at(rest.len().saturating_sub(1));
    let start = quads.len().saturating_mul(3);
    let end = start.saturating_add(last.len());
    buffer.get_mut(start..end).ok_or(NotBase64Url)?.copy_from_slice(last);
    let is_strict = (seen | bits) & NO_SYMBOL == 0 && surplus.iter().all(|byte| *byte == 0);
    if is_strict { Ok(end) } else { Err(NotBase64Url) }
}

/// Returns the 24 bits of four symbols.
#[inline]
fn bits_of(quad: [u8; 4]) -> u32 {
    let [a, b, c, d] = quad.map(usize::from);
    let [first, second, third, fourth] = &SYMBOLS;
    let bits = [first.get(a), second.get(b), third.get(c), fourth.get(d)];
    bits.into_iter().fold(0, |all, bits| all | bits.copied().unwrap_or(NO_SYMBOL))
}

/// A bit above the 24 bits of four symbols.
const NO_SYMBOL: u32 = 1 << 31;

/// The bits of each byte as a symbol, one table for each of the four positions.
static SYMBOLS: [[u32; 256]; 4] = [symbols_at(18), symbols_at(12), symbols_at(6), symbols_at(0)];

#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "evaluated by the compiler")]
const fn symbols_at(shift: u32) -> [u32; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut symbols = [NO_SYMBOL; 256];
    let mut value: u32 = 0;
    while value < 64 {
        symbols[alphabet[value as usize] as usize] = value.wrapping_shl(shift);
        value = value.wrapping_add(1);
    }
    symbols
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
    fn decoder_tolerates_no_deviation() {
        assert_eq!(decode("TWE").unwrap(), b"Ma");
        // Long enough for vector instructions, with the invalid symbol at every position.
        let long = "Zm9vYmFy".repeat(20);
        assert_eq!(decode(&long).unwrap(), b"foobar".repeat(20));
        for at in 0..long.len() {
            for bad in ["=", "+", "/", " ", "\n", ".", "\u{e9}"] {
                let spoiled = format!("{}{bad}{}", &long[..at], &long[at + 1..]);
                assert_eq!(decode(&spoiled), Err(NotBase64Url), "{bad:?} at {at}");
            }
        }
        // Padding, the other alphabet, white space, escapes, a lone symbol, trailing bits.
        for bad in ["TWE=", "+/+/", "TW E", "TWE\n", "TW%3D", "T", "TWF", "TX"] {
            assert_eq!(decode(bad), Err(NotBase64Url), "{bad:?}");
            assert!(decode_into(bad, &mut [0; 64]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn decoding_fails_when_buffer_is_too_small() {
        assert_eq!(decode_into("TWE", &mut [0; 2]).unwrap(), b"Ma");
        assert!(decode_into("TWFu", &mut [0; 2]).is_err());
        let long = "Zm9vYmFy".repeat(20);
        for len in 0..120 {
            assert!(decode_into(&long, &mut vec![0; len]).is_err(), "{len}");
        }
        assert_eq!(decode_into(&long, &mut [0; 120]).unwrap(), b"foobar".repeat(20));
    }

    /// At the boundary between engine and tables, both must be as strict as the engine alone.
    #[test]
    fn decoder_agrees_with_the_engine() {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        use proptest::prelude::*;

        let symbols = "[A-Za-z0-9_-]{0,200}";
        let spoiled = (symbols, "[-_=+/. \u{e9}A-D]{0,2}", "[A-Z]{0,40}")
            .prop_map(|(before, middle, after)| format!("{before}{middle}{after}"));
        proptest!(|(text in prop_oneof![symbols, spoiled])| {
            prop_assert_eq!(decode(&text).ok(), URL_SAFE_NO_PAD.decode(&text).ok(), "{}", text);
        });
    }
}
