//! The bodies of requests.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use tollgate::adapter::RequestView;
use zeroize::Zeroizing;

use super::problem::Problem;

/// The largest body of a request. A password has at most 1,024 bytes.
pub(super) const MAX_BODY_BYTES: usize = 8 * 1024;

/// Checks the headers that describe the body. A form on another site cannot send `application/json`.
pub(super) fn check_head<R: RequestView>(request: &R) -> Result<(), Problem> {
    let mut types = request.header_values("content-type");
    let is_json = types.next().is_some_and(|value| essence(value) == b"application/json");
    if !is_json || types.next().is_some() {
        return Err(Problem::MediaType);
    }
    let length = request.header_values("content-length").next();
    match length.and_then(|value| std::str::from_utf8(value).ok()).map(str::parse::<usize>) {
        Some(Ok(length)) if length <= MAX_BODY_BYTES => Ok(()),
        // Also for a length that does not fit into a `usize`.
        Some(_) => Err(Problem::TooLarge),
        None => Ok(()),
    }
}

/// Returns the media type without its parameters.
fn essence(value: &[u8]) -> Vec<u8> {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().to_ascii_lowercase()
}

/// Parses a body as a JSON object. Ignores unknown members. A member that is `null` counts as absent, for every member
/// of every body.
///
/// The message of a parse error goes neither to the client nor into the log, as it may quote a password.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let read = || {
        let Members(members) = serde_json::from_slice(body)?;
        T::deserialize(MapDeserializer::new(members.into_iter()))
    };
    read().map_err(|error: serde_json::Error| {
        tracing::info!(category = ?error.classify(), "request body is not the expected JSON object");
        Problem::Malformed
    })
}

/// The members of an object, each once, without those that are `null`. The values stay in the body, so secrets are
/// not copied.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        members.retain(|_, value| value.get() != "null");
        Ok(Members(members.into_iter().collect()))
    }
}

/// The body of a login.
#[derive(Debug, serde::Deserialize)]
pub(super) struct LoginBody {
    pub(super) email: String,
    pub(super) password: Secret,
    #[serde(default)]
    pub(super) mode: Mode,
    /// Whether the session is persistent.
    #[serde(default = "default_remember")]
    pub(super) remember: bool,
}

fn default_remember() -> bool {
    true
}

/// Where the response puts the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// In the body of the response.
    #[default]
    Token,
    /// In cookies that scripts cannot read.
    Cookie,
}

/// The body of a registration.
#[derive(Debug, serde::Deserialize)]
pub(super) struct RegisterBody {
    pub(super) email: String,
    pub(super) password: Secret,
}

/// The body of a password change.
#[derive(Debug, serde::Deserialize)]
pub(super) struct PasswordBody {
    pub(super) current_password: Secret,
    pub(super) new_password: Secret,
}

/// The body of a refresh or a logout.
#[derive(Debug, serde::Deserialize)]
pub(super) struct TokenBody {
    pub(super) refresh_token: Option<Secret>,
}

/// A text that is wiped from memory on drop, and that `Debug` does not show.
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_body_is_parsed() {
        let body = br#" {"email":"a@b.example","x":{"y":[1]},"password":"p\u00e4ss \ud83d\udd11","mode":"cookie","remember":false}"#;
        let login: LoginBody = read(body).unwrap();
        assert_eq!((login.email.as_str(), login.password.expose()), ("a@b.example", "päss 🔑"));
        assert_eq!((login.mode, login.remember), (Mode::Cookie, false));
        let least: LoginBody = read(br#"{"email":"","password":""}"#).unwrap();
        assert_eq!((least.mode, least.remember), (Mode::Token, true));
        assert!(!format!("{login:?}").contains("päss"));
    }

    #[test]
    fn login_body_rejects_malformed_json() {
        let deep = format!(r#"{{"email":"a","password":"b","x":{}}}"#, "[".repeat(4000));
        let cases: [&[u8]; 17] = [
            b"",
            b"null",
            b"[]",
            br#"["a","b"]"#,
            br#""a""#,
            b"{",
            b"{}",
            br#"{"email":"a"}"#,
            br#"{"email":"a","password":null}"#,
            br#"{"email":"a","password":1}"#,
            br#"{"email":"a","password":"b","password":"c"}"#,
            br#"{"email":"a","password":null,"password":"c"}"#,
            br#"{"email":"a","password":"b","mode":"Cookie"}"#,
            br#"{"email":"a","password":"b","remember":"yes"}"#,
            br#"{"email":"a","password":"b"}{}"#,
            b"{\"email\":\"a\xff\",\"password\":\"b\"}",
            deep.as_bytes(),
        ];
        for case in cases {
            let text = String::from_utf8_lossy(case);
            assert_eq!(read::<LoginBody>(case).map(drop), Err(Problem::Malformed), "{text}");
        }
    }

    /// Each member of each body: `null` has the outcome of an absent member.
    #[test]
    fn null_member_counts_as_absent() {
        fn check<T: DeserializeOwned + fmt::Debug>(body: &str) {
            let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(body).unwrap();
            let shown = |body: serde_json::Map<_, _>| {
                read::<T>(serde_json::Value::Object(body).to_string().as_bytes())
                    .map(|body| format!("{body:?}"))
            };
            assert!(shown(all.clone()).is_ok(), "{body}");
            for name in all.keys() {
                let (mut null, mut absent) = (all.clone(), all.clone());
                null.insert(name.clone(), serde_json::Value::Null);
                absent.remove(name);
                assert_eq!(shown(null), shown(absent), "{name} in {body}");
            }
        }
        check::<LoginBody>(
            r#"{"email":"a","password":"b","mode":"cookie","remember":false,"unknown":{"x":null}}"#,
        );
        check::<RegisterBody>(r#"{"email":"a","password":"b"}"#);
        check::<PasswordBody>(r#"{"current_password":"a","new_password":"b"}"#);
        check::<TokenBody>(r#"{"refresh_token":"a"}"#);
        let login: LoginBody =
            read(br#"{"email":"a","password":"b","mode": null ,"remember":null}"#).unwrap();
        assert_eq!((login.mode, login.remember), (Mode::Token, true));
        assert!(read::<TokenBody>(b"{}").unwrap().refresh_token.is_none());
        assert!(read::<TokenBody>(br#"{"refresh_token":null}"#).unwrap().refresh_token.is_none());
    }
}
