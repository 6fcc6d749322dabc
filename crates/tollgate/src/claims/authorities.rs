//! The scopes and roles that a token grants, and the claims that hold them.

use super::path::{ClaimPath, NotOnTheWay};
use crate::error::{ClaimError, TokenError};
use crate::json::{self, JsonError, Scanner};
use crate::scope::ScopeSet;

/// The claims in which an issuer puts scopes and roles. Values from several claims are combined.
///
/// The default is `scope` (RFC 9068 §2.2.3) and `scp` for scopes, and `roles` (RFC 9068 §2.2.3.1) for roles.
/// Other paths in use are `realm_access.roles` (Keycloak), `permissions` (Auth0) and `cognito:groups` (Amazon
/// Cognito).
///
/// ```
/// use tollgate::ClaimPaths;
///
/// # fn build(verifier: tollgate::Verifier) -> tollgate::Verifier {
/// let keycloak = ClaimPaths::default().with_roles_at(["realm_access.roles"]);
/// let verifier = verifier.with_claim_paths(keycloak);
/// # verifier }
/// ```
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
    /// Replaces the paths of scopes. A scope claim is a string of values separated by spaces (RFC 6749 §3.3), or an
    /// array whose members are one scope each. A member with a space is one scope, which no policy can name.
    #[must_use]
    pub fn with_scopes_at<P: Into<ClaimPath>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        Self { scopes: paths.into_iter().map(Into::into).collect(), ..self }
    }

    /// Replaces the paths of roles. A role claim is one string, or an array of strings.
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
    /// [`TokenError::Claim`] when a value is neither a string nor an array of strings. A malformed grant must
    /// not count as no grant, because a policy that forbids a role would then accept the token.
    pub(crate) fn read(paths: &ClaimPaths, payload: &str) -> Result<Self, TokenError> {
        let mut authorities = Self::default();
        for path in &paths.scopes {
            collect(path, payload, |grant| match grant {
                Grant::Text(text) => {
                    let scopes = text.split(' ').filter(|scope| !scope.is_empty());
                    scopes.for_each(|scope| authorities.scopes.push(scope));
                }
                Grant::Member(scope) => authorities.scopes.push(scope),
            })?;
        }
        for path in &paths.roles {
            collect(path, payload, |(Grant::Text(role) | Grant::Member(role))| authorities.roles.push(role))?;
        }
        authorities.scopes.shrink();
        authorities.roles.shrink();
        Ok(authorities)
    }
}

/// A string of a claim. An issuer separates scopes by spaces in a lone string only (RFC 6749 §3.3). A member of an
/// array is one scope: splitting it would grant scopes that the issuer did not write.
enum Grant<'a> {
    /// The whole claim.
    Text(&'a str),
    /// A member of an array.
    Member(&'a str),
}

fn collect(path: &ClaimPath, payload: &str, mut add: impl FnMut(Grant<'_>)) -> Result<(), TokenError> {
    let malformed = || TokenError::claim(path.to_string(), ClaimError::WrongType);
    let Some(json) = path.find(payload).map_err(|NotOnTheWay| malformed())? else { return Ok(()) };
    json::read_value(json, |value| grants(value, &mut add)).map_err(|NotStrings| malformed())
}

/// Reads one string or an array of strings.
fn grants(value: &mut Scanner<'_>, add: &mut impl FnMut(Grant<'_>)) -> Result<(), NotStrings> {
    if let Some(text) = value.text()? {
        add(Grant::Text(&text));
        return Ok(());
    }
    if value.texts(|text| add(Grant::Member(&text)))? { Ok(()) } else { Err(NotStrings) }
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
    fn scopes_and_roles_are_read_in_common_formats() {
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
    fn array_members_are_never_split() {
        let groups = ClaimPaths::default().with_scopes_at(["groups"]);
        let authorities = Authorities::read(&groups, r#"{"groups":["site admin","editor"]}"#).unwrap();
        assert!(authorities.scopes.contains("editor"));
        assert!(!authorities.scopes.contains("admin") && !authorities.scopes.contains("site"));

        let lone = Authorities::read(&groups, r#"{"groups":"site admin"}"#).unwrap();
        assert!(lone.scopes.contains("admin") && lone.scopes.contains("site"));
    }

    #[test]
    fn malformed_grant_is_an_error() {
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
