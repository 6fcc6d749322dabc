//! [`Members`]: where the members of an object are, so that it need not be read a second time.
//!
//! [`Members::read`] is the rule. [`Members::read_compact`] is a second, faster way for objects without
//! whitespace and escapes, and `both_ways_see_the_same` compares the two. What it pays, by `cargo bench -p
//! tollgate --bench instructions`, 2026-11: without it, `verify` costs 28 % more, `refuse_expired` 27 %,
//! `admit_uncached` 25 % and `verify_and_read_claims` 18 %; cache hits cost the same. It can be deleted at
//! that cost, with `Value`, `after_list`, `Scanner::within`, `quotes.rs` and its caller in
//! `claims/payload.rs`; no answer changes.

use super::names::Names;
use super::quotes::Quotes;
use super::{JsonError, Scanner, read_value};

/// The spans of an object's members in its text, in order.
#[derive(Default)]
pub(crate) struct Members {
    /// The start and end of each value. The names are between them, because the object has no white space.
    values: [[u16; 2]; Self::MAX],
    len: usize,
    /// One bit for each value that is a string without escapes.
    plain: u16,
    /// Whether all members are recorded, in the positions that the layout implies.
    is_complete: bool,
}

/// The value of a member, for a visitor that may read it.
pub(crate) enum Value<'a, 'de> {
    /// A string without escapes, between these two offsets.
    Plain([usize; 2]),
    /// Any other value, which has to be read or skipped.
    Other(&'a mut Scanner<'de>),
}

/// A member: its name without escapes, and the text of its value.
pub(super) struct Member<'de> {
    pub(super) name: &'de str,
    pub(super) value: &'de str,
    pub(super) is_plain_text: bool,
}

impl Members {
    const MAX: usize = 16;

    /// Reads `text` as [`read_object`](super::read_object) does, and records the positions of the members.
    #[inline]
    pub(crate) fn read<'de, E: From<JsonError>>(
        &mut self,
        text: &'de str,
        mut each: impl FnMut(&str, &mut Scanner<'de>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.is_complete = u16::try_from(text.len()).is_ok();
        let mut before: usize = 0;
        read_value(text, |scanner| {
            let is_object = scanner.object(|name, value| {
                let (start, is_text) = value.start_offset();
                if !each(name, value)? {
                    value.skip()?;
                }
                let is_plain = is_text && value.has_no_escapes_since(start);
                // A name without escapes has a comma or brace, two quotes and a colon around it.
                let is_close = start == before.wrapping_add(name.len()).wrapping_add(AROUND_NAME);
                self.is_complete &= is_close;
                before = value.end_offset();
                self.add([start, before], is_plain);
                Ok::<_, E>(true)
            })?;
            if is_object { Ok(()) } else { Err(E::from(scanner.malformed())) }
        })
    }

    /// The fast path, for objects without white space and escapes, which is how nearly all are written. Returns
    /// `None` for other objects and for errors; the caller must then discard the results and use the full
    /// parser. `each` receives every member, and returns `false` to have the value skipped.
    #[inline]
    pub(crate) fn read_compact<'de>(
        &mut self,
        text: &'de str,
        mut each: impl FnMut(&[u8], Value<'_, 'de>) -> Option<bool>,
    ) -> Option<()> {
        let bytes = text.as_bytes();
        let (mut quotes, mut names) = (Quotes::of(text), Names::new());
        self.is_complete = u16::try_from(bytes.len()).is_ok();
        let mut before = b'{';
        let mut at = 0;
        // An empty object is left to the full parser.
        while before != b'}' {
            let [found, quote] = *bytes.get(at..)?.first_chunk()?;
            let name_start = at.wrapping_add(2);
            let name_end = quotes.after(name_start)?;
            let name = bytes.get(name_start..name_end)?;
            let [_, colon, first] = *bytes.get(name_end..)?.first_chunk()?;
            if [found, quote, colon] != [before, b'"', b':'] || first <= b' ' {
                return None;
            }
            names.add_plain(name).ok()?;
            let start = name_end.wrapping_add(2);
            let end = if first == b'"' {
                let text = [start.wrapping_add(1), quotes.after(start.wrapping_add(1))?];
                each(name, Value::Plain(text))?;
                text[1].wrapping_add(1)
            } else {
                let mut scanner = Scanner::within(text, start);
                match each(name, Value::Other(&mut scanner))? {
                    true => scanner.end_offset(),
                    false => after_list(bytes, &mut quotes, start)
                        .or_else(|| scanner.skip().ok().map(|()| scanner.end_offset()))?,
                }
            };
            self.add([start, end], first == b'"');
            at = end;
            before = match bytes.get(end)? {
                b',' => b',',
                b'}' => b'}',
                _ => return None,
            };
        }
        (at.wrapping_add(1) == bytes.len()).then_some(())
    }

    /// Records the next value, if there is room for it.
    #[inline]
    fn add(&mut self, [start, end]: [usize; 2], is_plain: bool) {
        match self.values.get_mut(self.len) {
            Some(free) => {
                *free = [short(start), short(end)];
                self.plain |= u16::from(is_plain).wrapping_shl(u32::from(short(self.len)));
                self.len = self.len.wrapping_add(1);
            }
            None => self.is_complete = false,
        }
    }

    /// Returns the members, given the text in which they were found, or `None` when not all were recorded.
    pub(super) fn of<'de>(&self, text: &'de str) -> Option<impl Iterator<Item = Member<'de>>> {
        let (values, plain) = (self.values.get(..self.len).filter(|_| self.is_complete)?, self.plain);
        let slice = move |start: usize, end: usize| text.get(start..end).unwrap_or_default();
        Some(values.iter().scan((plain, 0_usize), move |(plain, before), value| {
            let [start, end] = value.map(usize::from);
            let is_plain_text = *plain & 1 != 0;
            let name = slice(before.saturating_add(2), start.saturating_sub(2));
            (*plain, *before) = (*plain >> 1, end);
            Some(Member { name, value: slice(start, end), is_plain_text })
        }))
    }
}

