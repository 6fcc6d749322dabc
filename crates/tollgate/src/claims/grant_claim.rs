//! [`GrantClaim`]: a claim that holds scopes or roles, and its shape.

use super::path::{ClaimPath, NotOnTheWay};
use crate::error::{ClaimError, TokenError};
use crate::json::{self, JsonError, Scanner};

/// A claim that holds scopes or roles, and how it holds them.
///
/// A path alone, such as `"realm_access.roles"`, is the usual shape: a string, or an array of strings. A string of
/// scopes is split at spaces (RFC 6749 §3.3), a string that is a role is not split. A member of an array is never
/// split, because that would grant names that the issuer did not write. A claim that is missing or `null` grants
/// nothing.
///
/// ```
/// use tollgate::{ClaimPath, ClaimPaths, GrantClaim};
///
/// // Zitadel: the roles are the names of an object's members.
/// let zitadel = GrantClaim::keys_of(ClaimPath::name("urn:zitadel:iam:org:project:roles"));
/// // Casdoor: the roles are objects with a name.
/// let casdoor = GrantClaim::member_of("roles", "name");
/// // Scopes in one string, separated by commas.
/// let commas = GrantClaim::separated_by(',', "permissions");
/// // Groups of a directory, as roles of this application. Other groups grant nothing.
/// let groups = GrantClaim::at("groups").renamed([("6f2c…", "admin"), ("81d0…", "editor")]);
/// let paths = ClaimPaths::default().with_scopes_at([commas]).with_roles_at([zitadel, casdoor, groups]);
/// # let _ = paths;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantClaim {
    path: ClaimPath,
    shape: Shape,
    /// The only names that count, each with the name that it is granted as.
    names: Option<Box<[(Box<str>, Box<str>)]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// A string, or an array of strings.
    Strings,
    /// A string with this delimiter, or an array of strings.
    Separated(char),
    /// An object whose members' names are the grants.
    Keys,
    /// An object with this member, or an array of such objects.
    Member(Box<str>),
}

impl GrantClaim {
    /// Reads a string or an array of strings.
    #[must_use]
    pub fn at(path: impl Into<ClaimPath>) -> Self {
        Self { path: path.into(), shape: Shape::Strings, names: None }
    }

    /// Reads the names of the members of an object, whatever their values are, unless they are `null` or `false`.
    #[must_use]
    pub fn keys_of(path: impl Into<ClaimPath>) -> Self {
        Self { path: path.into(), shape: Shape::Keys, names: None }
    }

    /// Reads the string `member` of an object, or of each object in an array. A member that is `null` grants nothing;
    /// an object without the member is malformed, because the issuer may have renamed it.
    #[must_use]
    pub fn member_of(path: impl Into<ClaimPath>, member: impl Into<Box<str>>) -> Self {
        Self { path: path.into(), shape: Shape::Member(member.into()), names: None }
    }

    /// Reads a string that is split at `delimiter`, without the spaces around the parts, or an array of strings, which
    /// are not split.
    #[must_use]
    pub fn separated_by(delimiter: char, path: impl Into<ClaimPath>) -> Self {
        Self { path: path.into(), shape: Shape::Separated(delimiter), names: None }
    }

    /// Grants only these names, each as the name after it. All other names of the claim grant nothing: otherwise a name
    /// that the issuer assigns for another purpose could equal one of this application.
    #[must_use]
    pub fn renamed<F: Into<Box<str>>, T: Into<Box<str>>>(
        self,
        names: impl IntoIterator<Item = (F, T)>,
    ) -> Self {
        let names = names.into_iter().map(|(from, to)| (from.into(), to.into())).collect();
        Self { names: Some(names), ..self }
    }

    /// Passes every grant to `add`. A string without a delimiter of its own is split at `delimiter`.
    ///
    /// # Errors
    /// [`TokenError::Claim`] when the claim has another shape. A malformed grant must not count as no grant, because a
    /// policy that forbids a role would then accept the token.
    pub(super) fn read(
        &self,
        payload: &str,
        delimiter: Option<char>,
        mut add: impl FnMut(&str),
    ) -> Result<(), TokenError> {
        let malformed = || TokenError::claim(self.path.to_string(), ClaimError::WrongType);
        let found = self.path.find(payload).map_err(|NotOnTheWay| malformed())?;
        let Some(json) = found.filter(|json| *json != "null") else { return Ok(()) };
        let mut grant = |name: &str| match &self.names {
            None => add(name),
            Some(names) => {
                let renamed = names.iter().filter(|(from, _)| **from == *name);
                renamed.for_each(|(_, to)| add(to));
            }
        };
        json::read_value(json, |value| self.read_shape(value, delimiter, &mut grant))
            .map_err(|WrongShape| malformed())
    }

    fn read_shape(
        &self,
        value: &mut Scanner<'_>,
        delimiter: Option<char>,
        grant: &mut impl FnMut(&str),
    ) -> Result<(), WrongShape> {
        match &self.shape {
            Shape::Strings => strings(value, delimiter, grant),
            Shape::Separated(delimiter) => strings(value, Some(*delimiter), grant),
            Shape::Keys => keys(value, grant),
            Shape::Member(member) => members(value, member, grant),
        }
    }
}

