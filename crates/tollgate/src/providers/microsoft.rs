//! Microsoft Entra ID.

use super::{KeyLocation, Provider, audience, discovered, part};
use crate::error::ConfigError;
use crate::issuer::Issuer;
use crate::verify::IssuerRule;

/// Version 2 access tokens of one Entra ID tenant, given by its ID. `api` is the application ID of the API.
///
/// Access tokens have `azp`, which ID tokens do not have. `ver` must be `2.0`, and `tid` the tenant. Scopes are in
/// `scp`, application roles in `roles`. Documented at
/// `learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn entra_v2(tenant: &str, api: &str) -> Result<Provider, ConfigError> {
    let tenant = part("tenant", tenant)?;
    let (issuer, keys) = discovered(format!("https://login.microsoftonline.com/{tenant}/v2.0"))?;
    version_2(Provider::new(issuer, audience(api)?, keys))?
        .try_with(|verifier| verifier.with_required_value("tid", tenant))
}

/// Version 2 access tokens of these Entra ID tenants, given by their IDs. `api` is the application ID of the API.
///
/// The tenant in `iss` must be one of the list, and equal to `tid`. The key must be one for tokens of organizations,
/// as its member `issuer` says: the same set holds keys of Microsoft accounts. See [`entra_v2`]. For a rule instead
/// of a list, use [`IssuerRule::template_where`]; for tenants that sign up while the service runs, see
/// [`VerifierSource`](crate::VerifierSource).
///
/// # Errors
/// [`ConfigError`] when a name is malformed, or without tenants.
pub fn entra_v2_tenants<T: Into<Box<str>>>(
    tenants: impl IntoIterator<Item = T>,
    api: &str,
) -> Result<Provider, ConfigError> {
    let issuer = IssuerRule::template("https://login.microsoftonline.com/{tid}/v2.0", tenants)?;
    let keys = KeyLocation::JwkSet("https://login.microsoftonline.com/common/discovery/v2.0/keys".into());
    version_2(Provider::new(issuer, audience(api)?, keys))
}

/// Version 1 access tokens of one Entra ID tenant, given by its ID. `api` is the identifier URI of the API, or its
/// application ID.
///
/// Access tokens have `appid`, which ID tokens do not have. `ver` must be `1.0`, and `tid` the tenant. Documented at
/// `learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn entra_v1(tenant: &str, api: &str) -> Result<Provider, ConfigError> {
    let tenant = part("tenant", tenant)?;
    let keys = format!("https://login.microsoftonline.com/{tenant}/discovery/keys");
    let issuer = Issuer::new(format!("https://sts.windows.net/{tenant}/"))?;
    version_1(Provider::new(issuer, audience(api)?, KeyLocation::JwkSet(keys.into())))?
        .try_with(|verifier| verifier.with_required_value("tid", tenant))
}

/// Version 1 access tokens of these Entra ID tenants, given by their IDs. See [`entra_v1`] and [`entra_v2_tenants`].
///
/// # Errors
/// [`ConfigError`] when a name is malformed, or without tenants.
pub fn entra_v1_tenants<T: Into<Box<str>>>(
    tenants: impl IntoIterator<Item = T>,
    api: &str,
) -> Result<Provider, ConfigError> {
    let issuer = IssuerRule::template("https://sts.windows.net/{tid}/", tenants)?;
    let keys = KeyLocation::JwkSet("https://login.microsoftonline.com/common/discovery/keys".into());
    version_1(Provider::new(issuer, audience(api)?, keys))
}

fn version_2(provider: Provider) -> Result<Provider, ConfigError> {
    provider.try_with(|verifier| {
        verifier.with_key_issuers().with_required_claim("azp").with_required_value("ver", "2.0")
    })
}

fn version_1(provider: Provider) -> Result<Provider, ConfigError> {
    provider.try_with(|verifier| verifier.with_required_claim("appid").with_required_value("ver", "1.0"))
}
