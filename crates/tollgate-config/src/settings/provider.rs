//! The providers that an entry can name, and the members that belong to them.

use serde::Deserialize;

use super::issuer::IssuerEntry;

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

    /// Returns the members that an entry of this provider needs. All other members in [`IssuerEntry::preset_members`]
    /// are errors in such an entry.
    pub(crate) const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Auth0 => &["domain", "audience"],
            Self::AwsAlb => &["region", "load_balancer", "issuer"],
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

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, StrDeserializer};

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
