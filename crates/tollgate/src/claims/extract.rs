//! [`FromClaims`]: the Claims extractor trait.

use serde::de::DeserializeOwned;

use crate::error::ClaimsError;
use crate::json;
use crate::verified::Verified;

/// What an application can take from a verified token.
///
/// Every type that implements `serde::Deserialize` implements it: name the claims you want as fields. Implement it
/// yourself for a type that is computed, checked further, or put together from the token and its header:
///
/// ```
/// use tollgate::{ClaimsError, FromClaims, Verified};
///
/// struct TenantId(u64);
///
/// impl FromClaims for TenantId {
///     fn from_claims(token: &Verified) -> Result<Self, ClaimsError> {
///         let subject = token.subject().ok_or_else(|| ClaimsError::new("no subject"))?;
///         let (tenant, _user) = subject.split_once('|').ok_or_else(|| ClaimsError::new("subject without tenant"))?;
///         tenant.parse().map(TenantId).map_err(|_cause| ClaimsError::new("tenant is not a number"))
///     }
/// }
/// ```
///
/// A type that cannot be made from an otherwise valid token is the token's fault: the request is answered with 401
/// `invalid_token`, and the log says which claim it was.
pub trait FromClaims: Sized {
    /// Makes the type from a token whose signature and claims have been checked.
    ///
    /// # Errors
    /// [`ClaimsError`] when the token does not hold what the type needs.
    fn from_claims(token: &Verified) -> Result<Self, ClaimsError>;
}

impl<T: DeserializeOwned> FromClaims for T {
    fn from_claims(token: &Verified) -> Result<Self, ClaimsError> {
        let payload = token.payload();
        json::from_members(payload, token.raw().members())
            .or_else(|_unusual| serde_json::from_str(payload))
            .or_else(|_misfit| with_path(token))
    }
}

/// The same again, keeping track of where it is: that costs as much as the reading, so only what has failed is read so.
fn with_path<T: DeserializeOwned>(token: &Verified) -> Result<T, ClaimsError> {
    let mut json = serde_json::Deserializer::from_str(token.payload());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let problem = without_values(&error.inner().to_string());
        ClaimsError::new(format!("claim `{}`: {problem}", error.path()))
    })
}

/// Of what serde says, the part that comes from the application's type. The rest may quote values of claims.
fn without_values(message: &str) -> String {
    if message.starts_with("missing field `") {
        return message.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_found, expected)) => format!("not as expected, {expected}"),
        None => "not what the type takes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::testing::{NOW, token, verifier};

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never made")]
    struct Wanted {
        #[serde(default)]
        level: u8,
        #[serde(default)]
        kind: Option<Kind>,
        tenant: String,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Known,
    }

    fn refusal(claims: &str) -> String {
        let verified = verifier().verify(&token(claims), NOW).unwrap();
        let error = verified.claims::<Wanted>().unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    }

    #[test]
    fn the_claim_is_named_and_its_value_is_not() {
        assert!(refusal("").starts_with("claim `.`: missing field `tenant`"), "{}", refusal(""));
        for planted in [
            r#""level":"SENTINEL""#,
            r#""level":123456789"#,
            r#""kind":"SENTINEL""#,
            r#""kind":"a\nforged, expected b""#,
        ] {
            let message = refusal(planted);
            assert!(message.contains("level") || message.contains("kind"), "{message}");
            for value in ["SENTINEL", "123456789", "forged", "\n"] {
                assert!(!message.contains(value), "{message}");
            }
        }
    }

    #[test]
    fn messages_of_the_application_stay_on_one_line() {
        let error = crate::ClaimsError::new(format!("a\nb\u{1b}[31m{}", "x".repeat(1000)));
        let shown = error.to_string();
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}') && shown.len() < 600, "{shown}");
    }
}
