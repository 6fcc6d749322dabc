//! [`VerificationKeys`] and [`Signer`]: the keys that tokens are verified and signed with, from where the environment says.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{Algorithm, Clock as _, KeySet, KeySnapshot, SystemClock};
use tollgate_jwks::{RefreshSettings, RemoteKeySet, RemoteKeySetBuilder};
use tollgate_sessions::{KeyRing, RotationSchedule, SigningKey, SigningKeyError};

use crate::environment::{self as env, SettingsError, invalid};

/// The keys that tokens are verified with.
#[derive(Clone, Debug)]
pub(crate) enum VerificationKeys {
    /// As they were at the start.
    Fixed(KeySet),
    /// Our own.
    Ring(Arc<KeyRing>),
    /// As the issuer publishes them.
    Remote(RemoteKeySet),
}

impl VerificationKeys {
    pub(crate) fn to_verify_with(&self) -> KeySnapshot {
        match self {
            Self::Fixed(keys) => keys.clone().into(),
            Self::Ring(ring) => {
                let ring: Arc<KeyRing> = Arc::clone(ring);
                KeySnapshot::from_shared(ring)
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

/// What tokens are signed with.
#[derive(Debug)]
pub(crate) enum Signer {
    /// A secret that somebody has brought.
    Secret(SigningKey),
    /// Keys that were made here.
    Ring(Arc<KeyRing>),
}

/// Where keys may come from. At most one of them is set.
const PLACES: [&str; 5] = [
    "TOLLGATE_SECRET",
    "TOLLGATE_SECRET_FILE",
    "TOLLGATE_JWKS_FILE",
    "TOLLGATE_JWKS_URL",
    "TOLLGATE_DISCOVER",
];

/// The keys to verify with, and those to sign with unless tokens come from elsewhere.
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
        return Err(invalid(LIFETIME, "is for keys from TOLLGATE_JWKS_URL or TOLLGATE_DISCOVER"));
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

/// Made at the first start, and kept for the next.
fn key_ring(path: &Path) -> Result<KeyRing, SettingsError> {
    let schedule = RotationSchedule::default();
    KeyRing::open(Algorithm::EdDsa, path, schedule, SystemClock::new().now())
        .map_err(|source| SettingsError::SigningKeys { path: path.display().to_string(), source })
}

fn discover(name: &'static str, issuer: &str) -> Result<VerificationKeys, SettingsError> {
    if env::text(name, "")? != "1" {
        return Err(invalid(name, "is neither 1 nor unset"));
    }
    if !env::is_set("TOLLGATE_ISSUER") {
        return Err(invalid(name, "needs TOLLGATE_ISSUER: whose keys are to be found"));
    }
    remote(name, RemoteKeySet::discover(issuer))
}

/// Starts without waiting: until there are keys, requests with a token are answered 503, and so is `/readyz`.
fn remote(name: &'static str, keys: RemoteKeySetBuilder) -> Result<VerificationKeys, SettingsError> {
    // Plain http is for an issuer on this machine; elsewhere it stays refused.
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
    Ok(settings.with_lifetime_bounds(lifetime, lifetime))
}

fn key_set(name: &'static str) -> Result<KeySet, SettingsError> {
    let keys = KeySet::from_jwk_set(read(name)?).map_err(|source| SettingsError::Key { name, source })?;
    for key in keys.skipped() {
        let key_id = key.key_id.as_ref().map(tollgate::KeyId::as_str);
        tracing::warn!(index = key.index, key_id, reason = %key.reason, "a key of the set is not used");
    }
    Ok(keys)
}

/// The secret in base64url, or in the base64 that `openssl rand -base64 32` prints.
fn secret(name: &'static str, encoded: &str) -> Result<(VerificationKeys, Option<Signer>), SettingsError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let url_safe = encoded.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let secret = URL_SAFE_NO_PAD
        .decode(url_safe)
        .map_err(|_cause| invalid(name, "is not base64; make one with: openssl rand -base64 32"))?;
    let key = SigningKey::hmac(Algorithm::Hs256, secret).map_err(|error| match error {
        SigningKeyError::Key(source) => SettingsError::Key { name, source },
        other => SettingsError::SigningKey(other),
    })?;
    let keys: KeySet = key.verifying_key().map_err(SettingsError::SigningKey)?.into();
    Ok((keys.into(), Some(Signer::Secret(key))))
}

/// The file that the variable names, if it is this user's alone.
fn read_private(name: &'static str) -> Result<String, SettingsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let path = env::text(name, "")?;
        if fs::metadata(&path).is_ok_and(|file| file.mode() & 0o077 != 0) {
            return Err(invalid(name, "others can read the file; chmod 600 it"));
        }
    }
    read(name)
}

/// The file that the variable names.
fn read(name: &'static str) -> Result<String, SettingsError> {
    let path = env::text(name, "")?;
    fs::read_to_string(&path).map_err(|source| SettingsError::File { name, path, source })
}
