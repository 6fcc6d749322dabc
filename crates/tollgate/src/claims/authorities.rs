//! What a token grants: scopes and roles, and where its issuer puts them.

use super::path::{ClaimPath, NotOnTheWay};
use crate::error::{ClaimError, TokenError};
use crate::json::{self, JsonError, Scanner};
use crate::scope::ScopeSet;

/// Where an issuer puts scopes and roles. Values at several paths are added up.
///
/// The default is `scope` (RFC 9068 §2.2.3) and `scp` for scopes, `roles` (RFC 9068 §2.2.3.1) for roles. Others in
/// use: `realm_access.roles` (Keycloak), `permissions` (Auth0), `cognito:groups` (Amazon Cognito).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPaths {
    scopes: Vec<ClaimPath>,
    roles: Vec<ClaimPath>,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        Self {
            scopes: vec![ClaimPath::name("scope"), ClaimPath::name("scp")],
            roles: vec![ClaimPath::name("roles")],
        }
    }
}

impl ClaimPaths {
    /// Scopes are at these paths: a string of values separated by spaces (RFC 6749 §3.3), or an array of strings.
    #[must_use]
    pub fn with_scopes_at<P: Into<ClaimPath>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        Self { scopes: paths.into_iter().map(Into::into).collect(), ..self }
    }

    /// Roles are at these paths: one string, or an array of strings.
    #[must_use]
    pub fn with_roles_at<P: Into<ClaimPath>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        Self { roles: paths.into_iter().map(Into::into).collect(), ..self }
    }
}

/// The scopes and roles of one token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authorities {
    pub(crate) scopes: ScopeSet,
    pub(crate) roles: ScopeSet,
}

impl Authorities {
    /// # Errors
    /// [`TokenError::Claim`] when a value is neither a string nor an array of strings: a malformed grant is not
    /// the same as no grant, or a policy that forbids a role would let it pass.
    pub(crate) fn read(paths: &ClaimPaths, payload: &str) -> Result<Self, TokenError> {
        let mut authorities = Self::default();
        for path in &paths.scopes {
            collect(path, payload, |value| {
                value
                    .split(' ')
                    .filter(|scope| !scope.is_empty())
                    .for_each(|scope| authorities.scopes.push(scope));
            })?;
        }
        for path in &paths.roles {
            collect(path, payload, |value| authorities.roles.push(value))?;
        }
        authorities.scopes.shrink();
        authorities.roles.shrink();
        Ok(authorities)
    }
}

fn collect(path: &ClaimPath, payload: &str, mut add: impl FnMut(&str)) -> Result<(), TokenError> {
    let malformed = || TokenError::claim(path.to_string(), ClaimError::WrongType);
    let Some(json) = path.find(payload).map_err(|NotOnTheWay| malformed())? else { return Ok(()) };
    json::read_value(json, |value| grants(value, &mut add)).map_err(|NotStrings| malformed())
}

/// One string or an array of strings.
fn grants(value: &mut Scanner<'_>, add: &mut impl FnMut(&str)) -> Result<(), NotStrings> {
    if let Some(text) = value.text()? {
        add(&text);
        return Ok(());
    }
    if value.texts(|text| add(&text))? { Ok(()) } else { Err(NotStrings) }
}

struct NotStrings;

impl From<JsonError> for NotStrings {
    fn from(_: JsonError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &ClaimPaths, payload: &str) -> (String, Vec<String>) {
        let authorities = Authorities::read(paths, payload).unwrap();
        (authorities.scopes.to_string(), authorities.roles.iter().map(str::to_owned).collect())
    }

    #[test]
    fn scopes_and_roles_in_the_shapes_that_issuers_use() {
        let default = ClaimPaths::default();
        assert_eq!(
            read(&default, r#"{"scope":"a  b","roles":["x","y z"]}"#),
            ("a b".into(), vec!["x".into(), "y z".into()])
        );
        assert_eq!(read(&default, r#"{"scp":["a","b"],"roles":"x y"}"#), ("a b".into(), vec!["x y".into()]));
        assert_eq!(read(&default, r#"{"scope":"a","scp":"b"}"#).0, "a b");
        assert_eq!(read(&default, "{}"), (String::new(), vec![]));
        let keycloak = ClaimPaths::default().with_roles_at(["realm_access.roles", "cognito:groups"]);
        assert_eq!(
            read(&keycloak, r#"{"realm_access":{"roles":["x"]},"cognito:groups":["y"]}"#).1,
            ["x", "y"]
        );
    }

    #[test]
    fn a_malformed_grant_is_an_error() {
        for payload in [r#"{"scope":1}"#, r#"{"scope":null}"#, r#"{"roles":{"a":1}}"#, r#"{"roles":["a",1]}"#]
        {
            let error = Authorities::read(&ClaimPaths::default(), payload).unwrap_err();
            assert!(matches!(error, TokenError::Claim { error: ClaimError::WrongType, .. }), "{payload}");
        }
        let nested = ClaimPaths::default().with_roles_at(["realm_access.roles"]);
        for payload in
            [r#"{"realm_access":"x"}"#, r#"{"realm_access":[]}"#, r#"{"realm_access":{"roles":1}}"#]
        {
            assert!(Authorities::read(&nested, payload).is_err(), "{payload}");
        }
        for payload in [r#"{"realm_access":null}"#, r#"{"realm_access":{}}"#, "{}"] {
            assert!(Authorities::read(&nested, payload).unwrap().roles.is_empty(), "{payload}");
        }
    }
}
