//! [`IssuerRule`]: the tokens that belong to a verifier, by their claim `iss`.

mod template;

use std::fmt;
use std::sync::Arc;

use crate::claims::Payload;
use crate::error::{ClaimError, ConfigError, Excerpt, TokenError};
use crate::issuer::Issuer;

use template::{Template, is_unreserved};

/// The issuers whose tokens a [`Verifier`](crate::Verifier) accepts. An [`Issuer`] is such a rule: exactly that
/// issuer, which is right for most applications.
///
/// The other rules are for issuers that cannot be named when the application is written, or that name themselves in
/// another way. Under one gate, an exact issuer takes precedence over a template, a template over
/// [`subject_prefix`](Self::subject_prefix), and that over [`insecure_absent`](Self::insecure_absent). So no rule can
/// take over the tokens of an issuer that is configured exactly.
///
/// ```
/// use tollgate::{Issuer, IssuerRule};
///
/// let one = IssuerRule::from(Issuer::new("https://issuer.example")?);
/// let tenants = ["72f988bf-86f1-41af-91ab-2d7cd011db47"];
/// let several = IssuerRule::template("https://login.microsoftonline.com/{tid}/v2.0", tenants)?;
/// # let _ = (one, several);
/// # Ok::<(), tollgate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct IssuerRule(Kind);

#[derive(Clone)]
enum Kind {
    Exact(Issuer),
    Template(Template),
    /// The prefix, and the `iss` that tokens may have.
    SubjectPrefix(Arc<str>, Option<Issuer>),
    Absent,
}

/// The order in which a gate asks the verifiers for the one that a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    Exact,
    Template,
    SubjectPrefix,
    Absent,
}

impl Precedence {
    /// Every rule but the exact ones, which a gate asks first.
    pub(crate) const INEXACT: [Self; 3] = [Self::Template, Self::SubjectPrefix, Self::Absent];
}

impl IssuerRule {
    /// Accepts the issuers that `template` describes, for these values of its claim.
    ///
    /// The template holds one claim name in braces, as in `https://login.microsoftonline.com/{tid}/v2.0`. A token
    /// belongs to it when its `iss` is the template with a value in place of the braces, its claim of that name is
    /// the same value, and the value is one of `values`. A value consists of letters, digits, `-`, `.`, `_` and `~`.
    ///
    /// # Security
    /// All issuers that the template describes must sign with the keys of the verifier. A party that holds one of
    /// these keys can issue tokens of each of them.
    ///
    /// # Errors
    /// [`ConfigError::IssuerTemplate`] unless the template has exactly one name in braces. [`ConfigError::Empty`]
    /// without values. [`ConfigError::Name`] for a value with other characters.
    pub fn template<V: Into<Box<str>>>(
        template: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, ConfigError> {
        let mut values: Vec<Box<str>> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            return Err(ConfigError::Empty { what: "value of the issuer template" });
        }
        let can_match = |value: &str| !value.is_empty() && value.bytes().all(is_unreserved);
        if let Some(value) = values.iter().find(|value| !can_match(value)) {
            return Err(ConfigError::Name { what: "value of the issuer template", name: value.clone() });
        }
        values.sort_unstable();
        let is_listed = move |value: &str| values.binary_search_by(|known| (**known).cmp(value)).is_ok();
        Self::template_where(template, is_listed)
    }

    /// Accepts the issuers that `template` describes, for the values that `accepts` returns `true` for. See
    /// [`template`](Self::template).
    ///
    /// `accepts` is called for each request, with the value of forged tokens too. It must not block. A value that it
    /// stops accepting is rejected from then on, also in cached tokens.
    ///
    /// # Security
    /// The value comes from a token whose signature is not verified yet, so use it for a lookup only. With a rule that
    /// accepts every value, every tenant of the provider is accepted, also those that an attacker registers: the
    /// application must then check the tenant itself.
    ///
    /// # Errors
    /// [`ConfigError::IssuerTemplate`] unless the template has exactly one name in braces.
    pub fn template_where(
        template: &str,
        accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        Template::new(template, Arc::new(accepts)).map(|template| Self(Kind::Template(template)))
    }

    /// Accepts tokens whose `sub` begins with `prefix`, and which have no `iss` or have `issuer`. This is for SPIFFE
    /// JWT-SVIDs, where `iss` is optional and `sub` names the trust domain: `spiffe://example.org/`.
    ///
    /// # Security
    /// Only the keys of the verifier prove that the token comes from its issuer, so they must be those of the trust
    /// domain alone. The prefix must end with `/`: otherwise `spiffe://example.org` would also accept
    /// `spiffe://example.org.evil.example/`.
    ///
    /// # Errors
    /// [`ConfigError::Identifier`] when the prefix cannot begin an identifier, or does not end with `/`.
    pub fn subject_prefix(prefix: impl Into<Box<str>>, issuer: Option<Issuer>) -> Result<Self, ConfigError> {
        let prefix = crate::grammar::identifier("subject prefix", prefix.into())?;
        if !prefix.ends_with('/') {
            return Err(ConfigError::Conflict("a prefix of subjects must end with `/`"));
        }
        Ok(Self(Kind::SubjectPrefix(prefix.into(), issuer)))
    }

