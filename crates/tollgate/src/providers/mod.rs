//! Presets for providers of tokens, each a few lines that can be compared with the provider's documentation.
//!
//! A preset sets what differs between providers: the issuer, how a token names this API, where scopes and roles are,
//! what tells access tokens from ID tokens, and where the keys are. It gives up no more than its provider needs, and
//! every other check stays as strict as in [`Verifier::new`]. The verifier that it makes can be changed as any other.
//!
//! ```
//! use tollgate::{Gate, providers};
//!
//! # fn keys_at(_: &providers::KeyLocation) -> Result<tollgate::KeySet, tollgate::KeyError> {
//! #     tollgate::KeySet::from_jwk_set("{}") }
//! # fn build() -> Result<Gate, Box<dyn std::error::Error>> {
//! let cognito = providers::cognito_access("eu-central-1", "eu-central-1_AbCdEf", ["1h57kf5cpq17m0eml12EXAMPLE"])?;
//! let keys = keys_at(cognito.keys())?; // with `tollgate-jwks`: RemoteKeySet::of_provider(&cognito)?.connect().await?
//! let gate = Gate::new(cognito.verifier(keys));
//! # Ok(gate) }
//! ```
//!
//! The table in `docs/providers.md` says for each provider what is checked and what is given up.

mod aws;
mod cloud;
mod identity;
mod microsoft;
mod workload;

pub use aws::{aws_alb, cognito_access, cognito_id};
pub use cloud::{firebase, google, supabase, supabase_secret};
pub use identity::{auth0, clerk, keycloak, okta, okta_org, zitadel};
pub use microsoft::{entra_v1, entra_v1_tenants, entra_v2, entra_v2_tenants};
pub use workload::{github_actions, gitlab_ci, kubernetes, spiffe};

use crate::audience::Audience;
use crate::error::ConfigError;
use crate::issuer::Issuer;
use crate::key::{JwkTolerance, VerifierKeys};
use crate::verify::{AudienceRule, IssuerRule, Verifier};

/// The settings of a [`Verifier`] for one provider, without its keys.
#[derive(Clone, Debug)]
pub struct Provider {
    verifier: Verifier,
    keys: KeyLocation,
    tolerance: JwkTolerance,
}

/// Where a provider publishes its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLocation {
    /// In the JWK Set that the metadata of this issuer names (OpenID Connect Discovery 1.0, RFC 8414).
    Issuer(Issuer),
    /// In the JWK Set at this URL.
    JwkSet(Box<str>),
    /// In one PEM document for each key. Its URL is this text and the key ID.
    PemPerKeyId(Box<str>),
    /// Nowhere: the provider shares a secret with this API.
    Secret,
    /// Where the operator says, such as a file or an endpoint that needs authentication.
    Configured,
}

impl Provider {
    fn new(issuer: impl Into<IssuerRule>, audience: impl Into<AudienceRule>, keys: KeyLocation) -> Self {
        let verifier = Verifier::new(VerifierKeys::none(), issuer, audience);
        Self { verifier, keys, tolerance: JwkTolerance::default() }
    }

    fn with(self, change: impl FnOnce(Verifier) -> Verifier) -> Self {
        Self { verifier: change(self.verifier), ..self }
    }

    fn try_with(
        self,
        change: impl FnOnce(Verifier) -> Result<Verifier, ConfigError>,
    ) -> Result<Self, ConfigError> {
        Ok(Self { verifier: change(self.verifier)?, ..self })
    }

    /// Returns where the provider publishes its keys.
    #[must_use]
    pub fn keys(&self) -> &KeyLocation {
        &self.keys
    }

    /// Returns the deviations that the provider's key sets have.
    #[must_use]
    pub fn key_tolerance(&self) -> JwkTolerance {
        self.tolerance
    }

    /// Returns the verifier with these keys.
    #[must_use]
    pub fn verifier(&self, keys: impl Into<VerifierKeys>) -> Verifier {
        self.verifier.clone().with_keys(keys.into())
    }
}

/// Returns an issuer whose metadata names the keys.
fn discovered(issuer: String) -> Result<(Issuer, KeyLocation), ConfigError> {
    let issuer = Issuer::new(issuer)?;
    Ok((issuer.clone(), KeyLocation::Issuer(issuer)))
}

fn audience(audience: impl Into<Box<str>>) -> Result<Audience, ConfigError> {
    Audience::new(audience)
}

/// Sets the audiences of a provider that has at least one.
fn with_clients<C: Into<Box<str>>>(
    clients: impl IntoIterator<Item = C>,
    make: impl FnOnce(Audience) -> Provider,
) -> Result<Provider, ConfigError> {
    let mut clients = clients.into_iter();
    let first = clients.next().ok_or(ConfigError::Empty { what: "client ID" })?;
    clients.try_fold(make(Audience::new(first)?), |provider, client| {
        let client = Audience::new(client)?;
        Ok(provider.with(|verifier| verifier.with_audience(client)))
    })
}

/// Returns `text` when it can be one part of a host or of a path: letters, digits, `-`, `.`, `_` and `~`, and for a
/// host also a port.
fn part<'a>(what: &'static str, text: &'a str) -> Result<&'a str, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_part = !name.is_empty() && name.bytes().all(plain) && port.parse::<u16>().is_ok();
    if is_part { Ok(text) } else { Err(ConfigError::Name { what, name: text.into() }) }
}

/// Returns `url` without a slash at its end, when it is an absolute http or https URL without query and fragment.
fn base_url(url: &str) -> Result<&str, ConfigError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |rest: &&str| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
            && !rest.contains(['?', '#', '@'])
    };
    match rest.filter(is_plain) {
        Some(_) => Ok(url.strip_suffix('/').unwrap_or(url)),
        None => Err(ConfigError::Name { what: "base URL of a provider", name: url.into() }),
    }
}
