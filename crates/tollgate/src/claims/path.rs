//! [`ClaimPath`]: where in the claims something is, such as `realm_access.roles`.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Text;

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

    /// The value at this path in `payload`, as JSON. `None` when it is not there, or when a name on the way occurs
    /// twice.
    pub(crate) fn find<'a>(&self, payload: &'a str) -> Option<&'a str> {
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        let found = Step(&self.0).deserialize(&mut deserializer).ok()?;
        found.map(RawValue::get)
    }
}

impl From<&str> for ClaimPath {
    /// The same as [`ClaimPath::dotted`].
    fn from(path: &str) -> Self {
        Self::dotted(path)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// The rest of the path, from some value on.
struct Step<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <&RawValue>::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object on the way to the claim")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((wanted, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found: Option<Option<&RawValue>> = None;
        while let Some(Text(name)) = map.next_key()? {
            if *name != **wanted {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                return Err(A::Error::custom("a name on the way occurs twice"));
            } else {
                found = Some(map.next_value_seed(Step(rest))?);
            }
        }
        Ok(found.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there() {
        let payload = r#"{"a.b":1,"a":{"b":[2],"c":{"d":"x"}},"\u0065":null}"#;
        assert_eq!(ClaimPath::dotted("a.b").find(payload), Some("[2]"));
        assert_eq!(ClaimPath::name("a.b").find(payload), Some("1"));
        assert_eq!(ClaimPath::dotted("a.c.d").find(payload), Some("\"x\""));
        assert_eq!(ClaimPath::name("e").find(payload), Some("null"));
        for absent in ["x", "a.x", "a.b.c", "a.c.d.e", "", "."] {
            assert_eq!(ClaimPath::dotted(absent).find(payload), None, "{absent}");
        }
    }

    #[test]
    fn a_name_that_occurs_twice_is_not_found() {
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1,"b":2}}"#), None);
        assert_eq!(ClaimPath::dotted("a.b").find(r#"{"a":{"b":1},"a":{"b":2}}"#), None);
    }
}