impl<P: Into<ClaimPath>> From<P> for GrantClaim {
    fn from(path: P) -> Self {
        Self::at(path)
    }
}

fn strings(
    value: &mut Scanner<'_>,
    delimiter: Option<char>,
    grant: &mut impl FnMut(&str),
) -> Result<(), WrongShape> {
    match (value.text()?, delimiter) {
        (Some(text), Some(delimiter)) => {
            let names = text.split(delimiter).map(|name| name.trim_matches(' '));
            names.filter(|name| !name.is_empty()).for_each(grant);
            Ok(())
        }
        (Some(text), None) => {
            grant(&text);
            Ok(())
        }
        (None, _) => value.texts(|text| grant(&text))?.then_some(()).ok_or(WrongShape),
    }
}

fn keys(value: &mut Scanner<'_>, grant: &mut impl FnMut(&str)) -> Result<(), WrongShape> {
    let is_object = value.object(|name, value| {
        if !matches!(value.raw()?, "null" | "false") {
            grant(name);
        }
        Ok::<_, JsonError>(true)
    })?;
    is_object.then_some(()).ok_or(WrongShape)
}

fn members(value: &mut Scanner<'_>, member: &str, grant: &mut impl FnMut(&str)) -> Result<(), WrongShape> {
    if value.array(|element| one_member(element, member, grant)?.then_some(()).ok_or(WrongShape))? {
        return Ok(());
    }
    one_member(value, member, grant)?.then_some(()).ok_or(WrongShape)
}

/// Reads the member of one object. Returns `false` when `value` is not an object.
fn one_member(
    value: &mut Scanner<'_>,
    wanted: &str,
    grant: &mut impl FnMut(&str),
) -> Result<bool, WrongShape> {
    let mut is_present = false;
    let is_object = value.object(|name, value| {
        if name != wanted {
            return Ok(false);
        }
        is_present = true;
        match value.text()? {
            Some(text) => grant(&text),
            None if value.null()? => {}
            None => return Err(WrongShape),
        }
        Ok(true)
    })?;
    if is_object && !is_present { Err(WrongShape) } else { Ok(is_object) }
}

struct WrongShape;

impl From<JsonError> for WrongShape {
    fn from(_: JsonError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claim: &GrantClaim, payload: &str) -> Option<Vec<String>> {
        let mut names = Vec::new();
        claim.read(payload, None, |name| names.push(name.to_owned())).ok().map(|()| names)
    }

    fn names(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn keys_of_an_object_are_grants() {
        let claim = GrantClaim::keys_of("roles");
        assert_eq!(read(&claim, r#"{"roles":{"admin":{"org":"x"},"a b":1}}"#), names(&["admin", "a b"]));
        assert_eq!(
            read(&claim, r#"{"roles":{"admin":false,"editor":null,"reader":true}}"#),
            names(&["reader"])
        );
        assert_eq!(read(&claim, r#"{"roles":{}}"#), names(&[]));
        for malformed in [r#"{"roles":["admin"]}"#, r#"{"roles":"admin"}"#, r#"{"roles":1}"#] {
            assert_eq!(read(&claim, malformed), None, "{malformed}");
        }
    }

    #[test]
    fn member_of_objects_is_a_grant() {
        let claim = GrantClaim::member_of("roles", "name");
        let several = r#"{"roles":[{"name":"a b","owner":"x"},{"name":null}]}"#;
        assert_eq!(read(&claim, several), names(&["a b"]));
        assert_eq!(read(&claim, r#"{"roles":{"name":"admin"}}"#), names(&["admin"]));
        for malformed in [
            r#"{"roles":["admin"]}"#,
            r#"{"roles":[{"name":1}]}"#,
            r#"{"roles":[[]]}"#,
            r#"{"roles":[{"owner":"y"}]}"#,
            r#"{"roles":{}}"#,
        ] {
            assert_eq!(read(&claim, malformed), None, "{malformed}");
        }
    }

    #[test]
    fn delimiter_splits_strings_but_no_members() {
        let claim = GrantClaim::separated_by(',', "scope");
        assert_eq!(read(&claim, r#"{"scope":"a, b c,,d"}"#), names(&["a", "b c", "d"]));
        assert_eq!(read(&claim, r#"{"scope":["a,b","c"]}"#), names(&["a,b", "c"]));
    }

    #[test]
    fn only_renamed_names_count() {
        let claim = GrantClaim::at("groups").renamed([("g1", "admin"), ("g1", "staff"), ("g2", "editor")]);
        assert_eq!(read(&claim, r#"{"groups":["g1","admin","g3"]}"#), names(&["admin", "staff"]));
        assert_eq!(read(&claim, r#"{"groups":null}"#), names(&[]));
        assert_eq!(read(&claim, "{}"), names(&[]));
    }
}
