//! [`Audience`]: the identifier of an API that tokens are meant for.

use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::grammar::identifier;

/// The audience of tokens, as their claim `aud` names it (RFC 7519 §4.1.3): usually one API. Cheap to clone.
///
/// Audiences are compared byte for byte: `api://demo` and `api://Demo` are two audiences.
///
/// ```
/// use tollgate::Audience;
///
/// let audience = Audience::new("api://demo")?;
/// assert_eq!(audience.as_str(), "api://demo");
/// assert!(Audience::new("").is_err());
/// # Ok::<(), tollgate::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Audience(Arc<str>);

impl Audience {
    /// Creates an audience.
    ///
    /// # Errors
    /// [`ConfigError::Identifier`] when it is empty, begins or ends with white space, or holds a control character:
    /// such a name comes from a mistake in a settings file, and would match no token.
    pub fn new(audience: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        identifier("audience", audience.into()).map(|audience| Self(audience.into()))
    }

    /// Returns the audience as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
