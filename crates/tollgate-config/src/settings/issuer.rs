//! `[[issuers]]`: an issuer whose tokens the gate accepts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::claims::{GrantSetting, PathSetting};
use super::keys::{AlgorithmName, KeysSetting};
use super::network::{NetworkTable, RefreshTable};
use super::provider::ProviderName;
use super::rules::{AudienceSetting, IssuerSetting, True};
use super::units::{Size, Span};

/// One table for issuers with and without a provider, because a table that is flattened into another loses the places
/// of its members. [`ProviderName::members`] says which provider has which members.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerEntry {
    pub(crate) provider: Option<ProviderName>,
    pub(crate) issuer: Option<IssuerSetting>,
    pub(crate) audience: Option<AudienceSetting>,
    pub(crate) keys: Option<KeysSetting>,

    // Of providers.
    pub(crate) base_url: Option<Box<str>>,
    pub(crate) client: Option<Box<str>>,
    pub(crate) clients: Option<Vec<Box<str>>>,
    pub(crate) domain: Option<Box<str>>,
    pub(crate) instance: Option<Box<str>>,
    pub(crate) load_balancer: Option<Box<str>>,
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) owner: Option<Box<str>>,
    pub(crate) parties: Option<Vec<Box<str>>>,
    pub(crate) project: Option<Box<str>>,
    pub(crate) realm: Option<Box<str>>,
    pub(crate) region: Option<Box<str>>,
    pub(crate) server: Option<Box<str>>,
    pub(crate) tenant: Option<Box<str>>,
    pub(crate) tenants: Option<Vec<Box<str>>>,
    pub(crate) trust_domain: Option<Box<str>>,
    pub(crate) url: Option<Box<str>>,
    pub(crate) user_pool: Option<Box<str>>,

    // Checks of tokens.
    pub(crate) leeway: Option<Span>,
    pub(crate) max_age: Option<Span>,
    pub(crate) max_lifetime: Option<Span>,
    pub(crate) max_token: Option<Size>,
    pub(crate) algorithms: Option<Vec<AlgorithmName>>,
    pub(crate) types: Option<Vec<Box<str>>>,
    pub(crate) rfc9068_profile: Option<True>,
    #[serde(default)]
    pub(crate) required_claims: Vec<PathSetting>,
    #[serde(default)]
    pub(crate) required_values: BTreeMap<Box<str>, Json>,
    #[serde(default)]
    pub(crate) required_header_members: BTreeMap<Box<str>, Box<str>>,

    // What tokens grant.
    pub(crate) scopes_at: Option<Vec<GrantSetting>>,
    pub(crate) roles_at: Option<Vec<GrantSetting>>,
    #[serde(default)]
    pub(crate) implied_scopes: BTreeMap<Box<str>, Vec<Box<str>>>,
    #[serde(default)]
    pub(crate) implied_roles: BTreeMap<Box<str>, Vec<Box<str>>>,

    // What is given up for this issuer.
    #[serde(default)]
    pub(crate) tolerate: Vec<Tolerance>,
    #[serde(default)]
    pub(crate) tolerate_id_token_claims: Vec<Box<str>>,

    // Remote keys.
    pub(crate) refresh: Option<RefreshTable>,
    pub(crate) network: Option<NetworkTable>,
}

/// A deviation of tokens that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tolerance {
    IdTokens,
    NumericSubject,
    Padding,
    MissingType,
}
