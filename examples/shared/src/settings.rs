//! [`Settings`]: the environment, read once at the start.

use std::net::SocketAddr;
use std::path::PathBuf;

use tollgate::{Audience, CacheLimits, CrossSite, Gate, Issuer, ResourceMetadata, TokenSource, Verifier};
use tollgate_sessions::{CookieSettings, SessionEndpoints};

use crate::answer::Answer;
use crate::environment::{self as env, SettingsError, invalid};
use crate::issuing::{self, Issuing};
use crate::keys::{self, VerificationKeys};

const ISSUER: &str = "TOLLGATE_ISSUER";
const AUDIENCE: &str = "TOLLGATE_AUDIENCE";
const TOKEN_SOURCES: &str = "TOLLGATE_TOKEN_SOURCES";

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
    /// What is there where tokens are issued.
    pub(crate) issuing: Option<Issuing>,
    metadata: ResourceMetadata,
    /// What to say of tokens where none are issued.
    expected: String,
}

impl Settings {
    /// Reads the environment, and sets up what it names.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable and what is wrong with it.
    pub async fn from_env() -> Result<Self, SettingsError> {
        env::check_names()?;
        let addr = address()?;
        let origin = public_origin(addr)?;
        let issuer = Issuer::new(env::text(ISSUER, "http://127.0.0.1:3000")?)
            .map_err(|error| invalid(ISSUER, error.to_string()))?;
        let audience = Audience::new(env::text(AUDIENCE, "tollgate-demo")?)
            .map_err(|error| invalid(AUDIENCE, error.to_string()))?;
        let data = PathBuf::from(env::text("TOLLGATE_DATA", "tollgate-data")?);
        let (keys, signer) = keys::from_env(issuer.as_str(), &data)?;
        let metadata = ResourceMetadata::new(&origin)
            .map_err(|error| {
                invalid("TOLLGATE_PUBLIC_ORIGIN", format!("{error}; set it to where clients reach this"))
            })?
            .with_authorization_server(issuer.as_str())
            .with_scopes(["read:items", "write:items"]);
        let cross_site = CrossSite::new()
            .with_public_origin(&origin)
            .map_err(|error| invalid("TOLLGATE_PUBLIC_ORIGIN", error.to_string()))?;
        let gate = Gate::new(Verifier::new(keys.to_verify_with(), issuer.clone(), audience.clone()))
            .with_sources(token_sources()?)
            .map_err(|error| invalid(TOKEN_SOURCES, error.to_string()))?
            .with_cross_site(cross_site)
            .with_resource_metadata(&metadata);
        let gate = with_cache(gate)?;
        let expected = format!("issuer {issuer}, audience {audience}");
        let (gate, issuing) = match signer {
            Some(signer) => {
                let (tokens, ring) = issuing::token_issuer(signer, issuer.clone(), audience)?;
                let (issuing, gate) = Issuing::start(tokens, ring, gate, issuer, &data).await?;
                (gate, Some(issuing))
            }
            None => {
                issuing::refuse_settings()?;
                (gate, None)
            }
        };
        Ok(Self { addr, gate, keys, issuing, metadata, expected })
    }

    /// Log in, renew, log out; the public keys. Not there where tokens come from elsewhere.
    #[must_use]
    pub fn endpoints(&self) -> Option<SessionEndpoints> {
        self.issuing.as_ref().map(|issuing| issuing.endpoints.clone())
    }

    /// `GET /.well-known/oauth-protected-resource` (RFC 9728 §3).
    #[must_use]
    pub fn resource_metadata(&self) -> Answer {
        Answer::of(200, "application/json", self.metadata.to_json())
            .with_header("cache-control", "public, max-age=300")
    }

    /// What to print at the start: where to go, and lines to try.
    #[must_use]
    pub fn banner(&self) -> String {
        let addr = self.addr;
        let Some(issuing) = &self.issuing else {
            return format!(
                "tollgate example on http://{addr}\n\
                 Tokens come from elsewhere ({}); none are issued here. Ctrl-C ends it.\n",
                self.expected
            );
        };
        format!(
            "tollgate example on http://{addr}\n\n{}\n\
             Open it in a browser, or log in from here:\n\n  \
             curl http://{addr}/auth/login -H 'Content-Type: application/json' -d '{}'\n\n\
             and ask with the access token:\n\n  \
             curl -i http://{addr}/me -H 'Authorization: Bearer ACCESS_TOKEN'\n\n\
             Ctrl-C ends it.\n",
            issuing.demo.introduction(),
            issuing.demo.login_body(),
        )
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

fn token_sources() -> Result<Vec<TokenSource>, SettingsError> {
    let list = env::text(TOKEN_SOURCES, "bearer,cookie")?;
    list.split(',')
        .map(|source| match source.trim().split_once(':') {
            None if source.trim() == "bearer" => Ok(TokenSource::bearer()),
            None if source.trim() == "cookie" => CookieSettings::default().token_source(),
            Some(("header", name)) => TokenSource::header(name),
            Some(("query", name)) => TokenSource::insecure_query(name),
            _ => Err(tollgate::ConfigError::Conflict(
                "a source is none of bearer, cookie, header:TOKEN_SOURCES, query:TOKEN_SOURCES",
            )),
        })
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(TOKEN_SOURCES, error.to_string()))
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
            let limits = CacheLimits::new(usize::try_from(tokens).unwrap_or(usize::MAX), bytes);
            Ok(gate.with_cache(limits.map_err(|error| invalid(NAME, error.to_string()))?))
        }
    }
}
