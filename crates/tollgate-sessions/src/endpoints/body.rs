//! The bodies of requests.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
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

/// Parses a body as a JSON object. Ignores unknown members.
///
/// The message of a parse error goes neither to the client nor into the log, as it may quote a password.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // A derived `Deserialize` would accept an array too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::Malformed);
    }
    serde_json::from_slice(body).map_err(|error| {
        tracing::info!(
            line = error.line(),
            column = error.column(),
            "request body is not the expected JSON object"
        );
        Problem::Malformed
    })
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
        let cases: [&[u8]; 16] = [
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
        assert!(read::<TokenBody>(b"{}").unwrap().refresh_token.is_none());
        assert!(read::<TokenBody>(br#"{"refresh_token":null}"#).unwrap().refresh_token.is_none());
    }
}
