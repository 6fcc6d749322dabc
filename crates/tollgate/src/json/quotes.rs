//! [`Quotes`]: where strings end, in a text that is written without escapes.
//!
//! What it pays, by `cargo bench -p tollgate --bench instructions`, 2026-11: with one `memchr` for each quote
//! instead, and one loop that looks for backslashes and control characters, `verify` and `refuse_expired`
//! cost 11 % more, `admit_uncached` 10 % and `verify_and_read_claims` 7 %; cache hits cost the same. It can
//! be replaced at that cost.

/// The quotes of a text, found 64 bytes at a time.
pub(super) struct Quotes<'de> {
    text: &'de [u8],
    /// The index of the block of 64 bytes that was searched last.
    block: usize,
    /// One bit for each quote in that block.
    found: u64,
}

const BLOCK: usize = 64;

impl<'de> Quotes<'de> {
    pub(super) fn of(text: &'de str) -> Self {
        Self { text: text.as_bytes(), block: usize::MAX, found: 0 }
    }

    /// Returns the first quote at or after `start`. Returns `None` when there is none, or when a byte in the
    /// blocks searched needs the full parser.
    #[inline]
    pub(super) fn after(&mut self, start: usize) -> Option<usize> {
        let block = start / BLOCK;
        if self.block != block {
            self.look_at(block)?;
        }
        let left = self.found >> (start % BLOCK);
        if left == 0 {
            return self.after_block(block);
        }
        Some(start.wrapping_add(first_bit(left)))
    }

    #[inline(never)]
    fn after_block(&mut self, mut block: usize) -> Option<usize> {
        loop {
            block = block.wrapping_add(1);
            self.look_at(block)?;
            if self.found != 0 {
                return Some(block.wrapping_mul(BLOCK).wrapping_add(first_bit(self.found)));
            }
        }
    }

    #[inline(never)]
    fn look_at(&mut self, block: usize) -> Option<()> {
        let (blocks, rest) = self.text.as_chunks();
        let found = match blocks.get(block) {
            Some(bytes) => quotes_among(bytes),
            None if block == blocks.len() => {
                let mut bytes = [b' '; BLOCK];
                bytes.get_mut(..rest.len())?.copy_from_slice(rest);
                quotes_among(&bytes)
            }
            None => None,
        };
        (self.block, self.found) = (block, found?);
        Some(())
    }
}

/// Returns one bit for each quote, or `None` when there is a backslash or a control character. Written so that
/// the compiler can vectorize it.
#[inline]
fn quotes_among(bytes: &[u8; BLOCK]) -> Option<u64> {
    let is_special = |byte: &u8| u8::from(*byte == b'\\') | u8::from(*byte < b' ');
    if bytes.iter().fold(0, |any, byte| any | is_special(byte)) != 0 {
        return None;
    }
    let mut quotes = [0; BLOCK];
    for (quote, byte) in quotes.iter_mut().zip(bytes) {
        *quote = u8::from(*byte == b'"');
    }
    let (eights, _) = quotes.as_chunks();
    Some(eights.iter().rev().fold(0, |bits, eight| (bits << 8) | lowest_bits(*eight)))
}

/// Gathers the lowest bits of eight bytes that are 0 or 1, the first byte in the lowest bit. The product holds
/// the bytes once for each bit, shifted so that all bits meet in the highest byte and nothing is carried into
/// it.
const fn lowest_bits(eight: [u8; 8]) -> u64 {
    u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

fn first_bit(bits: u64) -> usize {
    usize::try_from(bits.trailing_zeros()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_are_found_at_every_position() {
        proptest!(|(text in "[ -~\"\u{e9}]{0,200}", start in 0_usize..220)| {
            let found = Quotes::of(&text).after(start);
            let expected = (start..text.len()).find(|at| text.as_bytes().get(*at) == Some(&b'"'));
            let needs_care = text.contains('\\');
            prop_assert!(found == expected || (found.is_none() && needs_care), "{text} {start} {found:?}");
        });
    }

    #[test]
    fn search_stops_at_escapes_and_control_characters() {
        for special in ["\\", "\n", "\u{0}", "\u{1f}"] {
            for before in 0..130 {
                let text = format!("{}{special}{}\"", "a".repeat(before), "b".repeat(70));
                assert_eq!(Quotes::of(&text).after(0), None, "{special:?} after {before}");
            }
        }
        let text = format!("{}\u{7f}\u{e9}\"", "a".repeat(100));
        assert_eq!(Quotes::of(&text).after(3), Some(103));
    }
}
