//! [`Issuer`]: the party that signs tokens.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::grammar::identifier;

/// The issuer of tokens, as their claim `iss` names it (RFC 7519 §4.1.1). Cheap to clone.
///
/// Issuers are compared byte for byte: `https://issuer.example` and `https://issuer.example/` are two issuers.
///
/// ```
/// use tollgate::Issuer;
///
/// let issuer = Issuer::new("https://issuer.example")?;
/// assert_eq!(issuer.as_str(), "https://issuer.example");
/// assert!(Issuer::new("").is_err());
/// # Ok::<(), tollgate::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// Creates an issuer.
    ///
    /// # Errors
    /// [`ConfigError::Identifier`] when it is empty, begins or ends with white space, or holds a control character:
    /// such a name comes from a mistake in a settings file, and would match no token.
    pub fn new(issuer: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        identifier("issuer", issuer.into()).map(|issuer| Self(issuer.into()))
    }

    /// Returns the issuer as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Issuers can be looked up by their text, because they hash and compare as it does.
impl Borrow<str> for Issuer {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
