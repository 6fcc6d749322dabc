//! [`FromClaims`]: types that can be made from the claims of a token.

use serde::de::DeserializeOwned;

use super::Verified;
use crate::error::ClaimsError;
use crate::json;

/// A type that an application can extract from a verified token.
///
/// Every type that derives `serde::Deserialize` and owns its fields (`serde::de::DeserializeOwned`) implements
/// this trait: name the claims that you want as fields. Implement it yourself for a type that is computed, is
/// checked further, or combines the token and its header:
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
/// When the type cannot be made from an otherwise valid token, the token is at fault: the response is 401
/// `invalid_token`, and the log names the claim.
pub trait FromClaims: Sized {
    /// Creates the type from a token whose signature and claims have been verified.
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

/// Deserializes again and tracks the path of the error. Tracking costs as much as the deserialization, so this
/// runs only after a failure.
fn with_path<T: DeserializeOwned>(token: &Verified) -> Result<T, ClaimsError> {
    let mut json = serde_json::Deserializer::from_str(token.payload());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let problem = without_values(&error.inner().to_string());
        ClaimsError::new(format!("claim `{}`: {problem}", error.path()))
    })
}

/// Returns the part of serde's message that comes from the application's type. The rest may quote values of
/// claims.
fn without_values(message: &str) -> String {
    if message.starts_with("missing field `") {
        return message.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_found, expected)) => format!("wrong type or value, {expected}"),
        None => "wrong type or value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::testing::{NOW, token, verifier};

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never constructed")]
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
    fn error_names_the_claim_but_not_its_value() {
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
    fn application_messages_stay_on_one_line() {
        let error = crate::ClaimsError::new(format!("a\nb\u{1b}[31m{}", "x".repeat(1000)));
        let shown = error.to_string();
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}') && shown.len() < 600, "{shown}");
    }
}
