//! One strict reading of a JSON object: every member visited once, none twice, nothing nested too deep.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a parser refuse duplicate names or take the last one. Two parsers that
//! choose differently see two different tokens, so duplicates are refused. What is read here is read again by
//! `serde_json` into the application's claims, so nothing passes here that it would not take (`agrees_with_serde_json`).

mod deserializer;
mod members;
mod names;
mod quotes;
mod scanner;

pub(crate) use deserializer::from_members;
pub(crate) use members::{Members, Value};
use names::Names;
pub(crate) use scanner::Scanner;

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
    #[error("more than {} members", Names::MAX)]
    TooManyMembers,
    /// A member name that `serde_json` gives a meaning of its own: what it is read as would depend on the reader.
    #[error("a member name is reserved")]
    ReservedMember,
}

/// Why an object was not read to its end.
#[derive(Debug)]
pub(crate) enum Fault<R> {
    /// It is not what it should be.
    Json(JsonError),
    /// Whoever reads it does not want to.
    Refused(R),
}

impl<R> From<JsonError> for Fault<R> {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// Reads `text` as one value and nothing else.
pub(crate) fn read_value<'de, T, E: From<JsonError>>(
    text: &'de str,
    read: impl FnOnce(&mut Scanner<'de>) -> Result<T, E>,
) -> Result<T, E> {
    let mut scanner = Scanner::new(text);
    let value = read(&mut scanner)?;
    scanner.end()?;
    Ok(value)
}

/// Reads `text` as one object and nothing else. `each` is given the name of every member and reads its value, or
/// answers `false` and leaves it to be skipped.
pub(crate) fn read_object<'de, E: From<JsonError>>(
    text: &'de str,
    each: impl FnMut(&str, &mut Scanner<'de>) -> Result<bool, E>,
) -> Result<(), E> {
    read_value(text, |scanner| if scanner.object(each)? { Ok(()) } else { Err(scanner.malformed().into()) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, JsonError> {
        let mut known = Vec::new();
        read_object(text, |name, value| {
            if name != "known" {
                return Ok(false);
            }
            known.push(value.text()?.ok_or_else(|| value.malformed())?.into_owned());
            Ok(true)
        })
        .map(|()| known)
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

    /// What JSON is made of, and what it is not.
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\u{b}", "\"", "\"a\"", "\"b\"",
        "\"\\u0061\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "\"\\x\"",
        "\"\\u+123\"", "\"\u{1f600}\"", "\"\u{7f}\"", "\"\u{1f}\"", "0", "-", "1", "01", "1.5",
        "1.", ".5", "1e5", "1E+5", "1e", "1e400", "1.7976931348623158e308", "-0", "true", "false", "null", "nul", "\"key\":",
        "\"other\":", "{\"x\":[1,{}]}", "[[],[{}]]", "12345678901234567890123",
    ];

    /// What is accepted here is read again by `serde_json`; neither may see what the other does not.
    #[test]
    fn agrees_with_serde_json() {
        let piece = proptest::sample::select(PIECES);
        let garbage = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
        let member =
            (proptest::sample::select(&["\"a\"", "\"b\"", "\"\\u0061\"", "\"c\\n\""][..]), garbage.clone());
        let object = proptest::collection::vec(member, 0..4).prop_map(|members| {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        let text = proptest::prop_oneof![garbage, object];
        let config = proptest::test_runner::Config { cases: 20_000, ..Default::default() };
        TestRunner::new(config)
            .run(&text, |text| {
                let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
                match read_object(&text, |_, _| Ok::<_, JsonError>(false)) {
                    Ok(()) => prop_assert!(theirs.is_ok(), "taken here alone: {text}"),
                    // Theirs takes the last of two.
                    Err(JsonError::DuplicateMember) => {}
                    Err(error) => prop_assert!(theirs.is_err(), "refused here alone: {text}: {error}"),
                }
                Ok(())
            })
            .unwrap();
    }

    /// Eight bytes are looked at together: a quote, an escape or a control character at every place among them.
    #[test]
    fn strings_end_where_they_end() {
        for before in 0..20 {
            for after in 0..10 {
                let (before, after) = ("\u{e9}".repeat(before), "z".repeat(after));
                let known = |middle: &str| read(&format!(r#"{{"known":"{before}{middle}{after}"}}"#));
                assert_eq!(known("").unwrap(), [format!("{before}{after}")]);
                assert_eq!(known("\\\"").unwrap(), [format!("{before}\"{after}")]);
                assert_eq!(known("\\ud83d\\ude00!").unwrap(), [format!("{before}\u{1f600}!{after}")]);
                assert_eq!(known("\u{7f}\u{80}").unwrap(), [format!("{before}\u{7f}\u{80}{after}")]);
                for control in 0..0x20 {
                    assert!(known(&char::from(control).to_string()).is_err());
                }
                assert!(known("\"").is_err());
            }
        }
    }

    #[test]
    fn a_fault_is_where_it_says() {
        assert_eq!(read("{\n  \"a\": x}"), Err(JsonError::Malformed { line: 2, column: 8 }));
        assert_eq!(read(""), Err(JsonError::Malformed { line: 1, column: 1 }));
    }
}
