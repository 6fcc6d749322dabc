//! Policies: requirements on scopes, roles and claims.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess};

use super::claims::PathSetting;
use super::union::{Union, deserialize_union, only_one, without};
use super::units::Span;

/// A policy, or the name of one in `[policies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicySetting {
    Named(Box<str>),
    Scope(Box<str>),
    Role(Box<str>),
    Claim { claim: PathSetting, is: Box<str> },
    Acr(Vec<Box<str>>),
    Amr(Box<str>),
    AuthenticatedWithin(Span),
    Actor(Box<str>),
    Issuer(Box<str>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl<'de> Union<'de> for PolicySetting {
    const FORMS: &'static str = "the name of a policy, or a table with one of `scope`, `role`, `claim`, `acr`, `amr`, \
         `authenticated_within`, `actor`, `issuer`, `all`, `any` and `not`";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self::Named(text.into()))
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let table = PolicyTable::deserialize(MapAccessDeserializer::new(table))?;
        without("is", table.is.is_some() && table.claim.is_none(), "`claim`")?;
        let is = match (&table.claim, table.is) {
            (Some(_), None) => return Err(de::Error::missing_field("is")),
            (_, is) => is.unwrap_or_default(),
        };
        only_one(
            [
                table.scope.map(|scope| ("scope", Self::Scope(scope))),
                table.role.map(|role| ("role", Self::Role(role))),
                table.claim.map(|claim| ("claim", Self::Claim { claim, is })),
                table.acr.map(|values| ("acr", Self::Acr(values))),
                table.amr.map(|method| ("amr", Self::Amr(method))),
                table
                    .authenticated_within
                    .map(|age| ("authenticated_within", Self::AuthenticatedWithin(age))),
                table.actor.map(|actor| ("actor", Self::Actor(actor))),
                table.issuer.map(|issuer| ("issuer", Self::Issuer(issuer))),
                table.all.map(|all| ("all", Self::All(all))),
                table.any.map(|any| ("any", Self::Any(any))),
                table.not.map(|not| ("not", Self::Not(not))),
            ],
            &[
                "scope",
                "role",
                "claim",
                "acr",
                "amr",
                "authenticated_within",
                "actor",
                "issuer",
                "all",
                "any",
                "not",
            ],
        )
    }
}
deserialize_union!(PolicySetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    scope: Option<Box<str>>,
    role: Option<Box<str>>,
    claim: Option<PathSetting>,
    is: Option<Box<str>>,
    acr: Option<Vec<Box<str>>>,
    amr: Option<Box<str>>,
    authenticated_within: Option<Span>,
    actor: Option<Box<str>>,
    issuer: Option<Box<str>>,
    all: Option<Vec<PolicySetting>>,
    any: Option<Vec<PolicySetting>>,
    not: Option<Box<PolicySetting>>,
}
