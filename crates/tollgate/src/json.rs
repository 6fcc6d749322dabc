//! One strict reading of a JSON object: every member visited once, none twice, nothing nested too deep.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a parser refuse duplicate names or take the last one. Two parsers that
//! choose differently see two different tokens, so duplicates are refused. Depth is bounded by `serde_json`
//! (128 levels), which holds only as long as values are walked with `deserialize_any`: `IgnoredAny` would skip
//! them without counting, and without checking their strings.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// More members than any honest header, claims set or key has.
const MAX_MEMBERS: usize = 256;

/// Why a text is not the JSON object it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not JSON, not an object, nested too deep, or followed by something else.
    #[error("not a single well-formed JSON object (line {line}, column {column})")]
    Malformed {
        /// Line of the first offence, from 1.
        line: usize,
        /// Column of the first offence, from 1.
        column: usize,
    },
    /// The same member name occurs twice.
    #[error("a member name occurs twice")]
    DuplicateMember,
    /// More members than are looked at.
    #[error("more than {MAX_MEMBERS} members")]
    TooManyMembers,
    /// A member name that `serde_json` gives a meaning of its own: what it is read as would depend on the reader.
    #[error("a member name is reserved")]
    ReservedMember,
}

/// What a reader does with the members it knows.
pub(crate) trait Members<'de> {
    /// Takes the value of `name` from `map`, or answers `false` and leaves it to be skipped.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads `text` as one object into `members`.
pub(crate) fn read_object<'de, M: Members<'de>>(text: &'de str, members: &mut M) -> Result<(), JsonError> {
    let mut fault = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = ObjectSeed { members, fault: &mut fault };
    match seed.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Ok(()) => Ok(()),
        Err(error) => {
            let malformed = || JsonError::Malformed { line: error.line(), column: error.column() };
            Err(fault.unwrap_or_else(malformed))
        }
    }
}

struct ObjectSeed<'m, M> {
    members: &'m mut M,
    fault: &'m mut Option<JsonError>,
}

impl<'de, M: Members<'de>> DeserializeSeed<'de> for ObjectSeed<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, M: Members<'de>> Visitor<'de> for ObjectSeed<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(Text(name)) = map.next_key()? {
            names.check(&name, self.fault)?;
            if !self.members.member(&name, &mut map)? {
                map.next_value_seed(Walk(self.fault))?;
            }
            names.0.push(name);
        }
        Ok(())
    }
}

/// The member names of one object so far.
struct Names<'de>(Vec<Cow<'de, str>>);

impl Default for Names<'_> {
    fn default() -> Self {
        Self(Vec::with_capacity(12))
    }
}

impl Names<'_> {
    /// With its features `raw_value` and `arbitrary_precision`, which anything in a build can turn on, `serde_json`
    /// takes objects with such members for something else.
    const RESERVED: &'static str = "$serde_json::private::";

    /// Whether `name` may come next.
    fn check<E: serde::de::Error>(&self, name: &str, fault: &mut Option<JsonError>) -> Result<(), E> {
        let found = if self.0.iter().any(|known| known == name) {
            JsonError::DuplicateMember
        } else if self.0.len() == MAX_MEMBERS {
            JsonError::TooManyMembers
        } else if name.starts_with(Self::RESERVED) {
            JsonError::ReservedMember
        } else {
            return Ok(());
        };
        *fault = Some(found);
        Err(E::custom(found))
    }
}

/// A string, borrowed from the input unless it holds escapes. Anything else is an error.
#[derive(Debug)]
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Walks any value and forgets it: counted in depth, its strings checked, the names of its members told apart.
struct Walk<'f>(&'f mut Option<JsonError>);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names(Vec::new());
        while let Some(Text(name)) = map.next_key()? {
            names.check(&name, self.0)?;
            map.next_value_seed(Walk(self.0))?;
            names.0.push(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Known(Vec<String>);

    impl<'de> Members<'de> for Known {
        fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
            if name != "known" {
                return Ok(false);
            }
            let Text(value) = map.next_value()?;
            self.0.push(value.into_owned());
            Ok(true)
        }
    }

    fn read(text: &str) -> Result<Vec<String>, JsonError> {
        let mut known = Known::default();
        read_object(text, &mut known).map(|()| known.0)
    }

    #[test]
    fn members_are_visited_whatever_their_spelling() {
        assert_eq!(read(r#"{"known":"a","other":[1,2.5,-1,null,{"x":true}]}"#).unwrap(), ["a"]);
        assert_eq!(read(r#"{"\u006bnown":"\u0061"}"#).unwrap(), ["a"]);
        assert_eq!(read("{}").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn duplicates_are_refused_known_or_not_escaped_or_not() {
        for text in
            [r#"{"known":"a","known":"b"}"#, r#"{"known":"a","\u006bnown":"b"}"#, r#"{"other":1,"other":1}"#]
        {
            assert_eq!(read(text), Err(JsonError::DuplicateMember), "{text}");
        }
    }

    /// `serde_json::Value` would read this as the number or text inside.
    #[test]
    fn names_with_a_meaning_of_their_own_are_refused() {
        for text in [
            r#"{"$serde_json::private::RawValue":"1"}"#,
            r#"{"tier":{"$serde_json::private::RawValue":"\"gold\""}}"#,
            r#"{"tier":[{"$serde_json::private::Number":"1"}]}"#,
        ] {
            assert_eq!(read(text), Err(JsonError::ReservedMember), "{text}");
        }
    }

    #[test]
    fn anything_but_one_object_is_malformed() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "\"x\"",
            "{",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            r#"{"known":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            r#"{a:1}"#,
            r#"{"a":1,}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":1e400}"#,
        ] {
            assert!(matches!(read(text), Err(JsonError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn depth_and_width_are_bounded() {
        let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(read(&deep(100)).is_ok());
        assert!(matches!(read(&deep(10_000)), Err(JsonError::Malformed { .. })));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        assert!(matches!(read(&objects), Err(JsonError::Malformed { .. })));
        let wide: Vec<String> = (0..300).map(|i| format!(r#""m{i}":0"#)).collect();
        assert_eq!(read(&format!("{{{}}}", wide.join(","))), Err(JsonError::TooManyMembers));
    }
}
