//! [`Policy`]: the requirements on what a token grants.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;

use crate::claims::{ClaimPath, NotOnTheWay};
use crate::error::{AuthError, ClaimError, ConfigError, Excerpt, TokenError};
use crate::scope::{ScopeSet, is_scope_token};
use crate::verified::Verified;

/// Requirements on the scopes, roles and claims of a token, combined with all, any and not.
///
/// ```
/// use tollgate::Policy;
///
/// let read = Policy::scope("read:items");
/// let write = Policy::all([Policy::scope("write:items"), !Policy::role("suspended")]);
/// let staff = Policy::role("admin") | Policy::claim_is("department", "support");
/// # let _ = (read, write, staff);
/// ```
///
/// [`ClaimPaths`](crate::ClaimPaths) sets where each issuer puts scopes and roles. A token that does not grant
/// enough results in 403 `insufficient_scope`. The challenge names the scopes of the policy, except those under
/// a `not`.
#[derive(Clone)]
pub struct Policy {
    node: Node,
    /// Whether a part is invalid, so that the whole policy rejects every token. Otherwise a scope that no token
    /// can have would, under a `not`, admit every token.
    broken: bool,
}

#[derive(Clone)]
enum Node {
    Scope(Box<str>),
    Role(Box<str>),
    ClaimIs(ClaimPath, Box<str>),
    Predicate(Arc<dyn Fn(&Verified) -> bool + Send + Sync>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Policy {
    const fn of(node: Node) -> Self {
        Self { node, broken: false }
    }

    fn broken(node: Node) -> Self {
        Self { node, broken: true }
    }

    fn join(policies: impl IntoIterator<Item = Self>, node: fn(Vec<Node>) -> Node) -> Self {
        let mut broken = false;
        let nodes = policies.into_iter().map(|policy| {
            broken |= policy.broken;
            policy.node
        });
        let node = node(nodes.collect());
        Self { node, broken }
    }

    /// Requires this scope.
    ///
    /// Policies are written in place, where an error could not be returned. If no token can have this scope
    /// (RFC 6749 §3.3), the policy and all policies that contain it reject every token, and an error is logged
    /// on creation. For names from settings, [`scopes`](Self::scopes) returns an error.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::scope("read:items");
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn scope(scope: impl Into<Box<str>>) -> Self {
        let scope = scope.into();
        if is_scope_token(&scope) {
            return Self::of(Node::Scope(scope));
        }
        tracing::error!(
            ?scope,
            "policy names a scope that no token can have (RFC 6749 §3.3); it rejects every token"
        );
        Self::broken(Node::Scope(scope))
    }

    /// Requires all of these scopes, which may come from settings.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::scopes(["read:items", "write:items"])?;
    /// assert!(Policy::scopes(Vec::<String>::new()).is_err());
    /// # let _ = policy;
    /// # Ok::<(), tollgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Empty`] without any scope. [`ConfigError::Name`] for a scope that no token can have (RFC
    /// 6749 §3.3).
    pub fn scopes<S: Into<Box<str>>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        let node = |scope: S| match scope.into() {
            scope if is_scope_token(&scope) => Ok(Node::Scope(scope)),
            name => Err(ConfigError::Name { what: "scope", name }),
        };
        let nodes = scopes.into_iter().map(node).collect::<Result<Vec<Node>, _>>()?;
        if nodes.is_empty() {
            return Err(ConfigError::Empty { what: "scope" });
        }
        Ok(Self::of(Node::All(nodes)))
    }

    /// Requires this role.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::role("admin") | Policy::role("support");
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn role(role: impl Into<Box<str>>) -> Self {
        Self::of(Node::Role(role.into()))
    }

    /// Requires the claim at `path` to be this string. To compare anything else, use [`Policy::predicate`].
    ///
    /// A path given as text is split at dots, unless it is a URL. For other names with dots, use
    /// [`ClaimPath::name`].
    ///
    /// ```
    /// use tollgate::{ClaimPath, Policy};
    ///
    /// let nested = Policy::claim_is("address.country", "NO");
    /// let dotted = Policy::claim_is(ClaimPath::name("example.com"), "yes");
    /// # let _ = (nested, dotted);
    /// ```
    #[must_use]
    pub fn claim_is(path: impl Into<ClaimPath>, value: impl Into<Box<str>>) -> Self {
        Self::of(Node::ClaimIs(path.into(), value.into()))
    }

    /// Requires `predicate` to return `true` for the token.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::predicate(|token| token.subject().is_some_and(|subject| subject.starts_with("svc-")));
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn predicate(predicate: impl Fn(&Verified) -> bool + Send + Sync + 'static) -> Self {
        Self::of(Node::Predicate(Arc::new(predicate)))
    }

    /// Requires all of these policies. An empty list holds for every token. `a & b` does the same for two.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::all(["read", "write"].map(Policy::scope));
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn all(policies: impl IntoIterator<Item = Self>) -> Self {
        Self::join(policies, Node::All)
    }

    /// Requires at least one of these policies. An empty list holds for no token. `a | b` does the same for two.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::any(["admin", "support"].map(Policy::role));
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn any(policies: impl IntoIterator<Item = Self>) -> Self {
        Self::join(policies, Node::Any)
    }

    /// Checks that `token` grants enough.
    ///
    /// # Errors
    /// [`AuthError::InsufficientScope`] when it does not. [`AuthError::InvalidToken`] when its scopes, its
    /// roles or a claim that the policy reads are malformed.
    pub fn check(&self, token: &Verified) -> Result<(), AuthError> {
        match self.node.holds(token) {
            Ok(true) if !self.broken => Ok(()),
            Ok(_) => Err(self.refuse(token)),
            Err(error) => Err(AuthError::InvalidToken(error)),
        }
    }

    #[cold]
    fn refuse(&self, token: &Verified) -> AuthError {
        AuthError::InsufficientScope {
            scopes: self.required_scopes(),
            policy: self.to_string().into(),
            subject: token.subject().map(Excerpt::new),
        }
    }

    /// Returns the scopes in the policy, except those under a `not`.
    fn required_scopes(&self) -> ScopeSet {
        let mut scopes = ScopeSet::new();
        self.node.collect_scopes(&mut scopes);
        scopes
    }
}

impl Node {
    fn holds(&self, token: &Verified) -> Result<bool, TokenError> {
        match self {
            Self::Scope(scope) => Ok(token.scopes()?.contains(scope)),
            Self::Role(role) => token.has_role(role),
            Self::ClaimIs(path, value) => {
                let malformed = |NotOnTheWay| TokenError::claim(path.to_string(), ClaimError::WrongType);
                let claim = path.find(token.payload()).map_err(malformed)?;
                let claim = claim.and_then(|json| serde_json::from_str::<String>(json).ok());
                Ok(claim.as_deref() == Some(value))
            }
            Self::Predicate(test) => Ok(test(token)),
            Self::All(nodes) => nodes.iter().try_fold(true, |holds, node| Ok(holds && node.holds(token)?)),
            Self::Any(nodes) => nodes.iter().try_fold(false, |holds, node| Ok(holds || node.holds(token)?)),
            Self::Not(node) => node.holds(token).map(|holds| !holds),
        }
    }