    /// Accepts tokens without `iss`. A token that names an issuer is not accepted.
    ///
    /// # Security
    /// This gives up the check of the issuer (RFC 8725 §3.8). Only the key then proves where a token comes from, so it
    /// must be used by one issuer alone. A gate can have one such verifier.
    #[must_use]
    pub const fn insecure_absent() -> Self {
        Self(Kind::Absent)
    }

    /// Returns the issuer, when the rule accepts exactly one.
    #[must_use]
    pub const fn exact(&self) -> Option<&Issuer> {
        match &self.0 {
            Kind::Exact(issuer) => Some(issuer),
            Kind::Template(_) | Kind::SubjectPrefix(..) | Kind::Absent => None,
        }
    }

    pub(crate) const fn precedence(&self) -> Precedence {
        match &self.0 {
            Kind::Exact(_) => Precedence::Exact,
            Kind::Template(_) => Precedence::Template,
            Kind::SubjectPrefix(..) => Precedence::SubjectPrefix,
            Kind::Absent => Precedence::Absent,
        }
    }

    /// Returns whether a token could belong to both rules, and neither takes precedence.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Exact(issuer), Kind::Exact(other)) => issuer == other,
            (Kind::Template(template), Kind::Template(other)) => template.overlaps(other),
            (Kind::SubjectPrefix(prefix, _), Kind::SubjectPrefix(other, _)) => {
                prefix.starts_with(&**other) || other.starts_with(&**prefix)
            }
            (Kind::Absent, Kind::Absent) => true,
            _ => false,
        }
    }

    /// Returns whether the token belongs to this rule, to choose the verifier. [`check`](Self::check) decides.
    pub(crate) fn selects(&self, payload: &Payload) -> bool {
        match (&self.0, payload.issuer()) {
            (Kind::Exact(issuer), Some(found)) => issuer.as_str() == found,
            (Kind::Template(template), Some(found)) => template.accepted_value_in(found).is_some(),
            (Kind::SubjectPrefix(prefix, issuer), found) => {
                names_optionally(issuer.as_ref(), found)
                    && payload.subject().is_some_and(|sub| sub.starts_with(&**prefix))
            }
            (Kind::Absent, None) => true,
            (Kind::Exact(_) | Kind::Template(_), None) | (Kind::Absent, Some(_)) => false,
        }
    }

    /// Checks again what can change after a token was verified: whether the operator still accepts its value of a
    /// template.
    #[inline]
    pub(crate) fn recheck(&self, payload: &Payload) -> Result<(), TokenError> {
        match &self.0 {
            Kind::Template(_) => self.check_inexact(payload),
            Kind::Exact(_) | Kind::SubjectPrefix(..) | Kind::Absent => Ok(()),
        }
    }

    /// Checks `iss`. The parser rejects a value that is not one string.
    #[inline]
    pub(crate) fn check(&self, payload: &Payload) -> Result<(), TokenError> {
        if let (Kind::Exact(issuer), Some(found)) = (&self.0, payload.issuer())
            && issuer.as_str() == found
        {
            return Ok(());
        }
        self.check_inexact(payload)
    }

    fn check_inexact(&self, payload: &Payload) -> Result<(), TokenError> {
        let mismatch = |found: &str| Err(TokenError::IssuerMismatch { found: Excerpt::new(found) });
        match (&self.0, payload.issuer()) {
            (Kind::Template(template), Some(found)) => template.check(found, payload.json()),
            (Kind::SubjectPrefix(_, issuer), Some(found))
                if !names_optionally(issuer.as_ref(), Some(found)) =>
            {
                mismatch(found)
            }
            (Kind::SubjectPrefix(prefix, _), _) => match payload.subject() {
                Some(subject) if subject.starts_with(&**prefix) => Ok(()),
                Some(_) => Err(TokenError::claim("sub", ClaimError::WrongValue)),
                None => Err(TokenError::claim("sub", ClaimError::Missing)),
            },
            (Kind::Absent, None) => Ok(()),
            (Kind::Absent | Kind::Exact(_), Some(found)) => mismatch(found),
            (Kind::Exact(_) | Kind::Template(_), None) => Err(TokenError::claim("iss", ClaimError::Missing)),
        }
    }
}

/// Returns whether `found` is absent or the issuer.
fn names_optionally(issuer: Option<&Issuer>, found: Option<&str>) -> bool {
    found.is_none_or(|found| issuer.is_some_and(|issuer| issuer.as_str() == found))
}

impl From<Issuer> for IssuerRule {
    fn from(issuer: Issuer) -> Self {
        Self(Kind::Exact(issuer))
    }
}

impl fmt::Display for IssuerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(issuer) => fmt::Display::fmt(issuer, f),
            Kind::Template(template) => fmt::Display::fmt(template, f),
            Kind::SubjectPrefix(prefix, _) => write!(f, "subjects below {prefix}"),
            Kind::Absent => f.write_str("tokens without iss"),
        }
    }
}

impl fmt::Debug for IssuerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(issuer) => f.debug_tuple("exact").field(issuer).finish(),
            Kind::Template(template) => f.debug_tuple("template").field(&template.to_string()).finish(),
            Kind::SubjectPrefix(prefix, _) => f.debug_tuple("subject_prefix").field(prefix).finish(),
            Kind::Absent => f.write_str("insecure_absent"),
        }
    }
}

#[cfg(test)]
mod tests;
