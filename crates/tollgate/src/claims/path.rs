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

    /// The value at this path in `payload`, as JSON; `None` when it is not there.
    ///
    /// # Errors
    /// [`NotOnTheWay`] when something on the way is no object: that is not the same as nothing.
    pub(crate) fn find<'a>(&self, payload: &'a str) -> Result<Option<&'a str>, NotOnTheWay> {
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        let found = Step(&self.0).deserialize(&mut deserializer).map_err(|_cause| NotOnTheWay)?;
        Ok(found.map(RawValue::get))
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

/// The rest of the path, from some value on.
struct Step<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <&RawValue>::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object on the way to the claim")
    }

    /// `null` on the way is nothing on the way.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
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
