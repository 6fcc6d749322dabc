//! The provider of an entry of `[[issuers]]`.

use tollgate::providers::{self, Provider};
use tollgate::{ConfigError, Issuer};

use super::at::At;
use crate::document::{did_you_mean, list};
use crate::error::DocumentError;
use crate::settings::issuer::IssuerEntry;
use crate::settings::provider::ProviderName;
use crate::settings::rules::{AudienceRuleSetting, IssuerSetting};

/// Returns the provider, after checking that the entry has its members and no others.
pub(crate) fn build(at: &At<'_>, entry: &IssuerEntry, name: ProviderName) -> Result<Provider, DocumentError> {
    let members = name.members();
    let has = |member: &str| members.contains(&member) || name.optional_members().contains(&member);
    let given = entry.preset_members();
    if let Some((member, _)) = given.into_iter().find(|(member, is_given)| *is_given && !has(member)) {
        let missing: Vec<&str> = given
            .into_iter()
            .filter_map(|(member, is_given)| (!is_given && has(member)).then_some(member))
            .collect();
        let mend = did_you_mean(member, &missing)
            .unwrap_or_else(|| format!("remove it; the members of {} are {}", name.name(), list(members)));
        return Err(at.member(member).wrong(format!("does not belong to {}", name.name()), mend));
    }
    if let Some((member, _)) =
        given.into_iter().find(|(member, is_given)| !is_given && members.contains(member))
    {
        let mend = format!("an entry of {} has the members {}", name.name(), list(members));
        return Err(at.wrong(format!("needs the member `{member}`"), mend));
    }
    let given = Given { at, entry };
    given.provider(name)?.map_err(|error| match member_of(&error, name) {
        Some(member) => refused_member(&at.member(member), member, error),
        None => at.refused(error),
    })
}

/// Returns the member that the core refuses.
fn member_of(error: &ConfigError, name: ProviderName) -> Option<&'static str> {
    let first_of =
        |members: &[&'static str]| members.iter().copied().find(|member| name.members().contains(member));
    match error {
        ConfigError::Name { what, .. } => match *what {
            "base URL of a provider" => first_of(&["base_url", "instance", "url"]),
            "repository owner" => Some("owner"),
            "tenant" => Some("tenant"),
            "value of the issuer template" => Some("tenants"),
            "namespace" => Some("namespace"),
            "trust domain" => Some("trust_domain"),
            "authorization server" => Some("server"),
            "realm" => Some("realm"),
            "AWS region" => Some("region"),
            "user pool" => Some("user_pool"),
            "Firebase project" => Some("project"),
            _ if what.ends_with(" domain") => Some("domain"),
            _ => None,
        },
        ConfigError::Identifier { what: "audience", .. } | ConfigError::Empty { .. } => {
            first_of(&["audience", "clients", "tenants", "parties", "client", "project"])
        }
        _ => None,
    }
}

fn refused_member(at: &At<'_>, member: &str, error: ConfigError) -> DocumentError {
    if let ConfigError::Empty { .. } = &error {
        return at.failed(error, "add a value");
    }
    let ConfigError::Name { name, .. } = &error else { return at.refused(error) };
    let mend = match member {
        "base_url" | "instance" | "url" => {
            "write a URL that begins with https:// or http://, without a query"
        }
        "owner" if name.contains('/') => "write the account without the repository",
        "domain" if name.contains("://") => "write the domain without the scheme",
        "domain" | "trust_domain" => "write the domain alone, such as a.example",
        "namespace" => "write the path of the group, such as group/subgroup",
        _ => "write letters, digits, `-`, `.`, `_` and `~` alone",
    };
    at.failed(error, mend)
}

/// Reads members that were found to be given.
struct Given<'a> {
    at: &'a At<'a>,
    entry: &'a IssuerEntry,
}

