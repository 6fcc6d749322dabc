use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Members, from_members};
use crate::claims::RegisteredClaims;
use crate::json::{JsonError, read_object};

#[derive(Debug, PartialEq, Deserialize)]
struct Plain {
    a: String,
    #[serde(default)]
    b: Option<u8>,
    #[serde(default, rename = "c\n")]
    c: Vec<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flattened {
    a: Value,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Flag(bool),
    Small(u8),
    Signed(i32),
    Real(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Nothing(()),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "a")]
enum Tagged {
    #[serde(rename = "x")]
    X { b: Untagged },
    #[serde(rename = "1")]
    One,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Variant {
    #[serde(rename = "x")]
    X,
    #[serde(rename = "a")]
    A(u8),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    a: Newtype,
    b: (u8, char),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Newtype(f32);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Name(String);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Holds<T> {
    a: T,
}

/// What is read here is what `serde_json` reads.
fn agrees<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> Result<(), TestCaseError> {
    let mut members = Members::default();
    if members.read::<JsonError>(text, |_, _| Ok(false)).is_ok()
        && let Ok(ours) = from_members::<T>(text, &members)
    {
        prop_assert_eq!(Some(ours), serde_json::from_str(text).ok(), "{}", text);
    }
    Ok(())
}

fn agree<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> Result<(), TestCaseError> {
    agrees::<T>(text)?;
    agrees::<Option<T>>(text)?;
    agrees::<Holds<T>>(text)?;
    agrees::<Holds<Option<T>>>(text)?;
    agrees::<Holds<Vec<T>>>(text)
}

#[rustfmt::skip]
const SCALARS: &[&str] = &[
    "null", "true", "false", "0", "-0", "1", "-1", "255", "256", "-128", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "0.0", "-0.0", "1.5",
    "1e2", "-1E-2", "0.1", "123456789012345678901234567890", "\"\"", "\"x\"", "\"1\"", "\"true\"", "\"\\u0061\"",
    "\"\u{1f600}\"", "\"a b\"", "{}", "[]", "[1]", "[\"x\",\"y\"]", "[ 1 , 2 ]", "[1,\"x\"]", "{\"a\":1}", "{ \"x\" : null }",
    "{\"1\":2}", "{\"b\":[1,{\"a\":\"x\"}],\"a\":\"x\"}",
];

#[test]
fn deserializer_agrees_with_serde_json() {
    let scalar = proptest::sample::select(SCALARS).prop_map(str::to_owned);
    let name = proptest::sample::select(&["\"a\"", "\"b\"", "\"c\\n\"", "\"1\"", "\"\\u0061\"", "\"x\""][..]);
    let value = scalar.prop_recursive(3, 12, 4, move |inner| {
        let space = proptest::sample::select(&["", " ", "\n"][..]);
        let member = (name.clone(), inner.clone(), space);
        let object = proptest::collection::vec(member, 0..4).prop_map(|members| {
            let members =
                members.into_iter().map(|(name, value, space)| format!("{space}{name}{space}:{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        let array =
            proptest::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(",")));
        prop_oneof![3 => object, 1 => array]
    });
    let config = proptest::test_runner::Config { cases: 5_000, ..Default::default() };
    TestRunner::new(config)
        .run(&value, |text| {
            // The deserializer receives only text that was parsed as an object without duplicate names.
            let text = format!("{{\"a\":{text},\"z\":null}}");
            if read_object(&text, |_, _| Ok::<_, JsonError>(false)).is_err() {
                return Ok(());
            }
            agree::<Value>(&text)?;
            agree::<HashMap<String, Value>>(&text)?;
            agree::<BTreeMap<u16, Value>>(&text)?;
            agree::<BTreeMap<Option<String>, Value>>(&text)?;
            agree::<Plain>(&text)?;
            agree::<Flattened>(&text)?;
            agree::<Untagged>(&text)?;
            agree::<Tagged>(&text)?;
            agree::<Variant>(&text)?;
            agree::<Name>(&text)?;
            agree::<BTreeMap<Name, Option<Name>>>(&text)?;
            agree::<BTreeMap<Variant, Value>>(&text)?;
            agree::<Strict>(&text)?;
            agree::<RegisteredClaims>(&text)?;
            agree::<(String, u64)>(&text)?;
            agree::<String>(&text)?;
            agree::<char>(&text)?;
            agree::<bool>(&text)?;
            agree::<()>(&text)?;
            agree::<u64>(&text)?;
            agree::<i8>(&text)?;
            agree::<f64>(&text)?;
            agree::<f32>(&text)?;
            agree::<i128>(&text)
        })
        .unwrap();
}

#[test]
fn common_claims_take_the_fast_path() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct User {
        sub: String,
        level: i16,
        kind: Kind,
        roles: Vec<String>,
        tenant: Option<Newtype>,
        admin: bool,
        #[serde(flatten)]
        registered: RegisteredClaims,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Human,
    }
    let text = r#"{"sub":"a\u006cice","x":[{"y":null}],"level":-3,"kind":"human","roles":["a", "b"],"tenant":7,"admin":true,"exp":1700000000,"aud":["api"],"iss":"i"}"#;
    let members = members(text);
    assert!(members.of(text).is_some());
    let user = from_members::<User>(text, &members).unwrap();
    assert_eq!((user.sub.as_str(), user.level), ("alice", -3));
    assert_eq!(user, serde_json::from_str(text).unwrap());
}

fn members(text: &str) -> Members {
    let mut members = Members::default();
    members.read::<JsonError>(text, |_, _| Ok(false)).unwrap();
    members
}

/// As many members as can be recorded, and one more; names with escapes, and white space.
#[test]
fn members_are_read_when_not_recorded() {
    for (count, is_located) in [(0, true), (1, true), (16, true), (17, false)] {
        let list: Vec<String> = (0..count).map(|i| format!(r#""m{i}":"v{i}""#)).collect();
        let text = format!("{{{}}}", list.join(","));
        let members = members(&text);
        assert_eq!(members.of(&text).is_some(), is_located, "{count}");
        let map: BTreeMap<String, String> = from_members(&text, &members).unwrap();
        assert_eq!(map, serde_json::from_str(&text).unwrap());
    }
    for (text, is_located) in [
        (r#"{"a":"\u0062","x":"y"}"#, true),
        (r#"{"\u0061":"b","x":"y"}"#, false),
        (r#" {"a":"b","x":"y"}"#, false),
        (r#"{ "a":"b","x":"y"}"#, false),
        (r#"{"a" :"b","x":"y"}"#, false),
        (r#"{"a": "b","x":"y"}"#, false),
        (r#"{"a":"b" ,"x":"y"}"#, false),
        (r#"{"a":"b", "x":"y"}"#, false),
        (r#"{"a":"b","x":"y" } "#, true),
    ] {
        assert_eq!(members(text).of(text).is_some(), is_located, "{text}");
        let map: BTreeMap<String, String> = from_members(text, &members(text)).unwrap();
        assert_eq!(map, BTreeMap::from([("a".into(), "b".into()), ("x".into(), "y".into())]));
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000));
    assert!(members(&long).of(&long).is_none());
    assert_eq!(from_members::<Holds<String>>(&long, &members(&long)).unwrap().a.len(), 70_000);
}

#[test]
fn what_is_out_of_the_ordinary_is_left() {
    fn is_left<T: DeserializeOwned>(text: &str) -> bool {
        from_members::<T>(text, &members(text)).is_err()
    }
    assert!(is_left::<BTreeMap<u8, u8>>(r#"{"1":1}"#));
    assert!(is_left::<Holds<Box<serde_json::Number>>>(r#"{"a":"1"}"#));
    assert!(is_left::<Holds<u8>>(r#"{"a":256}"#));
    assert!(is_left::<Holds<u8>>(r#"{"b":1}"#));
    assert!(is_left::<Holds<(u8,)>>(r#"{"a":[1,2]}"#));
    assert!(is_left::<Vec<(String, String)>>(r#"{"a":"b"}"#));
    assert!(is_left::<String>(r#"{"a":"b"}"#));
}
