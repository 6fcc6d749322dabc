//! The providers that an entry can name, and the members that belong to them.

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use crate::document::{did_you_mean, list};

/// A preset of the core: [`tollgate::providers`] has a function of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProviderName {
    Auth0,
    AwsAlb,
    Clerk,
    CognitoAccess,
    CognitoId,
    #[serde(rename = "entra-v1")]
    EntraV1,
    #[serde(rename = "entra-v1-tenants")]
    EntraV1Tenants,
    #[serde(rename = "entra-v2")]
    EntraV2,
    #[serde(rename = "entra-v2-tenants")]
    EntraV2Tenants,
    Firebase,
    GithubActions,
    GitlabCi,
    Google,
    Keycloak,
    Kubernetes,
    Okta,
    OktaOrg,
    Spiffe,
    Supabase,
    SupabaseSecret,
    Zitadel,
}

impl ProviderName {
    /// Returns the name in a document.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "auth0",
            Self::AwsAlb => "aws-alb",
            Self::Clerk => "clerk",
            Self::CognitoAccess => "cognito-access",
            Self::CognitoId => "cognito-id",
            Self::EntraV1 => "entra-v1",
            Self::EntraV1Tenants => "entra-v1-tenants",
            Self::EntraV2 => "entra-v2",
            Self::EntraV2Tenants => "entra-v2-tenants",
            Self::Firebase => "firebase",
            Self::GithubActions => "github-actions",
            Self::GitlabCi => "gitlab-ci",
            Self::Google => "google",
            Self::Keycloak => "keycloak",
            Self::Kubernetes => "kubernetes",
            Self::Okta => "okta",
            Self::OktaOrg => "okta-org",
            Self::Spiffe => "spiffe",
            Self::Supabase => "supabase",
            Self::SupabaseSecret => "supabase-secret",
            Self::Zitadel => "zitadel",
        }
    }

    /// Returns the members that an entry of this provider needs. All other members in
    /// [`IssuerEntry::preset_members`](super::issuer::IssuerEntry::preset_members)
    /// are errors in such an entry.
    pub(crate) const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Auth0 => &["domain", "audience"],
            Self::AwsAlb => &["region", "load_balancer", "client", "issuer"],
            Self::Clerk => &["domain", "parties"],
            Self::CognitoAccess | Self::CognitoId => &["region", "user_pool", "clients"],
            Self::EntraV1 | Self::EntraV2 => &["tenant", "audience"],
            Self::EntraV1Tenants | Self::EntraV2Tenants => &["tenants", "audience"],
            Self::Firebase => &["project"],
            Self::GithubActions => &["owner", "audience"],
            Self::GitlabCi => &["instance", "namespace", "audience"],
            Self::Google => &["clients"],
            Self::Keycloak => &["base_url", "realm", "client"],
            Self::Kubernetes => &["issuer", "audience"],
            Self::Okta => &["domain", "server", "audience"],
            Self::OktaOrg => &["domain", "clients"],
            Self::Spiffe => &["trust_domain", "audience"],
            Self::Supabase | Self::SupabaseSecret => &["url"],
            Self::Zitadel => &["domain", "project"],
        }
    }

    /// Returns the member that lists the clients, tenants or parties of one issuer.
    pub(crate) fn list_member(self) -> Option<&'static str> {
        self.members().iter().copied().find(|member| matches!(*member, "clients" | "tenants" | "parties"))
    }

    /// Returns the members that an entry of this provider may have besides.
    pub(crate) const fn optional_members(self) -> &'static [&'static str] {
        match self {
            Self::Spiffe => &["issuer"],
            _ => &[],
        }
    }
}

/// Returns how to mend a member that does not exist, in an entry with this provider.
pub(crate) fn mend_of_unknown(member: &str, provider: Option<&str>) -> String {
    let name = provider.and_then(|provider| {
        let provider: StrDeserializer<'_, Error> = provider.into_deserializer();
        ProviderName::deserialize(provider).ok()
    });
    let (required, optional) = match name {
        Some(name) => (name.members(), name.optional_members()),
        None => (["issuer", "audience"].as_slice(), [].as_slice()),
    };
    let mend = did_you_mean(member, &[required, optional].concat());
    if let Some(mend) = mend.or_else(|| did_you_mean(member, &GENERAL_MEMBERS)) {
        return mend;
    }
    let whose = name.map_or_else(|| "without `provider`".to_owned(), |name| format!("of {}", name.name()));
    let optional = if optional.is_empty() { String::new() } else { format!(", may have {}", list(optional)) };
    let general = list(&GENERAL_MEMBERS);
    format!("an entry {whose} needs {}{optional}, and may have the general members {general}", list(required))
}

/// The members that every entry may have. An entry without a provider needs `keys`.
pub(crate) const GENERAL_MEMBERS: [&str; 21] = [
    "provider",
    "keys",
    "leeway",
    "max_age",
    "max_lifetime",
    "max_token",
    "algorithms",
    "types",
    "rfc9068_profile",
    "key_issuers",
    "required_claims",
    "required_values",
    "required_header_members",
    "scopes_at",
    "roles_at",
    "implied_scopes",
    "implied_roles",
    "tolerate",
    "tolerate_id_token_claims",
    "refresh",
    "network",
];
