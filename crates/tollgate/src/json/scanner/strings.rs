//! Strings, most of which can be borrowed as they stand in the text.
//!
//! `plain_among` compares eight bytes at a time. What it pays, by `cargo bench -p tollgate --bench
//! instructions`, 2026-11: with a loop over single bytes, or without its use for the first eight,
//! `refuse_unknown_key` costs 8 % more and nothing else changes. It can be replaced at that cost.

use std::borrow::Cow;

use super::Scanner;
use crate::json::JsonError;

impl<'de> Scanner<'de> {
    /// Reads a string, borrowed unless it is written with escapes.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Option<Cow<'de, str>>, JsonError> {
        match self.plain_text() {
            Some(text) => Ok(Some(Cow::Borrowed(text))),
            None => self.other(),
        }
    }

    /// Reads a string, as for the name of a member. Any other value is malformed.
    #[inline]
    pub(in crate::json) fn name(&mut self) -> Result<Cow<'de, str>, JsonError> {
        match self.plain_text() {
            Some(name) => Ok(Cow::Borrowed(name)),
            None => self.other()?.ok_or_else(|| self.malformed()),
        }
    }

    pub(super) fn skip_text(&mut self) -> Result<(), JsonError> {
        match self.plain_text() {
            Some(_) => Ok(()),
            None => self.other().map(drop),
        }
    }

    /// Reads a string without escapes. Returns `None` for anything else, which it leaves unread.
    #[inline]
    pub(in crate::json) fn plain_text(&mut self) -> Option<&'de str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at.wrapping_add(1);
        let rest = self.text.as_bytes().get(start..)?;
        // The fast path: most names end within the first eight bytes.
        let plain = match rest.first_chunk().map(|eight| plain_among(*eight)) {
            Some(plain @ 0..8) => plain,
            _ => plain_len(rest),
        };
        if rest.get(plain) != Some(&b'"') {
            return None;
        }
        let end = start.wrapping_add(plain);
        self.at = end.wrapping_add(1);
        self.text.get(start..end)
    }

    /// Reads a string with escapes, or reports the error.
    #[cold]
    fn other(&mut self) -> Result<Option<Cow<'de, str>>, JsonError> {
        if self.byte() != Some(b'"') {
            return Ok(None);
        }
        self.advance(1);
        let mut string = String::new();
        loop {
            let start = self.at;
            self.advance(plain_len(self.rest()));
            string.push_str(self.since(start));
            match self.byte() {
                Some(b'"') => {
                    self.advance(1);
                    self.escapes_until = self.at;
                    return Ok(Some(Cow::Owned(string)));
                }
                Some(b'\\') => string.push(self.escape()?),
                // A control character, or the end of the text (RFC 8259 §7).
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Reads an escape and returns its character (RFC 8259 §7).
    fn escape(&mut self) -> Result<char, JsonError> {
        self.advance(1);
        let escaped = match self.byte() {
            Some(symbol @ (b'"' | b'\\' | b'/')) => char::from(symbol),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err(self.malformed()),
        };
        self.advance(1);
        Ok(escaped)
    }

    /// Reads the code point of one `\u` escape or of a surrogate pair. An unpaired surrogate is malformed.
    fn code_point(&mut self) -> Result<char, JsonError> {
        let first = self.code_unit()?;
        if let Some(character) = char::from_u32(u32::from(first)) {
            return Ok(character);
        }
        if !(self.eat(b'\\') && self.byte() == Some(b'u')) {
            return Err(self.malformed());
        }
        let pair = [first, self.code_unit()?];
        let mut decoded = char::decode_utf16(pair);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(self.malformed()),
        }
    }

    /// Reads the four digits after `\u`.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        self.advance(1);
        let digits = self.text.get(self.at..self.at.saturating_add(4));
        // Parsing alone would accept a sign.
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.malformed())?;
        self.advance(4);
        Ok(unit)
    }
}

/// Returns the bytes up to the first quote, backslash or control character, or to the end. Reads eight bytes at
/// a time.
#[inline(never)]
fn plain_len(text: &[u8]) -> usize {
    let mut plain: usize = 0;
    let (eights, rest) = text.as_chunks();
    for eight in eights {
        let among = plain_among(*eight);
        plain = plain.wrapping_add(among);
        if among < 8 {
            return plain;
        }
    }
    let is_plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
    plain.wrapping_add(rest.iter().take_while(is_plain).count())
}

/// Returns how many of eight bytes come before the first quote, backslash or control character.
#[inline]
fn plain_among(eight: [u8; 8]) -> usize {
    usize::try_from(special_bytes(u64::from_le_bytes(eight)).trailing_zeros() / 8).unwrap_or_default()
}

/// Sets the high bit of the first byte that is a quote, a backslash or a control character. Higher bits have no
/// meaning.
const fn special_bytes(eight: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let quote = (eight ^ all(b'"')).wrapping_sub(all(1));
    let backslash = (eight ^ all(b'\\')).wrapping_sub(all(1));
    let control = eight.wrapping_sub(all(0x20));
    // The subtraction borrows from the high bit. A byte with its own high bit set is not one of these
    // characters.
    (quote | backslash | control) & !eight & all(0x80)
}
