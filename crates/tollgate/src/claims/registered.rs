//! [`RegisteredClaims`]: the claims of RFC 7519 §4.1 as a plain type.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::UnixTime;

/// The registered claims of RFC 7519 §4.1. A fractional time is rounded down to a second.
///
/// An application can extract this type from a verified token, alone or flattened into a type of its own. A
/// value of this type does not prove that a token was verified; only [`Verified`](crate::Verified) does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegisteredClaims {
    /// `iss`: the issuer of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// `sub`: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// `aud`: the recipients of the token.
    #[serde(default, skip_serializing_if = "Audiences::is_empty")]
    pub aud: Audiences,
    /// `exp`: the time at which the token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<UnixTime>,
    /// `nbf`: the time from which the token is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<UnixTime>,
    /// `iat`: the time at which the token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<UnixTime>,
    /// `jti`: the ID of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// `aud`: the recipients of a token (RFC 7519 §4.1.3). In JSON it is one string, or an array of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audiences(Vec<String>);

impl Audiences {
    /// Returns whether `recipient` is one of the recipients, compared exactly.
    #[must_use]
    pub fn contains(&self, recipient: &str) -> bool {
        self.iter().any(|known| known == recipient)
    }

    /// Returns an iterator over the recipients.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns whether there are no recipients.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: Into<String>> FromIterator<S> for Audiences {
    fn from_iter<I: IntoIterator<Item = S>>(recipients: I) -> Self {
        Self(recipients.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Audiences {
    fn from(recipient: &str) -> Self {
        Self(vec![recipient.to_owned()])
    }
}

impl Serialize for Audiences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        Ok(Self(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_claims_round_trip_through_json() {
        let json = r#"{"iss":"i","aud":["a","b"],"exp":2.5,"iat":1}"#;
        let claims: RegisteredClaims = serde_json::from_str(json).unwrap();
        assert!(claims.aud.contains("b") && claims.sub.is_none());
        assert_eq!(claims.exp, Some(UnixTime::from_secs(2)));
        assert_eq!(serde_json::to_string(&claims).unwrap(), r#"{"iss":"i","aud":["a","b"],"exp":2,"iat":1}"#);
        let one = RegisteredClaims { aud: "a".into(), ..RegisteredClaims::default() };
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"aud":"a"}"#);
    }

    #[test]
    fn registered_claims_can_be_flattened() {
        #[derive(Deserialize)]
        struct Own {
            tenant: String,
            #[serde(flatten)]
            registered: RegisteredClaims,
        }
        let own: Own = serde_json::from_str(r#"{"tenant":"t","aud":"a","exp":1700000000}"#).unwrap();
        assert_eq!(own.tenant, "t");
        assert_eq!(own.registered.exp, Some(UnixTime::from_secs(1_700_000_000)));
    }
}
