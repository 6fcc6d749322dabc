//! [`VerificationKeys`] and [`Signer`]: the keys to verify and sign tokens with, from the source that the environment
//! names.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{Algorithm, Clock as _, KeySet, SystemClock, VerifierKeys};
use tollgate_jwks::{RefreshSettings, RemoteKeySet, RemoteKeySetBuilder};
use tollgate_sessions::issuing::{KeyRotationSchedule, SigningKeyError};
use tollgate_sessions::{KeyRing, SigningKey};

use crate::environment::{self as env, SettingsError, invalid};

/// The keys to verify tokens with.
#[derive(Clone, Debug)]
pub(crate) enum VerificationKeys {
    /// A key set that was read at the start.
    Fixed(KeySet),
    /// The application's own signing keys, which rotate.
    Ring(Arc<KeyRing>),
    /// The key set that another issuer publishes, refreshed in the background.
    Remote(RemoteKeySet),
}

impl VerificationKeys {
    pub(crate) fn to_verify_with(&self) -> VerifierKeys {
        match self {
            Self::Fixed(keys) => keys.clone().into(),
            Self::Ring(ring) => {
                let ring: Arc<KeyRing> = Arc::clone(ring);
                VerifierKeys::from_shared(ring)
            }
            Self::Remote(keys) => keys.clone().into(),
        }
    }
}

impl From<KeySet> for VerificationKeys {
    fn from(keys: KeySet) -> Self {
        Self::Fixed(keys)
    }
}

/// The keys to sign tokens with.
#[derive(Debug)]
pub(crate) enum Signer {
    /// A secret from the environment.
    Secret(SigningKey),
    /// Keys that the application generated.
    Ring(Arc<KeyRing>),
}

/// The variables that name a source of keys. At most one of them may be set.
pub(crate) const PLACES: [&str; 5] = [
    "TOLLGATE_SECRET",
    "TOLLGATE_SECRET_FILE",
    "TOLLGATE_JWKS_FILE",
    "TOLLGATE_JWKS_URL",
    "TOLLGATE_DISCOVER",
];

/// Returns the keys to verify with, and the keys to sign with if the application issues tokens.
pub(crate) fn from_env(
    issuer: &str,
    data: &Path,
) -> Result<(VerificationKeys, Option<Signer>), SettingsError> {
    let mut given = PLACES.into_iter().filter(|name| env::is_set(name));
    let (first, second) = (given.next(), given.next());
    if let (Some(first), Some(_)) = (first, second) {
        return Err(invalid(first, format!("only one of {} may be set", PLACES.join(", "))));
    }
    if !matches!(first, Some("TOLLGATE_JWKS_URL" | "TOLLGATE_DISCOVER")) && env::is_set(LIFETIME) {
        return Err(invalid(LIFETIME, "only applies to keys from TOLLGATE_JWKS_URL or TOLLGATE_DISCOVER"));
    }
    match first {
        Some(name @ "TOLLGATE_JWKS_FILE") => Ok((key_set(name)?.into(), None)),
        Some(name @ "TOLLGATE_JWKS_URL") => {
            let keys = remote(name, RemoteKeySet::from_url(env::text(name, "")?))?;
            Ok((keys, None))
        }
        Some(name @ "TOLLGATE_DISCOVER") => Ok((discover(name, issuer)?, None)),
        Some(name) => {
            let encoded = if name == "TOLLGATE_SECRET" { env::text(name, "")? } else { read_private(name)? };
            secret(name, encoded.trim())
        }
        None => {
            let ring = Arc::new(key_ring(&data.join("signing-keys"))?);
            Ok((VerificationKeys::Ring(Arc::clone(&ring)), Some(Signer::Ring(ring))))
        }
    }
}

/// Opens the key ring, which the first start creates.
fn key_ring(path: &Path) -> Result<KeyRing, SettingsError> {
    let schedule = KeyRotationSchedule::default();
    KeyRing::open(Algorithm::EdDsa, path, schedule, SystemClock::new().now())
        .map_err(|source| SettingsError::SigningKeys { path: path.display().to_string(), source })
}

fn discover(name: &'static str, issuer: &str) -> Result<VerificationKeys, SettingsError> {
    if env::text(name, "")? != "1" {
        return Err(invalid(name, "must be 1 or unset"));
    }
    if !env::is_set("TOLLGATE_ISSUER") {
        return Err(invalid(name, "needs TOLLGATE_ISSUER, the issuer whose keys to discover"));
    }
    remote(name, RemoteKeySet::discover(issuer))
}

/// Starts without waiting for the first fetch. Until the keys are fetched, requests with a token and `/readyz`
/// get 503.
fn remote(name: &'static str, keys: RemoteKeySetBuilder) -> Result<VerificationKeys, SettingsError> {
    // Allows plain http for an issuer on this machine only.
    let keys = keys.with_insecure_loopback().with_settings(refresh_settings()?);
    let keys = keys.start().map_err(|source| SettingsError::Remote { name, source })?;
    Ok(VerificationKeys::Remote(keys))
}

const LIFETIME: &str = "TOLLGATE_JWKS_LIFETIME";

fn refresh_settings() -> Result<RefreshSettings, SettingsError> {
    let settings = RefreshSettings::new();
    if !env::is_set(LIFETIME) {
        return Ok(settings);
    }
    let secs = env::text(LIFETIME, "")?.parse().ok().filter(|secs| *secs > 0);
    let lifetime = secs
        .map(Duration::from_secs)
        .ok_or_else(|| invalid(LIFETIME, "is not a number of seconds above 0"))?;
    Ok(settings.with_lifetime(lifetime).with_lifetime_bounds(lifetime, lifetime))
}

fn key_set(name: &'static str) -> Result<KeySet, SettingsError> {
    let keys = KeySet::from_jwk_set(read(name)?).map_err(|source| SettingsError::Key { name, source })?;
    for key in keys.skipped() {
        let key_id = key.key_id.as_ref().map(tollgate::KeyId::as_str);
        tracing::warn!(index = key.index, key_id, reason = %key.reason, "skipped an unusable key of the key set");
    }
    Ok(keys)
}

/// Decodes the secret from base64url, or from the base64 that `openssl rand -base64 32` prints.
fn secret(name: &'static str, encoded: &str) -> Result<(VerificationKeys, Option<Signer>), SettingsError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let url_safe = encoded.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let secret = URL_SAFE_NO_PAD
        .decode(url_safe)
        .map_err(|_cause| invalid(name, "is not base64; create a secret with: openssl rand -base64 32"))?;
    let key = SigningKey::hmac(Algorithm::Hs256, secret).map_err(|error| match error {
        SigningKeyError::Key(source) => SettingsError::Key { name, source },
        other => SettingsError::SigningKey(other),
    })?;
    let keys: KeySet = key.verifying_key().map_err(SettingsError::SigningKey)?.into();
    Ok((keys.into(), Some(Signer::Secret(key))))
}

/// Reads the file that the variable names. Fails if other users can read it.
fn read_private(name: &'static str) -> Result<String, SettingsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let path = env::text(name, "")?;
        if fs::metadata(&path).is_ok_and(|file| file.mode() & 0o077 != 0) {
            return Err(invalid(name, "other users can read the file; run chmod 600 on it"));
        }
    }
    read(name)
}

/// Reads the file that the variable names.
fn read(name: &'static str) -> Result<String, SettingsError> {
    let path = env::text(name, "")?;
    fs::read_to_string(&path).map_err(|source| SettingsError::File { name, path, source })
}
