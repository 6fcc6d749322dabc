//! [`AudienceRule`]: how a token shows that it is meant for this API.

use std::fmt;

use crate::audience::Audience;
use crate::claims::{ClaimPath, Payload};
use crate::error::{ClaimError, ConfigError, Excerpt, TokenError};
use crate::json::{self, JsonError};
use crate::token::CompactToken;

/// How a token shows that it is meant for this API. An [`Audience`] is such a rule: `aud` must name it, which is right
/// for all issuers that follow RFC 7519 §4.1.3.
///
/// All other rules apply only to tokens without `aud`. A token that has an `aud` must name one of the verifier's
/// audiences there, whatever other rules it has (RFC 7519 §4.1.3: "MUST be rejected").
///
/// ```
/// use tollgate::{Audience, AudienceRule};
///
/// let api = AudienceRule::from(Audience::new("api://demo")?);
/// // Amazon Cognito names the application in `client_id`, and has no `aud` in access tokens.
/// let cognito = AudienceRule::claim("client_id", ["1h57kf5cpq17m0eml12EXAMPLE"])?;
/// # let _ = (api, cognito);
/// # Ok::<(), tollgate::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AudienceRule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Audience(Audience),
    Claim(ClaimPath, Box<[Box<str>]>),
    HeaderMember(Box<str>, Box<[Box<str>]>),
    Absent(TokenBinding),
}

/// What binds a token without an audience to this API. See [`AudienceRule::insecure_absent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenBinding {
    /// The keys of the verifier sign tokens for this API only.
    DedicatedKey,
    /// The issuer issues tokens for this API only, although it may use its keys for other purposes.
    DedicatedIssuer,
}

impl AudienceRule {
    /// Accepts tokens without `aud` whose claim at `path` is one of these values: a string, or an array that contains
    /// one of them.
    ///
    /// # Security
    /// The claim must name the application that the token is *for*. In `azp` and `client_id`, it names the application
    /// that requested it: with such a claim, an application of the same issuer that is not in the list is rejected, but
    /// the API cannot be told apart from other APIs that the listed applications call.
    ///
    /// # Errors
    /// [`ConfigError::Empty`] without values. [`ConfigError::Identifier`] for a value that no claim would have by
    /// purpose: empty, with white space around it or with a control character.
    pub fn claim<V: Into<Box<str>>>(
        path: impl Into<ClaimPath>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, ConfigError> {
        checked(values).map(|values| Self(Kind::Claim(path.into(), values)))
    }

    /// Accepts tokens without `aud` whose header member `name` is one of these values, such as `signer` in the tokens
    /// of AWS load balancers. The member is covered by the signature, as claims are.
    ///
    /// # Errors
    /// As for [`claim`](Self::claim).
    pub fn header_member<V: Into<Box<str>>>(
        name: impl Into<Box<str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, ConfigError> {
        checked(values).map(|values| Self(Kind::HeaderMember(name.into(), values)))
    }

    /// Accepts tokens without `aud`. The caller names what binds such a token to this API instead.
    ///
    /// # Security
    /// This gives up the check of the audience (RFC 8725 §3.9). If the binding does not hold, every token of the issuer
    /// is accepted, also those for other applications.
    #[must_use]
    pub const fn insecure_absent(binding: TokenBinding) -> Self {
        Self(Kind::Absent(binding))
    }

    /// Checks that the token is meant for this API by one of `rules`.
    #[inline]
    pub(super) fn check_any(
        rules: &[Self],
        payload: &Payload,
        token: &CompactToken<'_>,
    ) -> Result<(), TokenError> {
        let Some(mut found) = payload.audience() else { return Self::check_absent(rules, payload, token) };
        if found.any(|found| rules.iter().any(|rule| rule.names(found))) {
            return Ok(());
        }
        let found: Vec<&str> = payload.audience().into_iter().flatten().take(8).collect();
        Err(TokenError::AudienceMismatch { found: Excerpt::new(&found.join(" ")) })
    }

    fn names(&self, audience: &str) -> bool {
        matches!(&self.0, Kind::Audience(ours) if ours.as_str() == audience)
    }

    /// Checks a token without `aud`.
    fn check_absent(rules: &[Self], payload: &Payload, token: &CompactToken<'_>) -> Result<(), TokenError> {
        let mut verdict = Err(TokenError::claim("aud", ClaimError::Missing));
        for rule in rules {
            let found = match &rule.0 {
                Kind::Audience(_) => continue,
                Kind::Absent(_) => return Ok(()),
                Kind::Claim(path, values) => claim_names(path, values, payload.json()),
                Kind::HeaderMember(name, values) => header_names(name, values, token),
            };
            if found.is_ok() {
                return Ok(());
            }
            verdict = found;
        }
        verdict
    }
}

impl From<Audience> for AudienceRule {
    fn from(audience: Audience) -> Self {
        Self(Kind::Audience(audience))
    }
}

impl fmt::Display for AudienceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Audience(audience) => write!(f, "aud {audience}"),
            Kind::Claim(path, values) => write!(f, "{path} {}", values.join(" or ")),
            Kind::HeaderMember(name, values) => write!(f, "header {name} {}", values.join(" or ")),
            Kind::Absent(binding) => write!(f, "no audience, bound by {binding:?}"),
        }
    }
}

fn checked<V: Into<Box<str>>>(values: impl IntoIterator<Item = V>) -> Result<Box<[Box<str>]>, ConfigError> {
    let check = |value: V| crate::grammar::identifier("audience", value.into());
    let values = values.into_iter().map(check).collect::<Result<Box<[_]>, _>>()?;
    if values.is_empty() { Err(ConfigError::Empty { what: "audience" }) } else { Ok(values) }
}

fn claim_names(path: &ClaimPath, values: &[Box<str>], payload: &str) -> Result<(), TokenError> {
    let refuse = |error| Err(TokenError::claim(path.to_string(), error));
    let Ok(found) = path.find(payload) else { return refuse(ClaimError::WrongType) };
    let Some(json) = found.filter(|json| *json != "null") else { return refuse(ClaimError::Missing) };
    let mut is_named = false;
    let mut look = |text: &str| is_named |= values.iter().any(|value| **value == *text);
    let is_text = json::read_value(json, |value| {
        if let Some(text) = value.text()? {
            look(&text);
            return Ok(true);
        }
        value.texts(|text| look(&text))
    });
    match is_text {
        Ok(true) if is_named => Ok(()),
        Ok(true) => refuse(ClaimError::WrongValue),
        Ok(false) | Err::<_, JsonError>(_) => refuse(ClaimError::WrongType),
    }
}

fn header_names(name: &str, values: &[Box<str>], token: &CompactToken<'_>) -> Result<(), TokenError> {
    match token.header_member(name)? {
        Some(found) if values.iter().any(|value| **value == *found) => Ok(()),
        Some(_) => Err(TokenError::HeaderMember { name: name.into(), error: ClaimError::WrongValue }),
        None => Err(TokenError::HeaderMember { name: name.into(), error: ClaimError::Missing }),
    }
}
