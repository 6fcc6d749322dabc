//! [`Settings`]: the environment, read once at the start.

use std::env::{self, VarError};
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::{
    Algorithm, CacheLimits, Clock as _, ConfigError, CrossSite, Gate, KeyError, KeySet, ResourceMetadata,
    SystemClock, TokenSource, Verifier,
};
use tollgate_sessions::{AccessToken, IssueError, SigningKey, SigningKeyError, TokenIssuer};

use crate::answer::Answer;
use crate::signing_key;

/// Variables that belong to parts of the application that are not there yet. Setting one must not be ignored.
const PLANNED: [&str; 6] = [
    "TOLLGATE_JWKS_URL",
    "TOLLGATE_DISCOVER",
    "TOLLGATE_STORE",
    "TOLLGATE_REFRESH_WINDOW",
    "TOLLGATE_DEMO_EMAIL",
    "TOLLGATE_DEMO_PASSWORD",
];

/// What an example application is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where to listen.
    pub addr: String,
    /// Who is admitted.
    pub gate: Gate,
    /// The keys that tokens are verified with.
    pub keys: KeySet,
    metadata: ResourceMetadata,
    public_keys: String,
    issuer: Option<TokenIssuer>,
}

/// Why the application does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A variable has a value that cannot be used.
    #[error("{name}: {problem}")]
    Value {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A setting of the gate.
    #[error("the gate cannot be built")]
    Config(#[from] ConfigError),
    /// The key set or secret cannot be used.
    #[error("{name} cannot be used")]
    Key {
        /// The variable that it comes from.
        name: &'static str,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The generated signing key cannot be made or read.
    #[error("the signing key cannot be used")]
    SigningKey(#[source] SigningKeyError),
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written")]
    Data {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The signing key lies open.
    #[error(
        "{path} can be read by others than its owner; `chmod 600` it, or delete it to have a new key made"
    )]
    ReadableByOthers {
        /// The file.
        path: String,
    },
    /// The demo token cannot be issued.
    #[error("the demo token cannot be issued")]
    Issue(#[from] IssueError),
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable and what is wrong with it.
    pub fn from_env() -> Result<Self, SettingsError> {
        if let Some(name) = PLANNED.into_iter().find(|name| env::var_os(name).is_some()) {
            return Err(invalid(name, "is planned and not supported by this version; unset it"));
        }
        let addr = text("TOLLGATE_ADDR", "127.0.0.1:3000")?;
        let issuer = text("TOLLGATE_ISSUER", "http://127.0.0.1:3000")?;
        let audience = text("TOLLGATE_AUDIENCE", "tollgate-demo")?;
        let origin = text("TOLLGATE_PUBLIC_ORIGIN", &format!("http://{addr}"))?;
        let (keys, signing_key) = keys()?;
        let metadata = ResourceMetadata::new(&origin)
            .map_err(|error| {
                invalid("TOLLGATE_PUBLIC_ORIGIN", format!("{error}; set it to where clients reach this"))
            })?
            .with_authorization_server(issuer.clone())
            .with_scopes(["read:items", "write:items"]);
        let gate = Gate::new(Verifier::new(keys.clone(), issuer.clone(), audience.clone()))
            .with_sources(token_sources()?)
            .with_cross_site(CrossSite::new().with_public_origin(&origin)?)
            .with_resource_metadata(&metadata);
        let gate = with_cache(gate)?;
        let public_keys = public_key_set(signing_key.as_ref());
        let issuer = match signing_key {
            Some(key) => Some(TokenIssuer::new(key, issuer, audience).with_lifetime(access_lifetime()?)?),
            None => None,
        };
        Ok(Self { addr, gate, keys, metadata, public_keys, issuer })
    }

    /// `GET /.well-known/jwks.json` (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> Answer {
        Answer::of(200, "application/jwk-set+json", self.public_keys.clone())
            .with_header("cache-control", "public, max-age=300")
    }

    /// `GET /.well-known/oauth-protected-resource` (RFC 9728 §3).
    #[must_use]
    pub fn resource_metadata(&self) -> Answer {
        Answer::of(200, "application/json", self.metadata.to_json())
            .with_header("cache-control", "public, max-age=300")
    }

    /// What to print at the start: where to go, and a line to try.
    ///
    /// # Errors
    /// [`SettingsError::Issue`] when no demo token can be issued.
    pub fn banner(&self) -> Result<String, SettingsError> {
        let addr = &self.addr;
        let mut banner = format!("tollgate example on http://{addr}\n");
        match &self.issuer {
            Some(issuer) => {
                let demo = AccessToken::new("demo", "tollgate-demo")
                    .with_scopes(["read:items", "write:items"])
                    .with_roles(["admin"]);
                let token = issuer.issue(&demo, SystemClock::new().now())?;
                let minutes = issuer.lifetime().as_secs().div_ceil(60);
                banner.push_str(&format!(
                    "\nA demo token, good for {minutes} minutes. Try it:\n\n  curl -i http://{addr}/me -H 'Authorization: Bearer {}'\n\n\
                     And without it:\n\n  curl -i http://{addr}/me\n",
                    token.as_str()
                ));
            }
            None => {
                banner.push_str("Tokens come from the issuer that is configured; none are issued here.\n");
            }
        }
        Ok(banner)
    }
}

/// The keys to verify with, and the one to sign with unless tokens come from elsewhere.
fn keys() -> Result<(KeySet, Option<SigningKey>), SettingsError> {
    let named = ["TOLLGATE_SECRET", "TOLLGATE_SECRET_FILE", "TOLLGATE_JWKS_FILE"];
    let mut given = named.into_iter().filter(|name| env::var_os(name).is_some());
    let (first, second) = (given.next(), given.next());
    if let (Some(first), Some(_)) = (first, second) {
        return Err(invalid(
            first,
            "only one of TOLLGATE_SECRET, TOLLGATE_SECRET_FILE and TOLLGATE_JWKS_FILE may be set",
        ));
    }
    match first {
        Some(name @ "TOLLGATE_JWKS_FILE") => {
            let json = read(&text(name, "")?)?;
            Ok((KeySet::from_jwk_set(json).map_err(|source| SettingsError::Key { name, source })?, None))
        }
        Some(name) => {
            let encoded = if name == "TOLLGATE_SECRET" { text(name, "")? } else { read(&text(name, "")?)? };
            secret(name, encoded.trim())
        }
        None => {
            let key = signing_key::load_or_generate(Path::new(&text("TOLLGATE_DATA", "tollgate-data")?))?;
            Ok((key.verifying_key().map_err(SettingsError::SigningKey)?.into(), Some(key)))
        }
    }
}

fn secret(name: &'static str, encoded: &str) -> Result<(KeySet, Option<SigningKey>), SettingsError> {
    let secret = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_cause| {
        invalid(name, "is not base64url; make one with: openssl rand -base64 32 | tr '+/' '-_'")
    })?;
    let key = SigningKey::hmac(Algorithm::Hs256, secret).map_err(|error| match error {
        SigningKeyError::Key(source) => SettingsError::Key { name, source },
        other => SettingsError::SigningKey(other),
    })?;
    Ok((key.verifying_key().map_err(SettingsError::SigningKey)?.into(), Some(key)))
}

/// A JWK Set of the public half. A secret has none, so its set is empty.
fn public_key_set(key: Option<&SigningKey>) -> String {
    format!(r#"{{"keys":[{}]}}"#, key.and_then(SigningKey::public_jwk).unwrap_or_default())
}

fn token_sources() -> Result<Vec<TokenSource>, SettingsError> {
    const NAME: &str = "TOLLGATE_TOKEN_SOURCES";
    let list = text(NAME, "bearer,cookie")?;
    list.split(',')
        .map(|source| match source.trim().split_once(':') {
            None if source.trim() == "bearer" => Ok(TokenSource::bearer()),
            None if source.trim() == "cookie" => Ok(TokenSource::cookie("__Host-Http-at")?),
            Some(("header", name)) => Ok(TokenSource::header(name)?),
            Some(("query", name)) => Ok(TokenSource::insecure_query(name)?),
            _ => Err(invalid(NAME, format!("{source:?} is none of bearer, cookie, header:NAME, query:NAME"))),
        })
        .collect()
}

/// `off`, or how many tokens the cache may hold.
fn with_cache(gate: Gate) -> Result<Gate, SettingsError> {
    const NAME: &str = "TOLLGATE_CACHE";
    const BYTES_PER_TOKEN: u64 = 8 * 1024;
    match text(NAME, "default")?.as_str() {
        "default" => Ok(gate),
        "off" => Ok(gate.without_cache()),
        tokens => {
            let tokens: u32 =
                tokens.parse().map_err(|_cause| invalid(NAME, "is neither `off` nor a number of tokens"))?;
            let limits = CacheLimits::new(
                usize::try_from(tokens).unwrap_or(usize::MAX),
                u64::from(tokens).saturating_mul(BYTES_PER_TOKEN),
            );
            Ok(gate.with_cache(limits))
        }
    }
}

fn access_lifetime() -> Result<Duration, SettingsError> {
    let secs = text("TOLLGATE_ACCESS_TTL", "600")?;
    secs.parse()
        .map(Duration::from_secs)
        .map_err(|_cause| invalid("TOLLGATE_ACCESS_TTL", "is not a number of seconds"))
}

fn text(name: &'static str, default: &str) -> Result<String, SettingsError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(invalid(name, "is empty; unset it to use the default")),
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        Err(VarError::NotUnicode(_)) => Err(invalid(name, "is not UTF-8")),
    }
}

fn read(path: &str) -> Result<String, SettingsError> {
    fs::read_to_string(path).map_err(|source| SettingsError::Data { path: path.to_owned(), source })
}

fn invalid(name: &'static str, problem: impl Into<String>) -> SettingsError {
    SettingsError::Value { name, problem: problem.into() }
}
