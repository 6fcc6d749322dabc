//! A strict single-pass parser for JSON objects. It visits each member once, and rejects duplicate names and
//! deep nesting.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a parser reject duplicate names or use the last one. Two parsers that choose
//! differently see two different tokens, so this one rejects duplicates. `serde_json` later reads the same text
//! into the application's claims, so this parser accepts nothing that `serde_json` rejects
//! (`parser_agrees_with_serde_json`).

mod deserializer;
mod members;
mod names;
mod quotes;
mod scanner;

pub(crate) use deserializer::from_members;
pub(crate) use members::{Members, Value};
use names::Names;
pub(crate) use scanner::Scanner;

/// The reason why a text is not the expected JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The text is not JSON, is not an object, is nested too deep, or has trailing text.
    #[error("expected a single well-formed JSON object (line {line}, column {column})")]
    Malformed {
        /// The line of the first error, from 1.
        line: usize,
        /// The column of the first error, from 1.
        column: usize,
    },
    /// A member name occurs twice.
    #[error("a member name occurs twice")]
    DuplicateMember,
    /// The object has more than 256 members.
    #[error("more than {} members", Names::MAX)]
    TooManyMembers,
    /// The name of a member is reserved by `serde_json`, so parsers could read it differently.
    #[error("a member name is reserved")]
    ReservedMember,
}

/// The reason why an object was not read to its end.
#[derive(Debug)]
pub(crate) enum Fault<R> {
    /// The JSON is malformed.
    Json(JsonError),
    /// The caller's visitor rejected a value.
    Refused(R),
}

impl<R> From<JsonError> for Fault<R> {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// Reads `text` as one value without trailing text.
pub(crate) fn read_value<'de, T, E: From<JsonError>>(
    text: &'de str,
    read: impl FnOnce(&mut Scanner<'de>) -> Result<T, E>,
) -> Result<T, E> {
    let mut scanner = Scanner::new(text);
    let value = read(&mut scanner)?;
    scanner.end()?;
    Ok(value)
}

/// Reads `text` as one object without trailing text. `each` receives the name of every member and reads its
/// value, or returns `false` to have it skipped.
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
    fn members_are_visited_with_and_without_escapes() {
        assert_eq!(read(r#"{"known":"a","other":[1,2.5,-1,null,{"x":true}]}"#).unwrap(), ["a"]);
        assert_eq!(read(r#"{"\u006bnown":"\u0061"}"#).unwrap(), ["a"]);
        assert_eq!(read("{}").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn duplicates_are_rejected_with_and_without_escapes() {
        for text in
            [r#"{"known":"a","known":"b"}"#, r#"{"known":"a","\u006bnown":"b"}"#, r#"{"other":1,"other":1}"#]
        {
            assert_eq!(read(text), Err(JsonError::DuplicateMember), "{text}");
        }
    }

    /// `serde_json::Value` would read this as the number or text inside.
    #[test]
    fn reserved_names_are_rejected() {
        for text in [
            r#"{"$serde_json::private::RawValue":"1"}"#,
            r#"{"tier":{"$serde_json::private::RawValue":"\"gold\""}}"#,
            r#"{"tier":[{"$serde_json::private::Number":"1"}]}"#,
        ] {
            assert_eq!(read(text), Err(JsonError::ReservedMember), "{text}");
        }
    }

    #[test]
    fn text_is_malformed_unless_it_is_one_object() {
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

    /// Pieces of JSON, and characters that JSON does not allow.
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\u{b}", "\"", "\"a\"", "\"b\"",
        "\"\\u0061\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "\"\\x\"",
        "\"\\u+123\"", "\"\u{1f600}\"", "\"\u{7f}\"", "\"\u{1f}\"", "0", "-", "1", "01", "1.5",
        "1.", ".5", "1e5", "1E+5", "1e", "1e400", "1.7976931348623158e308", "-0", "true", "false", "null", "nul", "\"key\":",
        "\"other\":", "{\"x\":[1,{}]}", "[[],[{}]]", "12345678901234567890123",
    ];

    /// `serde_json` reads the accepted text again, so both must accept the same texts.
    #[test]
    fn parser_agrees_with_serde_json() {
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
                    Ok(()) => prop_assert!(theirs.is_ok(), "accepted by this parser only: {text}"),
                    // `serde_json` uses the last of two duplicates.
                    Err(JsonError::DuplicateMember) => {}
                    Err(error) => {
                        prop_assert!(theirs.is_err(), "rejected by this parser only: {text}: {error}");
                    }
                }
                Ok(())
            })
            .unwrap();
    }

    /// The parser reads eight bytes at a time, so the test puts a quote, an escape and a control character at
    /// every position of them.
    #[test]
    fn special_characters_are_found_at_every_position() {
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
    fn error_reports_line_and_column() {
        assert_eq!(read("{\n  \"a\": x}"), Err(JsonError::Malformed { line: 2, column: 8 }));
        assert_eq!(read(""), Err(JsonError::Malformed { line: 1, column: 1 }));
    }
}
