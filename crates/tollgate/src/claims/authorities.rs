//! The scopes and roles that a token grants, and the claims that hold them.

use super::grant_claim::GrantClaim;
use crate::error::TokenError;
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
    scopes: Grants,
    roles: Grants,
}

/// The claims of one kind of grant, and the grants that imply others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grants {
    claims: Vec<GrantClaim>,
    implied: Vec<(Box<str>, Box<[Box<str>]>)>,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        Self { scopes: Grants::at(["scope", "scp"]), roles: Grants::at(["roles"]) }
    }
}

impl ClaimPaths {
    /// Replaces the claims of scopes. A scope claim is a string of values separated by spaces (RFC 6749 §3.3), or an
    /// array whose members are one scope each. A member with a space is one scope, which no policy can name.
    /// [`GrantClaim`] describes other shapes.
    #[must_use]
    pub fn with_scopes_at<C: Into<GrantClaim>>(mut self, claims: impl IntoIterator<Item = C>) -> Self {
        self.scopes.claims = claims.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the claims of roles. A role claim is one string, or an array of strings. [`GrantClaim`] describes other
    /// shapes.
    #[must_use]
    pub fn with_roles_at<C: Into<GrantClaim>>(mut self, claims: impl IntoIterator<Item = C>) -> Self {
        self.roles.claims = claims.into_iter().map(Into::into).collect();
        self
    }

    /// Grants the scopes in `implied` to every token with `scope`, and what these imply in turn.
    ///
    /// ```
    /// use tollgate::ClaimPaths;
    ///
    /// let paths = ClaimPaths::default().with_implied_scopes("write:items", ["read:items"]);
    /// # let _ = paths;
    /// ```
    #[must_use]
    pub fn with_implied_scopes<I: Into<Box<str>>>(
        mut self,
        scope: impl Into<Box<str>>,
        implied: impl IntoIterator<Item = I>,
    ) -> Self {
        self.scopes.imply(scope.into(), implied);
        self
    }

    /// Grants the roles in `implied` to every token with `role`, and what these imply in turn: a hierarchy of roles.
    ///
    /// ```
    /// use tollgate::ClaimPaths;
    ///
    /// let paths = ClaimPaths::default()
    ///     .with_implied_roles("admin", ["editor"])
    ///     .with_implied_roles("editor", ["reader"]);
    /// # let _ = paths;
    /// ```
    #[must_use]
    pub fn with_implied_roles<I: Into<Box<str>>>(
        mut self,
        role: impl Into<Box<str>>,
        implied: impl IntoIterator<Item = I>,
    ) -> Self {
        self.roles.imply(role.into(), implied);
        self
    }
}

impl Grants {
    fn at<const N: usize>(paths: [&str; N]) -> Self {
        Self { claims: paths.map(GrantClaim::at).into(), implied: Vec::new() }
    }

    fn imply<I: Into<Box<str>>>(&mut self, name: Box<str>, implied: impl IntoIterator<Item = I>) {
        self.implied.push((name, implied.into_iter().map(Into::into).collect()));
    }

    fn read(&self, payload: &str, delimiter: Option<char>) -> Result<ScopeSet, TokenError> {
        let mut granted = ScopeSet::new();
        for claim in &self.claims {
            claim.read(payload, delimiter, |name| granted.push(name))?;
        }
        self.add_implied(&mut granted);
        granted.shrink();
        Ok(granted)
    }

    /// Adds what the granted names imply. Each rule is applied once, so a cycle ends.
    fn add_implied(&self, granted: &mut ScopeSet) {
        let mut rules: Vec<&(Box<str>, Box<[Box<str>]>)> = self.implied.iter().collect();
        let mut waiting: Vec<&str> = Vec::new();
        rules.retain(|rule| {
            let applies = granted.contains(&rule.0);
            waiting.extend(rule.1.iter().filter(|_| applies).map(AsRef::as_ref));
            !applies
        });
        while let Some(name) = waiting.pop() {
            granted.insert(name);
            rules.retain(|rule| {
                let applies = *rule.0 == *name;
                waiting.extend(rule.1.iter().filter(|_| applies).map(AsRef::as_ref));
                !applies
            });
        }
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
    /// [`TokenError::Claim`] when a claim of scopes or roles does not have its shape.
    pub(crate) fn read(paths: &ClaimPaths, payload: &str) -> Result<Self, TokenError> {
        Ok(Self { scopes: paths.scopes.read(payload, Some(' '))?, roles: paths.roles.read(payload, None)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ClaimError;

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
        for payload in
            [r#"{"scope":1}"#, r#"{"scope":[null]}"#, r#"{"roles":{"a":1}}"#, r#"{"roles":["a",1]}"#]
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
        for payload in
            [r#"{"realm_access":{"roles":null}}"#, r#"{"realm_access":null}"#, r#"{"realm_access":{}}"#, "{}"]
        {
            assert!(Authorities::read(&nested, payload).unwrap().roles.is_empty(), "{payload}");
        }
    }

    #[test]
    fn implied_grants_are_transitive_and_cycles_end() {
        let paths = ClaimPaths::default()
            .with_implied_roles("admin", ["editor"])
            .with_implied_roles("editor", ["reader", "admin"])
            .with_implied_scopes("write", ["read"]);
        let payload = r#"{"roles":["admin"],"scope":"write"}"#;
        assert_eq!(
            read(&paths, payload),
            ("write read".into(), vec!["admin".into(), "editor".into(), "reader".into()])
        );
        assert_eq!(
            read(&paths, r#"{"roles":"reader","scope":"read"}"#),
            ("read".into(), vec!["reader".into()])
        );
    }
}