impl Given<'_> {
    fn provider(&self, name: ProviderName) -> Result<Result<Provider, ConfigError>, DocumentError> {
        let entry = self.entry;
        let (region, user_pool) = (text(entry.region.as_deref()), text(entry.user_pool.as_deref()));
        let (domain, clients) = (text(entry.domain.as_deref()), all(entry.clients.as_ref()));
        Ok(match name {
            ProviderName::Auth0 => providers::auth0(domain, self.audience()?),
            ProviderName::AwsAlb => providers::aws_alb(
                region,
                text(entry.load_balancer.as_deref()),
                text(entry.client.as_deref()),
                self.issuer()?,
            ),
            ProviderName::Clerk => providers::clerk(domain, all(entry.parties.as_ref())),
            ProviderName::CognitoAccess => providers::cognito_access(region, user_pool, clients),
            ProviderName::CognitoId => providers::cognito_id(region, user_pool, clients),
            ProviderName::EntraV1 => providers::entra_v1(text(entry.tenant.as_deref()), self.audience()?),
            ProviderName::EntraV1Tenants => {
                providers::entra_v1_tenants(all(entry.tenants.as_ref()), self.audience()?)
            }
            ProviderName::EntraV2 => providers::entra_v2(text(entry.tenant.as_deref()), self.audience()?),
            ProviderName::EntraV2Tenants => {
                providers::entra_v2_tenants(all(entry.tenants.as_ref()), self.audience()?)
            }
            ProviderName::Firebase => providers::firebase(text(entry.project.as_deref())),
            ProviderName::GithubActions => {
                providers::github_actions(text(entry.owner.as_deref()), self.audience()?)
            }
            ProviderName::GitlabCi => providers::gitlab_ci(
                text(entry.instance.as_deref()),
                text(entry.namespace.as_deref()),
                self.audience()?,
            ),
            ProviderName::Google => providers::google(clients),
            ProviderName::Keycloak => providers::keycloak(
                text(entry.base_url.as_deref()),
                text(entry.realm.as_deref()),
                text(entry.client.as_deref()),
            ),
            ProviderName::Kubernetes => providers::kubernetes(self.issuer()?, self.audience()?),
            ProviderName::Okta => providers::okta(domain, text(entry.server.as_deref()), self.audience()?),
            ProviderName::OktaOrg => providers::okta_org(domain, clients),
            ProviderName::Spiffe => {
                let issuer = entry.issuer.as_ref().map(|_given| self.issuer()).transpose()?;
                providers::spiffe(text(entry.trust_domain.as_deref()), issuer, self.audience()?)
            }
            ProviderName::Supabase => providers::supabase(text(entry.url.as_deref())),
            ProviderName::SupabaseSecret => providers::supabase_secret(text(entry.url.as_deref())),
            ProviderName::Zitadel => providers::zitadel(domain, text(entry.project.as_deref())),
        })
    }

    /// Returns the audience. An entry of a provider has exactly one.
    fn audience(&self) -> Result<&str, DocumentError> {
        match self.entry.audience.as_ref().map(|audience| audience.rules.as_slice()) {
            Some([AudienceRuleSetting::Audience(audience)]) => Ok(audience),
            _ => {
                Err(self.at.member("audience").wrong("is not one string", "write the identifier of the API"))
            }
        }
    }

    /// Returns the issuer. An entry of a provider has exactly one.
    fn issuer(&self) -> Result<Issuer, DocumentError> {
        let at = self.at.member("issuer");
        match &self.entry.issuer {
            Some(IssuerSetting::Exact(issuer)) => {
                Issuer::new(issuer.clone()).map_err(|error| at.refused(error))
            }
            _ => Err(at.wrong("is not a string", "write the issuer of the tokens")),
        }
    }
}

/// The text is there: [`build`] has checked it.
const fn text(member: Option<&str>) -> &str {
    match member {
        Some(text) => text,
        None => "",
    }
}

fn all(member: Option<&Vec<Box<str>>>) -> Vec<Box<str>> {
    member.cloned().unwrap_or_default()
}
