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
mod tests {
    use super::*;
    use crate::testing::{NOW, token, verifier};

    #[test]
    fn refusal_names_what_is_required_and_the_subject() {
        let policy = Policy::scope("orders") & (Policy::role("admin") | !Policy::claim_is("a.b", "c"));
        assert_eq!(policy.to_string(), r#"scope "orders" and (role "admin" or not claim `a.b` = "c")"#);
        assert_eq!((!(Policy::role("a") | Policy::role("b"))).to_string(), r#"not (role "a" or role "b")"#);
        let verified = verifier().verify(&token(""), NOW).unwrap();
        let error = policy.check(&verified, NOW).unwrap_err().to_string();
        assert!(error.contains(r#"scope "orders""#) && error.contains(r#"subject "alice""#), "{error}");
    }

    /// The outcome of a policy for a token with these claims: 0 for admitted, otherwise the error.
    fn outcome(policy: &Policy, claims: &str) -> Option<AuthError> {
        policy.check(&verifier().verify(&token(claims), NOW).unwrap(), NOW).err()
    }

    fn asks_for(policy: &Policy, claims: &str) -> Option<String> {
        match outcome(policy, claims)? {
            AuthError::InsufficientAuthentication { step_up, .. } => Some(step_up.to_string()),
            AuthError::InsufficientScope { .. } => Some("scope".to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unmet_authentication_asks_for_another_one() {
        let acr = Policy::acr(["phr", "mfa"]).unwrap();
        assert_eq!(asks_for(&acr, r#""acr":"mfa""#), None);
        for claims in [r#""acr":"pwd""#, r#""acr":null"#, r#""acr":1"#, ""] {
            assert_eq!(asks_for(&acr, claims).as_deref(), Some(r#"acr_values="phr mfa""#), "{claims}");
        }
        let recent = Policy::authenticated_within(Duration::from_secs(300));
        let at = |ago: i64| format!(r#""auth_time":{}"#, NOW.as_secs() - ago);
        assert_eq!(asks_for(&recent, &at(300)), None);
        assert_eq!(asks_for(&recent, &at(-60)), None, "the clocks differ");
        for claims in [at(301), at(-61), String::new()] {
            assert_eq!(asks_for(&recent, &claims).as_deref(), Some(r#"max_age="300""#), "{claims}");
        }
        assert_eq!(asks_for(&Policy::amr("hwk"), r#""amr":["pwd","hwk"]"#), None);
        assert_eq!(asks_for(&Policy::amr("hwk"), r#""amr":["pwd"]"#).as_deref(), Some(""));
    }

    #[test]
    fn step_up_is_asked_for_only_where_it_is_enough() {
        let policy = Policy::scope("pay")
            & Policy::acr(["mfa"]).unwrap()
            & Policy::authenticated_within(Duration::from_secs(60));
        assert_eq!(asks_for(&policy, r#""scope":"a""#).as_deref(), Some("scope"));
        let both = r#"acr_values="mfa", max_age="60""#;
        assert_eq!(asks_for(&policy, r#""scope":"pay""#).as_deref(), Some(both));
        assert_eq!(asks_for(&policy, r#""scope":"pay","acr":"mfa""#).as_deref(), Some(r#"max_age="60""#));
        let either = Policy::role("admin") | Policy::acr(["mfa"]).unwrap();
        assert_eq!(asks_for(&either, r#""roles":["admin"]"#), None);
        assert_eq!(asks_for(&either, "").as_deref(), Some(r#"acr_values="mfa""#));
        let not = !Policy::acr(["mfa"]).unwrap();
        assert_eq!(asks_for(&not, ""), None);
        assert_eq!(asks_for(&not, r#""acr":"mfa""#).as_deref(), Some("scope"));
    }

    #[test]
    fn malformed_authentication_claims_invalidate_the_token() {
        let recent = Policy::authenticated_within(Duration::from_secs(300));
        for claims in [r#""auth_time":"1""#, r#""auth_time":1.5"#, r#""auth_time":true"#] {
            assert!(matches!(outcome(&recent, claims), Some(AuthError::InvalidToken(_))), "{claims}");
        }
        for claims in [r#""amr":"hwk""#, r#""amr":[1]"#] {
            assert!(
                matches!(outcome(&Policy::amr("hwk"), claims), Some(AuthError::InvalidToken(_))),
                "{claims}"
            );
        }
    }

    #[test]
    fn only_the_outermost_actor_counts() {
        let policy = Policy::actor("svc");
        assert_eq!(asks_for(&policy, r#""act":{"sub":"svc","act":{"sub":"old"}}"#), None);
        for claims in ["", r#""act":{"sub":"other","act":{"sub":"svc"}}"#, r#""act":{"act":{"sub":"svc"}}"#] {
            assert_eq!(asks_for(&policy, claims).as_deref(), Some("scope"), "{claims}");
        }
        assert!(matches!(outcome(&policy, r#""act":"svc""#), Some(AuthError::InvalidToken(_))));
        let refused = outcome(&policy, r#""sub":"alice","act":{"sub":"other"}"#).unwrap().to_string();
        assert!(refused.contains(r#"subject "alice", actor "other""#), "{refused}");
    }

    #[test]
    fn issuer_is_compared_exactly() {
        let policy = Policy::issuer(crate::testing::ISSUER);
        assert_eq!(asks_for(&policy, ""), None);
        assert_eq!(asks_for(&Policy::issuer("https://issuer.example/"), "").as_deref(), Some("scope"));
        assert_eq!((!policy).to_string(), r#"not issuer "https://issuer.example""#);
    }

    #[test]
    fn actor_is_typed() {
        let named = format!(r#""iss":"{}""#, crate::testing::ISSUER);
        let verified = |act: &str| {
            let claims = if act.is_empty() { named.clone() } else { format!("{named},{act}") };
            verifier().verify(&token(&claims), NOW).unwrap()
        };
        let actor = verified(r#""act":{"sub":"a","iss":"https://i","x":1,"act":{"sub":"b"}}"#)
            .actor()
            .unwrap()
            .unwrap();
        assert_eq!((actor.subject.as_deref(), actor.issuer.as_deref()), (Some("a"), Some("https://i")));
        assert_eq!(actor.prior.unwrap().subject.as_deref(), Some("b"));
        assert_eq!(verified("").actor(), Ok(None));
        assert_eq!(verified(r#""act":null"#).actor(), Ok(None));
        assert!(
            verified(r#""act":["a",null,null]"#).actor().is_err()
                && verified(r#""act":{"sub":1}"#).actor().is_err()
        );
    }
}
