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

    // Members that a provider takes.
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
    pub(crate) key_issuers: Option<True>,
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

    // How remote keys are fetched.
    pub(crate) refresh: Option<RefreshTable>,
    pub(crate) network: Option<NetworkTable>,
}

impl IssuerEntry {
    /// Returns the members that depend on the provider, and whether they are given.
    pub(crate) fn preset_members(&self) -> [(&'static str, bool); 20] {
        [
            ("issuer", self.issuer.is_some()),
            ("audience", self.audience.is_some()),
            ("base_url", self.base_url.is_some()),
            ("client", self.client.is_some()),
            ("clients", self.clients.is_some()),
            ("domain", self.domain.is_some()),
            ("instance", self.instance.is_some()),
            ("load_balancer", self.load_balancer.is_some()),
            ("namespace", self.namespace.is_some()),
            ("owner", self.owner.is_some()),
            ("parties", self.parties.is_some()),
            ("project", self.project.is_some()),
            ("realm", self.realm.is_some()),
            ("region", self.region.is_some()),
            ("server", self.server.is_some()),
            ("tenant", self.tenant.is_some()),
            ("tenants", self.tenants.is_some()),
            ("trust_domain", self.trust_domain.is_some()),
            ("url", self.url.is_some()),
            ("user_pool", self.user_pool.is_some()),
        ]
    }
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

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, MapDeserializer, StrDeserializer};

    use super::super::provider::GENERAL_MEMBERS;
    use super::*;

    const ALL: [ProviderName; 21] = [
        ProviderName::Auth0,
        ProviderName::AwsAlb,
        ProviderName::Clerk,
        ProviderName::CognitoAccess,
        ProviderName::CognitoId,
        ProviderName::EntraV1,
        ProviderName::EntraV1Tenants,
        ProviderName::EntraV2,
        ProviderName::EntraV2Tenants,
        ProviderName::Firebase,
        ProviderName::GithubActions,
        ProviderName::GitlabCi,
        ProviderName::Google,
        ProviderName::Keycloak,
        ProviderName::Kubernetes,
        ProviderName::Okta,
        ProviderName::OktaOrg,
        ProviderName::Spiffe,
        ProviderName::Supabase,
        ProviderName::SupabaseSecret,
        ProviderName::Zitadel,
    ];

    #[test]
    fn every_member_is_of_providers_or_general() {
        let unknown: MapDeserializer<'_, _, Error> = MapDeserializer::new([("unknown", 1)].into_iter());
        let error = IssuerEntry::deserialize(unknown).unwrap_err().to_string();
        let mut exist: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        let preset = IssuerEntry::default().preset_members();
        let mut listed: Vec<&str> = preset.iter().map(|(name, _)| *name).chain(GENERAL_MEMBERS).collect();
        exist.sort_unstable();
        listed.sort_unstable();
        assert_eq!(exist, listed);
    }

    #[test]
    fn names_are_those_of_the_document_and_members_exist() {
        for provider in ALL {
            let name: StrDeserializer<'_, Error> = provider.name().into_deserializer();
            assert_eq!(ProviderName::deserialize(name), Ok(provider));
            let known = IssuerEntry::default().preset_members();
            for member in provider.members() {
                assert!(known.iter().any(|(name, _)| name == member), "{member}");
            }
        }
    }
}
