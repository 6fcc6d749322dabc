//! [`Settings`]: the environment, read once at the start.

use std::net::SocketAddr;
use std::time::Duration;

use tollgate::{
    CacheLimits, Clock as _, CrossSite, Gate, ResourceMetadata, SystemClock, TokenSource, Verifier,
};
use tollgate_sessions::{AccessToken, SigningKey, TokenIssuer};

use crate::answer::Answer;
use crate::environment::{self as env, SettingsError, invalid};
use crate::keys::{self, VerificationKeys};

/// What an example application is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where to listen.
    pub addr: SocketAddr,
    /// Who is admitted.
    pub gate: Gate,
    /// The keys that tokens are verified with.
    pub(crate) keys: VerificationKeys,
    metadata: ResourceMetadata,
    public_keys: String,
    issuer: Option<TokenIssuer>,
    /// What to say of tokens where none are issued.
    expected: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable and what is wrong with it.
    pub fn from_env() -> Result<Self, SettingsError> {
        env::check_names()?;
        let addr = address()?;
        let origin = public_origin(addr)?;
        let issuer = env::text("TOLLGATE_ISSUER", "http://127.0.0.1:3000")?;
        let audience = env::text("TOLLGATE_AUDIENCE", "tollgate-demo")?;
        let (keys, signing_key) = keys::from_env(&issuer)?;
        let lifetime = access_lifetime()?;
        let metadata = ResourceMetadata::new(&origin)
            .map_err(|error| {
                invalid("TOLLGATE_PUBLIC_ORIGIN", format!("{error}; set it to where clients reach this"))
            })?
            .with_authorization_server(issuer.clone())
            .with_scopes(["read:items", "write:items"]);
        let cross_site = CrossSite::new()
            .with_public_origin(&origin)
            .map_err(|error| invalid("TOLLGATE_PUBLIC_ORIGIN", error.to_string()))?;
        let gate = Gate::new(Verifier::new(keys.to_verify_with(), issuer.clone(), audience.clone()))
            .with_sources(token_sources()?)
            .with_cross_site(cross_site)
            .with_resource_metadata(&metadata);
        let gate = with_cache(gate)?;
        let public_keys = public_key_set(signing_key.as_ref());
        let expected = format!("issuer {issuer}, audience {audience}");
        let issuer = match signing_key {
            Some(key) => Some(
                TokenIssuer::new(key, issuer, audience)
                    .with_lifetime(lifetime)
                    .map_err(|error| invalid("TOLLGATE_ACCESS_TTL", error.to_string()))?,
            ),
            None => None,
        };
        Ok(Self { addr, gate, keys, metadata, public_keys, issuer, expected })
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
        let addr = self.addr;
        let Some(issuer) = &self.issuer else {
            return Ok(format!(
                "tollgate example on http://{addr}\nTokens come from elsewhere ({}); none are issued here.\n",
                self.expected
            ));
        };
        let demo = AccessToken::new("demo", "tollgate-demo")
            .with_scopes(["read:items", "write:items"])
            .with_roles(["admin"]);
        let token = issuer.issue(&demo, SystemClock::new().now())?;
        let minutes = issuer.lifetime().as_secs().div_ceil(60);
        Ok(format!(
            "tollgate example on http://{addr}\n\n\
             A demo token, good for {minutes} minutes. Try it:\n\n  curl -i http://{addr}/me -H 'Authorization: Bearer {}'\n\n\
             And without it:\n\n  curl -i http://{addr}/me\n",
            token.as_str()
        ))
    }
}

fn address() -> Result<SocketAddr, SettingsError> {
    const NAME: &str = "TOLLGATE_ADDR";
    let text = env::text(NAME, "127.0.0.1:3000")?;
    let addr: SocketAddr = text
        .parse()
        .map_err(|_cause| invalid(NAME, "is not an IP address with a port, such as 127.0.0.1:3000"))?;
    if addr.port() == 0 {
        return Err(invalid(NAME, "needs a port: tokens and links name it"));
    }
    Ok(addr)
}

/// The origin that browsers see.
fn public_origin(addr: SocketAddr) -> Result<String, SettingsError> {
    const NAME: &str = "TOLLGATE_PUBLIC_ORIGIN";
    if addr.ip().is_unspecified() && !env::is_set(NAME) {
        return Err(invalid(
            NAME,
            "is needed with an address such as 0.0.0.0: set it to where clients reach this",
        ));
    }
    env::text(NAME, &format!("http://{addr}"))
}

/// A JWK Set of the public half. A secret has none, so its set is empty.
fn public_key_set(key: Option<&SigningKey>) -> String {
    format!(r#"{{"keys":[{}]}}"#, key.and_then(SigningKey::public_jwk).unwrap_or_default())
}

fn token_sources() -> Result<Vec<TokenSource>, SettingsError> {
    const NAME: &str = "TOLLGATE_TOKEN_SOURCES";
    let list = env::text(NAME, "bearer,cookie")?;
    list.split(',')
        .map(|source| match source.trim().split_once(':') {
            None if source.trim() == "bearer" => Ok(TokenSource::bearer()),
            None if source.trim() == "cookie" => TokenSource::cookie("__Host-Http-at"),
            Some(("header", name)) => TokenSource::header(name),
            Some(("query", name)) => TokenSource::insecure_query(name),
            _ => Err(tollgate::ConfigError::Conflict(
                "a source is none of bearer, cookie, header:NAME, query:NAME",
            )),
        })
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(NAME, error.to_string()))
}

/// `off`, or how many tokens the cache may hold.
fn with_cache(gate: Gate) -> Result<Gate, SettingsError> {
    const NAME: &str = "TOLLGATE_CACHE";
    const BYTES_PER_TOKEN: u64 = 8 * 1024;
    match env::text(NAME, "default")?.as_str() {
        "default" => Ok(gate),
        "off" => Ok(gate.without_cache()),
        tokens => {
            let tokens: u32 =
                tokens.parse().map_err(|_cause| invalid(NAME, "is neither `off` nor a number of tokens"))?;
            let bytes = u64::from(tokens).saturating_mul(BYTES_PER_TOKEN);
            Ok(gate.with_cache(CacheLimits::new(usize::try_from(tokens).unwrap_or(usize::MAX), bytes)))
        }
    }
}

fn access_lifetime() -> Result<Duration, SettingsError> {
    let secs = env::text("TOLLGATE_ACCESS_TTL", "600")?;
    secs.parse()
        .map(Duration::from_secs)
        .map_err(|_cause| invalid("TOLLGATE_ACCESS_TTL", "is not a number of seconds"))
}
