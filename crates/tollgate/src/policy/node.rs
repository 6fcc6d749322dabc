//! [`Node`]: one requirement of a policy, and what it demands of a token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::claims::{ClaimPath, NotOnTheWay};
use crate::error::{ClaimError, TokenError};
use crate::json::{self, JsonError};
use crate::scope::{ScopeSet, is_scope_token};
use crate::step_up::StepUp;
use crate::time::UnixTime;
use crate::verified::Verified;

#[derive(Clone)]
pub(super) enum Node {
    Scope(Box<str>),
    Role(Box<str>),
    Issuer(Box<str>),
    ClaimIs(ClaimPath, Box<str>),
    /// The claim `acr` is one of these values.
    Acr(Box<[Box<str>]>),
    /// The claim `amr` contains this method.
    Amr(Box<str>),
    /// The user authenticated at most this long ago, by the claim `auth_time`.
    AuthenticatedWithin(Duration),
    /// The outermost actor of the claim `act` has this subject.
    Actor(Box<str>),
    Predicate(Arc<dyn Fn(&Verified) -> bool + Send + Sync>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// The outcome of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Another authentication of the user does not help.
    Denied,
    /// Another authentication of the user helps (RFC 9470).
    StepUp,
    Holds,
}

impl Outcome {
    fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Denied }
    }

    fn or_step_up(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::StepUp }
    }
}

impl Node {
    pub(super) fn check(&self, token: &Verified, now: UnixTime) -> Result<Outcome, TokenError> {
        match self {
            Self::Scope(scope) => Ok(Outcome::of(token.scopes()?.contains(scope))),
            Self::Role(role) => token.has_role(role).map(Outcome::of),
            Self::Issuer(issuer) => Ok(Outcome::of(token.issuer() == &**issuer)),
            Self::ClaimIs(path, value) => Ok(Outcome::of(text_at(path, token)?.as_deref() == Some(value))),
            Self::Acr(values) => {
                let acr = text_at(&ClaimPath::name("acr"), token)?;
                Ok(Outcome::or_step_up(acr.is_some_and(|acr| values.iter().any(|value| **value == *acr))))
            }
            Self::Amr(method) => has_method(token, method).map(Outcome::or_step_up),
            Self::AuthenticatedWithin(age) => {
                let at = authenticated_at(token)?;
                Ok(Outcome::or_step_up(
                    at.is_some_and(|at| now.since(at) <= *age && at <= now.saturating_add(LEEWAY)),
                ))
            }
            Self::Actor(subject) => {
                let actor = token.actor()?.and_then(|actor| actor.subject);
                Ok(Outcome::of(actor.as_deref() == Some(subject)))
            }
            Self::Predicate(test) => Ok(Outcome::of(test(token))),
            // A node after one that decides is not read, so a malformed claim there changes nothing.
            Self::All(nodes) => nodes.iter().try_fold(Outcome::Holds, |outcome, node| match outcome {
                Outcome::Denied => Ok(outcome),
                outcome => Ok(outcome.min(node.check(token, now)?)),
            }),
            Self::Any(nodes) => nodes.iter().try_fold(Outcome::Denied, |outcome, node| match outcome {
                Outcome::Holds => Ok(outcome),
                outcome => Ok(outcome.max(node.check(token, now)?)),
            }),
            Self::Not(node) => Ok(Outcome::of(node.check(token, now)? != Outcome::Holds)),
        }
    }

    /// Collects what another authentication has to achieve.
    pub(super) fn collect_step_up(&self, step_up: &mut StepUp, token: &Verified, now: UnixTime) {
        if self.check(token, now) != Ok(Outcome::StepUp) {
            return;
        }
        match self {
            Self::Acr(values) => step_up.add_acr_values(values),
            Self::AuthenticatedWithin(age) => step_up.limit_age(*age),
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().for_each(|node| node.collect_step_up(step_up, token, now));
            }
            _ => {}
        }
    }

    pub(super) fn fmt_requirement(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "scope {scope:?}"),
            Self::Role(role) => write!(f, "role {role:?}"),
            Self::Issuer(issuer) => write!(f, "issuer {issuer:?}"),
            Self::ClaimIs(path, value) => write!(f, "claim `{path}` = {value:?}"),
            Self::Acr(values) => write!(f, "acr {}", values.join(" or ")),
            Self::Amr(method) => write!(f, "amr {method:?}"),
            Self::AuthenticatedWithin(age) => write!(f, "authentication within {} s", age.as_secs()),
            Self::Actor(subject) => write!(f, "actor {subject:?}"),
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

    pub(super) fn collect_scopes(&self, scopes: &mut ScopeSet) {
        match self {
            Self::Scope(scope) if is_scope_token(scope) => scopes.insert(scope),
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.collect_scopes(scopes)),
            _ => {}
        }
    }
}

/// How far the issuer's clock may be ahead of ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// Returns the string at `path`, or `None` when there is no string.
fn text_at(path: &ClaimPath, token: &Verified) -> Result<Option<String>, TokenError> {
    let malformed = |NotOnTheWay| TokenError::claim(path.to_string(), ClaimError::WrongType);
    let claim = path.find(token.payload()).map_err(malformed)?;
    Ok(claim.and_then(|json| serde_json::from_str::<String>(json).ok()))
}

/// Returns whether `amr` (RFC 8176) contains `method`.
fn has_method(token: &Verified, method: &str) -> Result<bool, TokenError> {
    let malformed = || TokenError::claim("amr", ClaimError::WrongType);
    let path = ClaimPath::name("amr");
    let Ok(found) = path.find(token.payload()) else { return Err(malformed()) };
    let Some(json) = found.filter(|json| *json != "null") else { return Ok(false) };
    let mut contains = false;
    let are_texts = json::read_value(json, |value| value.texts(|text| contains |= text == method));
    match are_texts {
        Ok(true) => Ok(contains),
        Ok(false) | Err::<_, JsonError>(_) => Err(malformed()),
    }
}

/// Returns `auth_time` (OpenID Connect Core §2), in whole seconds.
fn authenticated_at(token: &Verified) -> Result<Option<UnixTime>, TokenError> {
    let malformed = || TokenError::claim("auth_time", ClaimError::WrongType);
    let Ok(found) = ClaimPath::name("auth_time").find(token.payload()) else { return Err(malformed()) };
    let Some(json) = found.filter(|json| *json != "null") else { return Ok(None) };
    json.parse().map(|secs| Some(UnixTime::from_secs(secs))).map_err(|_not_whole| malformed())
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => f.debug_tuple("scope").field(scope).finish(),
            Self::Role(role) => f.debug_tuple("role").field(role).finish(),
            Self::Issuer(issuer) => f.debug_tuple("issuer").field(issuer).finish(),
            Self::ClaimIs(path, value) => f.debug_tuple("claim_is").field(path).field(value).finish(),
            Self::Acr(values) => f.debug_tuple("acr").field(values).finish(),
            Self::Amr(method) => f.debug_tuple("amr").field(method).finish(),
            Self::AuthenticatedWithin(age) => f.debug_tuple("authenticated_within").field(age).finish(),
            Self::Actor(subject) => f.debug_tuple("actor").field(subject).finish(),
            Self::Predicate(_) => f.write_str("predicate"),
            Self::All(nodes) => f.debug_tuple("all").field(nodes).finish(),
            Self::Any(nodes) => f.debug_tuple("any").field(nodes).finish(),
            Self::Not(node) => f.debug_tuple("not").field(node).finish(),
        }
    }
}
