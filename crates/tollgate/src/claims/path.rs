//! [`ClaimPath`]: the path of a claim, such as `realm_access.roles`.

use std::fmt;

use crate::json::{self, JsonError, Scanner};

/// The path of a claim: its name, or the names of nested objects down to it.
///
/// ```
/// use tollgate::ClaimPath;
///
/// let keycloak = ClaimPath::dotted("realm_access.roles");
/// // Names that contain dots are given one by one.
/// let auth0 = ClaimPath::name("https://example.com/roles");
/// let client = ClaimPath::name("resource_access").then("my.client").then("roles");
/// assert_eq!(keycloak, ClaimPath::name("realm_access").then("roles"));
/// # let _ = (auth0, client);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<Box<str>>);

impl ClaimPath {
    /// Returns the path of the top-level claim with this name, dots included.
    #[must_use]
    pub fn name(name: impl Into<Box<str>>) -> Self {
        Self(vec![name.into()])
    }

    /// Splits the path at its dots.
    #[must_use]
    pub fn dotted(path: &str) -> Self {
        Self(path.split('.').map(Into::into).collect())
    }

    /// Appends the name of a member of the object at this path.
    #[must_use]
    pub fn then(mut self, name: impl Into<Box<str>>) -> Self {
        self.0.push(name.into());
        self
    }

    /// Returns the JSON value at this path in `payload`, or `None` when it is missing.
    ///
    /// # Errors
    /// [`NotOnTheWay`] when a value on the path is not an object. This is not the same as a missing claim.
    pub(crate) fn find<'a>(&self, payload: &'a str) -> Result<Option<&'a str>, NotOnTheWay> {
        json::read_value(payload, |value| step(value, &self.0))
    }
}

impl From<&str> for ClaimPath {
    /// Splits the path at its dots like [`ClaimPath::dotted`], unless it is a URL such as
    /// `https://example.com/roles`, which is one name. For other names with dots use [`ClaimPath::name`].
    fn from(path: &str) -> Self {
        if path.contains("://") { Self::name(path) } else { Self::dotted(path) }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A value on the path of a claim is not an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOnTheWay;

/// Converts the error for text that is not JSON, or has a name on the path twice.
impl From<JsonError> for NotOnTheWay {
    fn from(_: JsonError) -> Self {
        Self
    }
}

/// Follows the rest of the path from `value` on. A `null` on the path counts as missing.
fn step<'de>(value: &mut Scanner<'de>, path: &[Box<str>]) -> Result<Option<&'de str>, NotOnTheWay> {
    let Some((wanted, rest)) = path.split_first() else { return Ok(Some(value.raw()?)) };
    let mut found = None;
    let is_object = value.object(|name, value| {
        if *name != **wanted {
            return Ok(false);
        }
        found = step(value, rest)?;
        Ok::<_, NotOnTheWay>(true)
    })?;
    if is_object || value.null()? { Ok(found) } else { Err(NotOnTheWay) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_finds_present_claims() {
        let payload = r#"{"a.b":1,"a":{"b":[2],"c":{"d":"x"}},"\u0065":null,"n":null}"#;
        assert_eq!(ClaimPath::dotted("a.b").find(payload), Ok(Some("[2]")));
        assert_eq!(ClaimPath::name("a.b").find(payload), Ok(Some("1")));
        assert_eq!(ClaimPath::dotted("a.c.d").find(payload), Ok(Some("\"x\"")));
        assert_eq!(ClaimPath::name("e").find(payload), Ok(Some("null")));
        for absent in ["x", "a.x", "n.x", "", "."] {
            assert_eq!(ClaimPath::dotted(absent).find(payload), Ok(None), "{absent}");
        }
    }

    #[test]
    fn path_through_a_non_object_is_an_error() {
        let payload = r#"{"a":"x","b":[],"c":1,"d":{"e":true}}"#;
        for blocked in ["a.x", "b.x", "c.x", "d.e.x"] {
            assert_eq!(ClaimPath::dotted(blocked).find(payload), Err(NotOnTheWay), "{blocked}");
        }
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1,"b":2}}"#), Err(NotOnTheWay));
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1},"a":{"b":2}}"#), Err(NotOnTheWay));
    }

    #[test]
    fn url_is_one_name() {
        assert_eq!(
            ClaimPath::from("https://example.com/roles"),
            ClaimPath::name("https://example.com/roles")
        );
        assert_eq!(ClaimPath::from("a.b"), ClaimPath::name("a").then("b"));
    }
}
