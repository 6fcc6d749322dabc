//! [`FromClaims`]: the Claims extractor trait.

use serde::de::DeserializeOwned;

use crate::error::ClaimsError;
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
        serde_json::from_str(token.payload()).map_err(|error| ClaimsError::new(without_values(&error)))
    }
}

/// What serde says, without the values of claims that it quotes: `invalid type: string "…", expected u64` keeps its
/// ends only.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some((before, rest)) = text.split_once('"') else { return text };
    match rest.rsplit_once('"') {
        Some((_value, after)) => format!("{before}\"…\"{after}"),
        None => format!("{before}…"),
    }
}
