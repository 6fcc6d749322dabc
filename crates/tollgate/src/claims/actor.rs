//! [`Actor`]: the party that acts on behalf of a token's subject (RFC 8693 §4.1).

use serde::Deserialize;

/// The party that acts on behalf of a token's subject: the claim `act` (RFC 8693 §4.1).
///
/// Only this actor counts for authorization. The [prior](Self::prior) actors are a history, and "are not to be
/// considered in access control decisions" (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Actor {
    /// The identifier of the actor, which is unique only within its issuer: `sub`.
    #[serde(rename = "sub")]
    pub subject: Option<Box<str>>,
    /// The issuer of the identifier, if it is not that of the token: `iss`.
    #[serde(rename = "iss")]
    pub issuer: Option<Box<str>>,
    /// The actor before this one: the nested `act`.
    #[serde(rename = "act")]
    pub prior: Option<Box<Self>>,
}
