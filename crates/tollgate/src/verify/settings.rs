//! Settings of a verifier that have logic of their own.

use crate::claims::ClaimPath;
use crate::error::{ClaimError, ConfigError, TokenError};
use crate::header::media_type;

/// The accepted values of `typ`.
#[derive(Clone, Debug)]
pub(super) struct Types {
    names: Vec<Box<str>>,
    absent: bool,
}

impl Default for Types {
    /// Returns the types that issuers use for access tokens. Other types mark other kinds of tokens (RFC 8725
    /// §3.11).
    fn default() -> Self {
        Self { names: vec!["JWT".into(), "at+jwt".into()], absent: true }
    }
}

impl Types {
    pub(super) fn rfc9068() -> Self {
        Self { names: vec!["at+jwt".into()], absent: false }
    }

    pub(super) fn named<T: Into<Box<str>>>(names: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let names: Vec<Box<str>> = names.into_iter().map(|name| media_type(&name.into()).into()).collect();
        if names.is_empty() {
            return Err(ConfigError::Empty { what: "type of token" });
        }
        Ok(Self { names, absent: false })
    }

    pub(super) fn accept_absent(&mut self) {
        self.absent = true;
    }

    /// Returns whether `typ` alone proves that a token is an access token, as in the profile of RFC 9068.
    pub(super) fn is_access_token_only(&self) -> bool {
        !self.absent && self.names.iter().all(|name| name.eq_ignore_ascii_case("at+jwt"))
    }

    pub(super) fn accept(&self, typ: Option<&str>) -> bool {
        match typ {
            // The fast path: most issuers use the exact spelling.
            Some(typ) => {
                self.names.iter().any(|name| **name == *typ)
                    || self.names.iter().any(|name| name.eq_ignore_ascii_case(media_type(typ)))
            }
            None => self.absent,
        }
    }
}

/// A required claim.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    path: ClaimPath,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Present,
    String,
    Value(serde_json::Value),
}

impl Requirement {
    /// The claims that RFC 9068 §2.2 requires beyond `iss`, `exp` and `aud`.
    pub(super) const RFC9068: [&str; 4] = ["sub", "client_id", "jti", "iat"];

    pub(super) fn present(path: ClaimPath) -> Self {
        Self { path, expected: Expected::Present }
    }

    /// Returns the requirement of a string. `iat` needs no check of its type, because the payload has parsed it
    /// as a number.
    pub(super) fn string(name: &'static str) -> Self {
        let expected = if name == "iat" { Expected::Present } else { Expected::String };
        Self { path: ClaimPath::name(name), expected }
    }

    pub(super) fn value(path: ClaimPath, value: impl serde::Serialize) -> Result<Self, ConfigError> {
        let value = serde_json::to_value(value)
            .map_err(|_cause| ConfigError::Conflict("required claim value has no JSON form"))?;
        Ok(Self { path, expected: Expected::Value(value) })
    }

    pub(super) fn check(&self, payload: &str) -> Result<(), TokenError> {
        let refuse = |error| Err(TokenError::claim(self.path.to_string(), error));
        let Ok(found) = self.path.find(payload) else { return refuse(ClaimError::WrongType) };
        // The one rule for `null`: it counts as absent.
        let Some(json) = found.filter(|json| *json != "null") else { return refuse(ClaimError::Missing) };
        match &self.expected {
            Expected::Present => Ok(()),
            Expected::String if json.starts_with('"') => Ok(()),
            Expected::String => refuse(ClaimError::WrongType),
            Expected::Value(expected) => match serde_json::from_str::<serde_json::Value>(json) {
                Ok(found) if found == *expected => Ok(()),
                _ => refuse(ClaimError::WrongValue),
            },
        }
    }
}