/// Returns the end of the list of strings that begins at `start`, or `None` when the value is of another type.
fn after_list(bytes: &[u8], quotes: &mut Quotes<'_>, start: usize) -> Option<usize> {
    let mut before = b'[';
    let mut at = start;
    while before != b']' {
        let [found, quote] = *bytes.get(at..)?.first_chunk()?;
        if [found, quote] != [before, b'"'] {
            return None;
        }
        at = quotes.after(at.wrapping_add(2))?.wrapping_add(1);
        before = if bytes.get(at) == Some(&b']') { b']' } else { b',' };
    }
    Some(at.wrapping_add(1))
}

/// The length of `,"` before a name and `":` after it.
const AROUND_NAME: usize = 4;

/// Truncates no offset as long as the list is complete.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the text is known to be short")]
const fn short(offset: usize) -> u16 {
    offset as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The members: name, text of the value, and whether the value was taken for a plain string.
    type Seen = Vec<(String, String, bool)>;

    fn kept(members: &Members, text: &str) -> Option<Seen> {
        let seen =
            |member: Member<'_>| (member.name.to_owned(), member.value.to_owned(), member.is_plain_text);
        members.of(text).map(|members| members.map(seen).collect())
    }

    fn with_care(text: &str) -> Result<Option<Seen>, JsonError> {
        let mut members = Members::default();
        members.read(text, |_, _| Ok::<_, JsonError>(false))?;
        Ok(kept(&members, text))
    }

    /// Returns an error when the fast path does not accept the text.
    fn compact(text: &str) -> Result<Option<Seen>, ()> {
        let mut members = Members::default();
        members.read_compact(text, |_, _| Some(false)).ok_or(())?;
        Ok(kept(&members, text))
    }

    #[test]
    fn compact_objects_take_the_fast_path() {
        for text in [
            r#"{"iss":"https://issuer.example","exp":1700000000,"roles":["a","b"],"ok":true,"n":{"a":[1,{}]}}"#,
            "{\"a\":\"\u{e9}\",\"b\":[],\"c\":null,\"d\":-1.5e3}",
            r#"{"a":[[""]]}"#,
        ] {
            assert_eq!(compact(text), Ok(with_care(text).unwrap()), "{text}");
            assert!(compact(text).unwrap().is_some(), "{text}");
        }
    }

    #[test]
    fn others_are_left() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            r#"{"a":1,}"#,
            r#"{"a":1 }"#,
            r#"{"a": 1}"#,
            r#"{"a" :1}"#,
            r#"{ "a":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":"\u0061"}"#,
            r#"{"a":"b"}x"#,
            r#"{"a":["b",]}"#,
            r#"{"a":["b"}"#,
            r#"{"a":["b"x"c"]}"#,
            r#"{"a":,"b":1}"#,
            r#"["a":1}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            "{\"a\":\"\t\"}",
        ] {
            assert_eq!(compact(text), Err(()), "{text}");
        }
    }

    /// Parts of objects in their most common form, and what may stand between them.
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", "\"", "\"a\":", "\"b\":", "\"exp\":", "\"some longer name of a claim\":", "\"x\",",
        "\"x\"", "1", "1700000000", "true", "null", "[\"x\",\"y\"]", "[]", "{\"x\":[1]}", "{\"x\":1,\"x\":1}",
        "\"https://issuer.example/of/some/length/that/does/not/fit/into/one/block\"", " ", "\n", "\\", "\"\\n\"",
        "\u{e9}", "\u{7f}",
    ];

    /// The full parser accepts all that the fast path accepts, and both find the same members.
    #[test]
    fn fast_path_and_full_parser_find_the_same_members() {
        let piece = || proptest::sample::select(PIECES);
        let names = ["a", "b", "exp", "iss", "some longer name of a claim", "\u{e9}"];
        let name = proptest::sample::select(names.to_vec());
        let usual = proptest::sample::select(&PIECES[12..22]).prop_map(str::to_owned);
        let values = prop_oneof![
            20 => usual,
            1 => proptest::collection::vec(piece(), 1..3).prop_map(|pieces| pieces.concat()),
        ];
        let numbered =
            |(at, (name, value)): (usize, (&str, String))| format!("\"{name}{}\":{value}", at % 15);
        let object = proptest::collection::vec((name, values), 1..20).prop_map(move |members| {
            format!("{{{}}}", members.into_iter().enumerate().map(numbered).collect::<Vec<_>>().join(","))
        });
        let garbage = proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat());
        let config = ProptestConfig { cases: 20_000, ..ProptestConfig::default() };
        proptest!(config, |(text in prop_oneof![object, garbage])| {
            if let Ok(seen) = compact(&text) {
                prop_assert_eq!(Ok(seen), with_care(&text), "{}", text);
            }
        });
    }
}
