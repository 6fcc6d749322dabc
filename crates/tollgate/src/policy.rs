//! [`Policy`]: the requirements on what a token grants.

mod node;

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;
use std::time::Duration;

use crate::claims::ClaimPath;
use crate::error::{AuthError, ConfigError, PolicyRefusal};
use crate::scope::{ScopeSet, is_scope_token};
use crate::step_up::StepUp;
use crate::time::UnixTime;
use crate::verified::Verified;

use node::{Node, Outcome};

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
/// a `not`. If another authentication of the user would be enough ([`acr`](Self::acr), [`amr`](Self::amr),
/// [`authenticated_within`](Self::authenticated_within)), it results in 401 `insufficient_user_authentication`, which
/// says what the authentication has to achieve (RFC 9470).
#[derive(Clone)]
pub struct Policy {
    node: Node,
    /// Whether a part is invalid, so that the whole policy rejects every token. Otherwise a scope that no token
    /// can have would, under a `not`, admit every token.
    broken: bool,
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

    /// Requires the token to come from this issuer, by its exact `iss`.
    ///
    /// A gate with several issuers gives all of them the same routes: a role `admin` that one of them assigns counts
    /// like that of another. Combine the policy with the issuer where only one of them may grant it.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let staff = Policy::issuer("https://login.example/realms/staff") & Policy::role("admin");
    /// # let _ = staff;
    /// ```
    #[must_use]
    pub fn issuer(issuer: impl Into<Box<str>>) -> Self {
        Self::of(Node::Issuer(issuer.into()))
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

    /// Requires the user to have authenticated in one of these ways, by the claim `acr` (OpenID Connect Core §2). The
    /// challenge names the values in this order, the preferred one first (RFC 9470 §3).
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::scope("payments") & Policy::acr(["phr", "mfa"])?;
    /// assert!(Policy::acr(["a b"]).is_err());
    /// # let _ = policy;
    /// # Ok::<(), tollgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Empty`] without values. [`ConfigError::Name`] for a value that cannot stand in the challenge: it
    /// is separated by spaces there.
    pub fn acr<V: Into<Box<str>>>(values: impl IntoIterator<Item = V>) -> Result<Self, ConfigError> {
        let check = |value: V| match value.into() {
            value if is_scope_token(&value) => Ok(value),
            name => Err(ConfigError::Name { what: "value of acr", name }),
        };
        let values = values.into_iter().map(check).collect::<Result<Box<[_]>, _>>()?;
        if values.is_empty() {
            return Err(ConfigError::Empty { what: "value of acr" });
        }
        Ok(Self::of(Node::Acr(values)))
    }

    /// Requires the user to have authenticated with this method, such as `otp` or `hwk`, by the claim `amr` (RFC 8176).
    ///
    /// The challenge cannot name a method. Combine it with [`acr`](Self::acr) so that clients learn what to ask for.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::amr("hwk");
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn amr(method: impl Into<Box<str>>) -> Self {
        Self::of(Node::Amr(method.into()))
    }

    /// Requires the user to have authenticated at most this long ago, by the claim `auth_time` (OpenID Connect Core
    /// §2). A token without the claim does not meet this.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::authenticated_within(Duration::from_secs(300));
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn authenticated_within(age: Duration) -> Self {
        Self::of(Node::AuthenticatedWithin(age))
    }

    /// Requires the party that acts on behalf of the subject to be this one: the outermost `act.sub` (RFC 8693 §4.1).
    /// Inner actors are history and are not read. For a token without `act`, the policy does not hold.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// let policy = Policy::actor("https://gateway.example") | !Policy::role("delegated-only");
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn actor(subject: impl Into<Box<str>>) -> Self {
        Self::of(Node::Actor(subject.into()))
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

    /// Checks that `token` grants enough at the time `now`.
    ///
    /// # Errors
    /// [`AuthError::InsufficientScope`] when it does not. [`AuthError::InsufficientAuthentication`] when another
    /// authentication of the user would be enough. [`AuthError::InvalidToken`] when its scopes, its roles or a claim
    /// that the policy reads are malformed.
    pub fn check(&self, token: &Verified, now: UnixTime) -> Result<(), AuthError> {
        match self.node.check(token, now) {
            Ok(Outcome::Holds) if !self.broken => Ok(()),
            Ok(Outcome::StepUp) if !self.broken => Err(self.step_up(token, now)),
            Ok(_) => Err(self.refuse(token)),
            Err(error) => Err(AuthError::InvalidToken(error)),
        }
    }

    #[cold]
    fn step_up(&self, token: &Verified, now: UnixTime) -> AuthError {
        let mut step_up = Box::<StepUp>::default();
        self.node.collect_step_up(&mut step_up, token, now);
        AuthError::InsufficientAuthentication { step_up, refusal: self.refusal(token) }
    }

    #[cold]
    fn refuse(&self, token: &Verified) -> AuthError {
        AuthError::InsufficientScope { scopes: self.required_scopes(), refusal: self.refusal(token) }
    }

    fn refusal(&self, token: &Verified) -> Box<PolicyRefusal> {
        let actor = token.actor().ok().flatten().and_then(|actor| actor.subject);
        Box::new(PolicyRefusal::new(self.to_string(), token.subject(), actor.as_deref()))
    }

    /// Returns the scopes in the policy, except those under a `not`.
    fn required_scopes(&self) -> ScopeSet {
        let mut scopes = ScopeSet::new();
        self.node.collect_scopes(&mut scopes);
        scopes
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

#[cfg(test)]
mod tests;