    fn fmt_requirement(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "scope {scope:?}"),
            Self::Role(role) => write!(f, "role {role:?}"),
            Self::ClaimIs(path, value) => write!(f, "claim `{path}` = {value:?}"),
            Self::Predicate(_) => f.write_str("a predicate of the application"),
            Self::All(nodes) if nodes.is_empty() => f.write_str("any token"),
            Self::Any(nodes) if nodes.is_empty() => f.write_str("what no token has"),
            Self::All(nodes) => Self::fmt_joined(nodes, " and ", f),
            Self::Any(nodes) => Self::fmt_joined(nodes, " or ", f),
            Self::Not(node) => {
                f.write_str("not ")?;
                node.fmt_operand(f)
            }
        }
    }

    fn fmt_joined(nodes: &[Self], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [node] = nodes {
            return node.fmt_requirement(f);
        }
        for (i, node) in nodes.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { word })?;
            node.fmt_operand(f)?;
        }
        Ok(())
    }

    /// Prints the node in parentheses, if its parts could be read as parts of another one.
    fn fmt_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(nodes) | Self::Any(nodes) if nodes.len() > 1 => {
                f.write_str("(")?;
                self.fmt_requirement(f)?;
                f.write_str(")")
            }
            _ => self.fmt_requirement(f),
        }
    }

    fn collect_scopes(&self, scopes: &mut ScopeSet) {
        match self {
            Self::Scope(scope) if is_scope_token(scope) => scopes.insert(scope),
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.collect_scopes(scopes)),
            Self::Scope(_) | Self::Role(_) | Self::ClaimIs(..) | Self::Predicate(_) | Self::Not(_) => {}
        }
    }
}

impl BitAnd for Policy {
    type Output = Self;

    /// Requires both policies.
    fn bitand(self, other: Self) -> Self {
        Self::all([self, other])
    }
}

impl BitOr for Policy {
    type Output = Self;

    /// Requires at least one of the two policies.
    fn bitor(self, other: Self) -> Self {
        Self::any([self, other])
    }
}

impl Not for Policy {
    type Output = Self;

    /// Requires that the policy does not hold.
    fn not(self) -> Self {
        Self { node: Node::Not(Box::new(self.node)), broken: self.broken }
    }
}

/// Prints what the policy requires, such as `scope "orders" and not role "suspended"`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt_requirement(f)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => f.debug_tuple("scope").field(scope).finish(),
            Self::Role(role) => f.debug_tuple("role").field(role).finish(),
            Self::ClaimIs(path, value) => f.debug_tuple("claim_is").field(path).field(value).finish(),
            Self::Predicate(_) => f.write_str("predicate"),
            Self::All(nodes) => f.debug_tuple("all").field(nodes).finish(),
            Self::Any(nodes) => f.debug_tuple("any").field(nodes).finish(),
            Self::Not(node) => f.debug_tuple("not").field(node).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, token, verifier};

    #[test]
    fn refusal_names_what_is_required_and_the_subject() {
        let policy = Policy::scope("orders") & (Policy::role("admin") | !Policy::claim_is("a.b", "c"));
        assert_eq!(policy.to_string(), r#"scope "orders" and (role "admin" or not claim `a.b` = "c")"#);
        assert_eq!((!(Policy::role("a") | Policy::role("b"))).to_string(), r#"not (role "a" or role "b")"#);
        let verified = verifier().verify(&token(""), NOW).unwrap();
        let error = policy.check(&verified).unwrap_err().to_string();
        assert!(error.contains(r#"scope "orders""#) && error.contains(r#"subject "alice""#), "{error}");
    }
}
