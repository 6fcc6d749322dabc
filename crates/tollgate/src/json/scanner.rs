//! [`Scanner`]: JSON text (RFC 8259), read from left to right, once, without copying.

use std::borrow::Cow;

use super::JsonError;
use super::names::Names;

/// A place in a JSON text. Each method reads one whole value or, when it is of another type, answers `None` or
/// `false` and leaves it.
pub(crate) struct Scanner<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
    /// Whether names that come twice are refused.
    distinct_names: bool,
}

/// As many levels as `serde_json` reads.
const MAX_DEPTH: u8 = 127;

impl<'de> Scanner<'de> {
    pub(super) const fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0, distinct_names: true }
    }

    /// A string, borrowed unless it is written with escapes.
    pub(crate) fn text(&mut self) -> Result<Option<Cow<'de, str>>, JsonError> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        self.string().map(Some)
    }

    /// A whole number of up to 15 digits, as times are written. What else a number can be is left to
    /// [`number`](Self::number).
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        self.peek();
        let mut integer = 0_i64;
        for (place, byte) in self.rest().iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 && place < 15 {
                integer = integer.wrapping_mul(10).wrapping_add(i64::from(digit));
                continue;
            }
            let starts_well = place == 1 || (place > 1 && self.byte() != Some(b'0'));
            let ends_here = digit >= 10 && !matches!(byte, b'.' | b'e' | b'E');
            if !(starts_well && ends_here) {
                return None;
            }
            self.advance(place);
            return Some(integer);
        }
        None
    }

    /// A number as it is written. One that is too large for a double is malformed, as it is for `serde_json`.
    pub(crate) fn number(&mut self) -> Result<Option<&'de str>, JsonError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Ok(None);
        }
        let start = self.at;
        let mut is_integer = true;
        self.eat(b'-');
        // No leading zeros.
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
        // A double holds every integer of up to 308 digits.
        let fits = (is_integer && number.len() <= 308) || number.parse().is_ok_and(is_far_from_overflow);
        if fits { Ok(Some(number)) } else { Err(self.malformed()) }
    }

    /// An array: `each` reads its elements, one a call.
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

    /// An array of strings. Another type among its elements makes it something else, which has then been read.
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

    /// An object: `each` is given the name of every member and reads its value, or answers `false` and leaves it to be
    /// skipped. No name comes twice.
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
                let name = self.text()?.ok_or_else(|| self.malformed())?;
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

    /// Whether the value is `null`.
    pub(crate) fn null(&mut self) -> Result<bool, JsonError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    /// Any value, checked as strictly as those that are read.
    pub(crate) fn skip(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
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

    /// Any value, as it is written. Whether a name in it comes twice is left to whoever reads it.
    pub(crate) fn raw(&mut self) -> Result<&'de str, JsonError> {
        self.peek();
        let start = self.at;
        let distinct_names = std::mem::replace(&mut self.distinct_names, false);
        let skipped = self.skip();
        self.distinct_names = distinct_names;
        skipped.map(|()| self.since(start))
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.malformed()),
        }
    }

    /// Where the text is not what it should be.
    #[cold]
    pub(super) fn malformed(&self) -> JsonError {
        let read = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let line_start = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        JsonError::Malformed {
            line: read.iter().filter(|byte| **byte == b'\n').count().saturating_add(1),
            column: self.at.saturating_sub(line_start).saturating_add(1),
        }
    }

    /// The string whose opening quote comes next.
    #[inline]
    fn string(&mut self) -> Result<Cow<'de, str>, JsonError> {
        self.advance(1);
        let start = self.at;
        self.skip_plain();
        if self.byte() == Some(b'"') {
            let string = self.since(start);
            self.advance(1);
            return Ok(Cow::Borrowed(string));
        }
        self.escaped(start).map(Cow::Owned)
    }

    fn skip_string(&mut self) -> Result<(), JsonError> {
        self.advance(1);
        let start = self.at;
        self.skip_plain();
        if self.eat(b'"') { Ok(()) } else { self.escaped(start).map(drop) }
    }

    /// The rest of a string that holds an escape, from `start` on.
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<String, JsonError> {
        let mut string = self.since(start).to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.advance(1);
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                // A control character, or the end of the text (RFC 8259 §7).
                _ => return Err(self.malformed()),
            }
            let start = self.at;
            self.skip_plain();
            string.push_str(self.since(start));
        }
    }

    /// What an escape stands for (RFC 8259 §7).
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

    /// The code point of a `\u` escape, or of two of them: half a surrogate pair is no character.
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

    /// The four digits after a `u`.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        self.advance(1);
        let digits = self.text.get(self.at..self.at.saturating_add(4));
        // Parsing alone would take a sign.
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.malformed())?;
        self.advance(4);
        Ok(unit)
    }

    /// Goes to the next quote, backslash or control character, or to the end; eight bytes at a time.
    #[inline]
    fn skip_plain(&mut self) {
        let mut plain: usize = 0;
        let (eights, rest) = self.rest().as_chunks::<8>();
        for eight in eights {
            let special = special_bytes(u64::from_le_bytes(*eight));
            if special != 0 {
                let before = usize::try_from(special.trailing_zeros() / 8).unwrap_or_default();
                self.advance(plain.wrapping_add(before));
                return;
            }
            plain = plain.wrapping_add(8);
        }
        let is_plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
        self.advance(plain.wrapping_add(rest.iter().take_while(is_plain).count()));
    }

    /// One digit or more.
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

    /// One level deeper.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.malformed());
        }
        self.depth = self.depth.saturating_add(1);
        self.advance(1);
        Ok(())
    }

    fn leave(&mut self, closing: u8) -> Result<(), JsonError> {
        self.depth = self.depth.saturating_sub(1);
        self.expect(closing)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), JsonError> {
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

    /// The next byte that is no whitespace, which is skipped.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                // Most often there is none.
                Some(byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.advance(1),
                other => return other,
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Never beyond the end, so nothing can wrap.
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

/// `serde_json` rounds on its way to a double, and takes the largest of them for too large.
fn is_far_from_overflow(number: f64) -> bool {
    number.abs() < 1.7e308
}

/// The high bit of the first byte that is a quote, a backslash or a control character; bits above it mean nothing.
const fn special_bytes(eight: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let quote = (eight ^ all(b'"')).wrapping_sub(all(1));
    let backslash = (eight ^ all(b'\\')).wrapping_sub(all(1));
    let control = eight.wrapping_sub(all(0x20));
    // The subtraction borrows from the high bit; a byte that has that bit itself is none of them.
    (quote | backslash | control) & !eight & all(0x80)
}
