//! [`Scanner`]: JSON text (RFC 8259), read from left to right, once, without copying.
//!
//! The scanner is strict and finds duplicates at every depth. Only [`Scanner::small_integer`] is a short cut
//! beside [`Scanner::number`]. What it pays, by `cargo bench -p tollgate --bench instructions`, 2026-11:
//! without it, `verify` and `refuse_expired` cost 9 % more, `admit_uncached` 8 % and `verify_and_read_claims`
//! 5 %; cache hits cost the same. It can be deleted at that cost.

mod strings;

use std::borrow::Cow;

use super::JsonError;
use super::names::Names;

/// A position in a JSON text. Each method reads one whole value. For a value of another type it returns `None`
/// or `false`, and does not advance.
pub(crate) struct Scanner<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
    /// Whether duplicate names are rejected.
    distinct_names: bool,
    /// The end of the last string with escapes.
    escapes_until: usize,
}

/// The number of levels that `serde_json` reads.
const MAX_DEPTH: u8 = 127;

impl<'de> Scanner<'de> {
    pub(super) const fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0, distinct_names: true, escapes_until: 0 }
    }

    /// For a member's value that begins at `at`.
    pub(super) const fn within(text: &'de str, at: usize) -> Self {
        Self { text, at, depth: 1, distinct_names: true, escapes_until: 0 }
    }

    /// Reads an integer of up to 15 digits, the common form of times. Other numbers are left to
    /// [`number`](Self::number).
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        let starts_with_zero = self.peek()? == b'0';
        let rest = self.rest();
        let (mut integer, mut digits) = (0_i64, 0_usize);
        // One more than may be, to see what ends them.
        for byte in rest.iter().take(16) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            integer = integer.wrapping_mul(10).wrapping_add(i64::from(digit));
            digits = digits.wrapping_add(1);
        }
        let starts_well = digits == 1 || (digits > 1 && !starts_with_zero);
        let ends_here = digits <= 15 && !matches!(rest.get(digits)?, b'.' | b'e' | b'E' | b'0'..=b'9');
        if !(starts_well && ends_here) {
            return None;
        }
        self.advance(digits);
        Some(integer)
    }

    /// Reads a number and returns its text. A number that is too large for a double is malformed, as in
    /// `serde_json`.
    pub(crate) fn number(&mut self) -> Result<Option<&'de str>, JsonError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Ok(None);
        }
        let start = self.at;
        let mut is_integer = true;
        self.eat(b'-');
        // Leading zeros are not allowed.
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            is_integer = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_integer = false;
            let _signed = self.eat(b'-') || self.eat(b'+');
            self.digits()?;
        }
        let number = self.since(start);
        // A double can represent the magnitude of every integer of up to 308 digits.
        let fits = (is_integer && number.len() <= 308) || number.parse().is_ok_and(f64::is_finite);
        if fits { Ok(Some(number)) } else { Err(self.malformed()) }
    }

    /// Reads an array. `each` is called once per element, and reads it.
    pub(crate) fn array<E: From<JsonError>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.peek() != Some(b'[') {
            return Ok(false);
        }
        self.enter()?;
        if self.peek() != Some(b']') {
            loop {
                each(self)?;
                if self.peek() != Some(b',') {
                    break;
                }
                self.advance(1);
            }
        }
        self.leave(b']')?;
        Ok(true)
    }

    /// Reads an array of strings. An array with an element of another type is read to its end, and the result
    /// is `false`.
    pub(crate) fn texts(&mut self, mut each: impl FnMut(Cow<'de, str>)) -> Result<bool, JsonError> {
        let mut only_texts = true;
        let is_array = self.array(|element| {
            match element.text()? {
                Some(text) => each(text),
                None => {
                    only_texts = false;
                    element.skip()?;
                }
            }
            Ok::<_, JsonError>(())
        })?;
        Ok(is_array && only_texts)
    }

    /// Reads an object. `each` receives the name of every member and reads its value, or returns `false` to
    /// have it skipped. Duplicate names are rejected.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut each: impl FnMut(&str, &mut Self) -> Result<bool, E>,
    ) -> Result<bool, E> {
        if self.peek() != Some(b'{') {
            return Ok(false);
        }
        self.enter()?;
        let mut names = Names::new();
        if self.peek() != Some(b'}') {
            loop {
                let name = self.name()?;
                if self.distinct_names {
                    names.add(&name)?;
                }
                self.expect(b':')?;
                if !each(&name, self)? {
                    self.skip()?;
                }
                if self.peek() != Some(b',') {
                    break;
                }
                self.advance(1);
            }
        }
        self.leave(b'}')?;
        Ok(true)
    }

    /// Reads `null`, and returns whether the value was `null`.
    pub(crate) fn null(&mut self) -> Result<bool, JsonError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    /// Skips any value, with the same strict checks as when reading it.
    pub(crate) fn skip(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.skip_text(),
            Some(b'{') => self.object(|_, _| Ok::<_, JsonError>(false)).map(drop),
            Some(b'[') => self.array(Self::skip).map(drop),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => match self.number()? {
                Some(_) => Ok(()),
                None => Err(self.malformed()),
            },
        }
    }

    /// Reads any value and returns its text. Duplicate names in it are left to the parser that reads it later.
    pub(crate) fn raw(&mut self) -> Result<&'de str, JsonError> {
        self.peek();
        let start = self.at;
        let distinct_names = std::mem::replace(&mut self.distinct_names, false);
        let skipped = self.skip();
        self.distinct_names = distinct_names;
        skipped.map(|()| self.since(start))
    }

    /// Returns the offset of the next value, and whether it is a string.
    pub(super) fn start_offset(&mut self) -> (usize, bool) {
        let is_text = self.peek() == Some(b'"');
        (self.at, is_text)
    }

    /// Returns the end of the last value, before anything else is read.
    pub(super) const fn end_offset(&self) -> usize {
        self.at
    }

    /// Returns whether no string with escapes was read since `start`.
    pub(super) const fn has_no_escapes_since(&self, start: usize) -> bool {
        self.escapes_until <= start
    }

    /// Checks that no text follows.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.malformed()),
        }
    }

    /// Returns the error for the current position.
    #[cold]
    pub(super) fn malformed(&self) -> JsonError {
        let read = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let line_start = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        JsonError::Malformed {
            line: read.iter().filter(|byte| **byte == b'\n').count().saturating_add(1),
            column: self.at.saturating_sub(line_start).saturating_add(1),
        }
    }

    /// Reads one or more digits.
    fn digits(&mut self) -> Result<(), JsonError> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.malformed());
        }
        self.advance(digits);
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.malformed());
        }
        self.advance(word.len());
        Ok(())
    }

    /// Enters the array or object that begins with `opening`.
    pub(super) fn open(&mut self, opening: u8) -> Result<(), JsonError> {
        if self.peek() != Some(opening) {
            return Err(self.malformed());
        }
        self.enter()
    }

    /// Enters one more level of nesting.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.malformed());
        }
        self.depth = self.depth.saturating_add(1);
        self.advance(1);
        Ok(())
    }

    pub(super) fn leave(&mut self, closing: u8) -> Result<(), JsonError> {
        self.depth = self.depth.saturating_sub(1);
        self.expect(closing)
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), JsonError> {
        if self.peek() != Some(wanted) {
            return Err(self.malformed());
        }
        self.advance(1);
        Ok(())
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.byte() == Some(wanted);
        if found {
            self.advance(1);
        }
        found
    }

    /// Skips white space and returns the byte after it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                // The fast path: usually there is no white space.
                Some(byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.advance(1),
                other => return other,
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Advances the position. It is never beyond the end, so it cannot overflow.
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.wrapping_add(bytes);
    }

    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'de str {
        self.text.get(start..self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of every length, and what ends it or spoils it.
    #[test]
    fn small_integers_are_parsed_exactly() {
        let digits = "9081726354453627180";
        for len in 0..=digits.len() {
            let number = digits.get(..len).unwrap();
            let expected = number.parse().ok().filter(|_| len <= 15);
            for end in [",", "}", " ", "]"] {
                assert_eq!(
                    Scanner::new(&format!("{number}{end}")).small_integer(),
                    expected,
                    "{number}{end}"
                );
            }
            for end in [".5", "e1", "E1", ""] {
                assert_eq!(Scanner::new(&format!("{number}{end}")).small_integer(), None, "{number}{end}");
            }
            for other in ['/', ':', '?', '@', '\u{0}', '\u{b0}', '\u{ff}'] {
                let text = format!("{number}{other}7654321,");
                let read = Scanner::new(&text).small_integer();
                assert_eq!(read, expected, "{text}");
            }
        }
        for text in ["01,", "0012345678,", "-1,", "x", " \"1\""] {
            assert_eq!(Scanner::new(text).small_integer(), None, "{text}");
        }
        assert_eq!(Scanner::new(" 0,").small_integer(), Some(0));
    }
}
