//! Google, Firebase and Supabase.

use super::{KeyLocation, Provider, audience, base_url, discovered, part, with_clients};
use crate::algorithm::Algorithm;
use crate::claims::{ClaimPath, ClaimPaths};
use crate::error::ConfigError;
use crate::issuer::Issuer;

/// Google ID tokens, for one of `clients`.
///
/// Documented at `developers.google.com/identity/gsi/web/guides/verify-google-id-token`, which also names the issuer
/// `accounts.google.com` without a scheme. Google writes it with one, and this preset accepts only that.
///
/// # Errors
/// [`ConfigError`] when a client ID is malformed, or without clients.
pub fn google<C: Into<Box<str>>>(clients: impl IntoIterator<Item = C>) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered("https://accounts.google.com".to_owned())?;
    with_clients(clients, |client| Provider::new(issuer, client, keys))?
        .try_with(|verifier| verifier.tolerate_id_tokens().with_algorithms([Algorithm::Rs256]))
}

/// ID tokens of a Firebase project, given by its ID.
///
/// `sub` and `auth_time` are required. Documented at
/// `firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library`.
///
/// # Errors
/// [`ConfigError`] when the project ID is malformed.
pub fn firebase(project: &str) -> Result<Provider, ConfigError> {
    let project = part("Firebase project", project)?;
    let issuer = Issuer::new(format!("https://securetoken.google.com/{project}"))?;
    let keys = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
    Provider::new(issuer, audience(project)?, KeyLocation::JwkSet(keys.into())).try_with(|verifier| {
        let verifier =
            verifier.tolerate_id_tokens().with_required_claim("sub").with_required_claim("auth_time");
        verifier.with_algorithms([Algorithm::Rs256])
    })
}

/// Access tokens of users of a Supabase project with asymmetric keys, given by its URL, such as
/// `https://abcdefgh.supabase.co`.
///
/// `role` must be `authenticated`, so the project's `anon` and `service_role` keys are rejected. Users who logged in
/// anonymously have that role too, and `is_anonymous`. Roles are `role` and `app_metadata.roles`. Documented at
/// `supabase.com/docs/guides/auth/jwt-fields`.
///
/// # Errors
/// [`ConfigError`] when the URL is malformed.
pub fn supabase(url: &str) -> Result<Provider, ConfigError> {
    let keys = format!("{}/auth/v1/.well-known/jwks.json", base_url(url)?);
    supabase_users(url, KeyLocation::JwkSet(keys.into()))
}

/// Access tokens of users of a Supabase project with the legacy secret, given by its URL. See [`supabase`].
///
/// The secret also signs the project's `anon` and `service_role` keys, which have another issuer and are rejected.
///
/// # Errors
/// [`ConfigError`] when the URL is malformed.
pub fn supabase_secret(url: &str) -> Result<Provider, ConfigError> {
    supabase_users(url, KeyLocation::Secret)
}

fn supabase_users(url: &str, keys: KeyLocation) -> Result<Provider, ConfigError> {
    let issuer = Issuer::new(format!("{}/auth/v1", base_url(url)?))?;
    let roles = [ClaimPath::name("role"), ClaimPath::name("app_metadata").then("roles")];
    let paths = ClaimPaths::default().with_roles_at(roles);
    Provider::new(issuer, audience("authenticated")?, keys)
        .try_with(|verifier| verifier.with_claim_paths(paths).with_required_value("role", "authenticated"))
}
