//! Identity providers.

use super::{KeyLocation, Provider, audience, base_url, discovered, part, with_clients};
use crate::claims::{ClaimPath, ClaimPaths, GrantClaim};
use crate::error::ConfigError;
use crate::issuer::Issuer;
use crate::verify::AudienceRule;

/// Access tokens of an Auth0 tenant, given by its domain. `api` is the identifier of the API.
///
/// Scopes are in `scope`: what the user lets the client do. Roles are the `permissions` of role-based access control:
/// what the user may do, whatever the client was granted. Documented at
/// `auth0.com/docs/secure/tokens/access-tokens/validate-access-tokens`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn auth0(domain: &str, api: &str) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(format!("https://{}/", part("Auth0 domain", domain)?))?;
    let paths = ClaimPaths::default().with_scopes_at(["scope"]).with_roles_at(["permissions"]);
    Ok(Provider::new(issuer, audience(api)?, keys).with(|verifier| verifier.with_claim_paths(paths)))
}

/// Access tokens of an Okta custom authorization server, such as `default`. `api` is the server's audience.
///
/// Access tokens have `cid`, which ID tokens do not have. Scopes are the array `scp`; roles are the groups in
/// `groups`, if the server adds that claim. Documented at
/// `developer.okta.com/docs/guides/validate-access-tokens/main/`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn okta(domain: &str, server: &str, api: &str) -> Result<Provider, ConfigError> {
    let (domain, server) = (part("Okta domain", domain)?, part("authorization server", server)?);
    let (issuer, keys) = discovered(format!("https://{domain}/oauth2/{server}"))?;
    let paths = ClaimPaths::default().with_scopes_at(["scp"]).with_roles_at(["groups"]);
    let settings = Provider::new(issuer, audience(api)?, keys);
    Ok(settings.with(|verifier| verifier.with_claim_paths(paths).with_required_claim("cid")))
}

/// ID tokens of the Okta org authorization server, for one of `clients`.
///
/// Okta does not let other parties verify the access tokens of this server; an API has to be called with the ID
/// token, or use a custom server ([`okta`]). Access tokens have `cid` and another audience, and are rejected.
/// Documented at `developer.okta.com/docs/concepts/auth-servers/`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed, or without clients.
pub fn okta_org<C: Into<Box<str>>>(
    domain: &str,
    clients: impl IntoIterator<Item = C>,
) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(format!("https://{}", part("Okta domain", domain)?))?;
    let paths = ClaimPaths::default().with_roles_at(["groups"]);
    let settings = with_clients(clients, |client| Provider::new(issuer, client, keys))?;
    Ok(settings.with(|verifier| verifier.with_claim_paths(paths).tolerate_id_tokens()))
}

/// Access tokens of a Keycloak realm, such as `https://keycloak.example` and `shop`. `client` is the client that stands
/// for the API: an audience mapper has to add it to `aud`.
///
/// The claim `typ` must be `Bearer`, which tells access tokens from ID and refresh tokens. Roles are those of the realm
/// and those of the client. Documented at `www.keycloak.org/docs/latest/server_admin/#_audience`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn keycloak(base: &str, realm: &str, client: &str) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(format!("{}/realms/{}", base_url(base)?, part("realm", realm)?))?;
    let client_roles = ClaimPath::name("resource_access").then(client).then("roles");
    let realm_roles = ClaimPath::name("realm_access").then("roles");
    let paths = ClaimPaths::default().with_roles_at([realm_roles, client_roles]);
    // Older versions copy the `nonce` of the login into access tokens. `typ` still tells them apart.
    Provider::new(issuer, audience(client)?, keys).try_with(|verifier| {
        let verifier = verifier.with_claim_paths(paths).tolerate_id_token_claim("nonce");
        verifier.with_required_value("typ", "Bearer")
    })
}

/// Session tokens of a Clerk application, given by the domain of its Frontend API. `parties` are the origins of the
/// front ends, which Clerk calls authorized parties.
///
/// These tokens have no `aud`, so `azp` takes its place: the origin of the page that requested the token. Tokens of
/// native applications have no `azp` and are rejected. `sid` is required, as only session tokens have it. Roles are
/// the role in the organization. Documented at `clerk.com/docs/guides/sessions/session-tokens`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed, or without parties.
pub fn clerk<P: Into<Box<str>>>(
    domain: &str,
    parties: impl IntoIterator<Item = P>,
) -> Result<Provider, ConfigError> {
    let issuer = format!("https://{}", part("Clerk domain", domain)?);
    let keys = KeyLocation::JwkSet(format!("{issuer}/.well-known/jwks.json").into());
    let roles = [ClaimPath::name("org_role"), ClaimPath::name("o").then("rol")];
    let paths = ClaimPaths::default().with_roles_at(roles);
    let settings = Provider::new(Issuer::new(issuer)?, AudienceRule::claim("azp", parties)?, keys);
    Ok(settings.with(|verifier| verifier.with_claim_paths(paths).with_required_claim("sid")))
}

/// Access tokens in JWT form of a ZITADEL instance, given by its domain. `project` is the ID of the project that the
/// API belongs to.
///
/// Roles are the names of the members of `urn:zitadel:iam:org:project:{project}:roles`. ID tokens have `at_hash` or
/// `nonce`, and are rejected for that. Documented at `zitadel.com/docs/apis/openidoauth/claims`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn zitadel(domain: &str, project: &str) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(format!("https://{}", part("ZITADEL domain", domain)?))?;
    let roles = ClaimPath::name(format!("urn:zitadel:iam:org:project:{project}:roles"));
    let paths = ClaimPaths::default().with_roles_at([GrantClaim::keys_of(roles)]);
    Ok(Provider::new(issuer, audience(project)?, keys).with(|verifier| verifier.with_claim_paths(paths)))
}
