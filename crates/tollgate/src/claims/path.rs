//! [`ClaimPath`]: where in the claims something is, such as `realm_access.roles`.

use std::fmt;

use crate::json::{self, JsonError, Scanner};

/// The way to a claim: a name, or names of objects within objects.
///
/// ```
/// use tollgate::ClaimPath;
///
/// let keycloak = ClaimPath::dotted("realm_access.roles");
/// // Names that hold dots themselves are given one by one.
/// let auth0 = ClaimPath::name("https://example.com/roles");
/// let client = ClaimPath::name("resource_access").then("my.client").then("roles");
/// assert_eq!(keycloak, ClaimPath::name("realm_access").then("roles"));
/// # let _ = (auth0, client);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<Box<str>>);

impl ClaimPath {
    /// The top-level claim of this name, dots included.
    #[must_use]
    pub fn name(name: impl Into<Box<str>>) -> Self {
        Self(vec![name.into()])
    }

    /// The path whose names are separated by dots.
    #[must_use]
    pub fn dotted(path: &str) -> Self {
        Self(path.split('.').map(Into::into).collect())
    }

    /// The member of this name within the object at this path.
    #[must_use]
    pub fn then(mut self, name: impl Into<Box<str>>) -> Self {
        self.0.push(name.into());
        self
    }

    /// The value at this path in `payload`, as JSON; `None` when it is not there.
    ///
    /// # Errors
    /// [`NotOnTheWay`] when something on the way is no object: that is not the same as nothing.
    pub(crate) fn find<'a>(&self, payload: &'a str) -> Result<Option<&'a str>, NotOnTheWay> {
        json::read_value(payload, |value| step(value, &self.0))
    }
}

impl From<&str> for ClaimPath {
    /// The same as [`ClaimPath::dotted`], except for a name that is a URL, such as `https://example.com/roles`: it is
    /// one name, dots included. For other names with dots use [`ClaimPath::name`].
    fn from(path: &str) -> Self {
        if path.contains("://") { Self::name(path) } else { Self::dotted(path) }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// Something on the way to a claim is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOnTheWay;

/// It is no JSON, or a name on the way comes twice.
impl From<JsonError> for NotOnTheWay {
    fn from(_: JsonError) -> Self {
        Self
    }
}

/// Goes the rest of the way, from some value on. `null` on the way is nothing on the way.
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
    fn finds_what_is_there() {
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
    fn what_is_no_object_is_no_way() {
        let payload = r#"{"a":"x","b":[],"c":1,"d":{"e":true}}"#;
        for blocked in ["a.x", "b.x", "c.x", "d.e.x"] {
            assert_eq!(ClaimPath::dotted(blocked).find(payload), Err(NotOnTheWay), "{blocked}");
        }
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1,"b":2}}"#), Err(NotOnTheWay));
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1},"a":{"b":2}}"#), Err(NotOnTheWay));
    }

    #[test]
    fn urls_are_one_name() {
        assert_eq!(
            ClaimPath::from("https://example.com/roles"),
            ClaimPath::name("https://example.com/roles")
        );
        assert_eq!(ClaimPath::from("a.b"), ClaimPath::name("a").then("b"));
    }
}
