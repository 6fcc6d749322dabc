//! [`Settings`]: the settings from the environment, read once at the start.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use tollgate::{Audience, CacheLimits, CrossSite, Gate, Issuer, ResourceMetadata, TokenSource, Verifier};
use tollgate_config::ConfigWatcher;
use tollgate_sessions::{CookieSettings, SessionEndpoints};

use crate::answer::Answer;
use crate::config;
use crate::environment::{self as env, SettingsError, invalid};
use crate::issuing::{self, Issuing};
use crate::keys::{self, VerificationKeys};
use crate::listen;

const ISSUER: &str = "TOLLGATE_ISSUER";
const AUDIENCE: &str = "TOLLGATE_AUDIENCE";
const TOKEN_SOURCES: &str = "TOLLGATE_TOKEN_SOURCES";

/// The settings of an example application, and the parts that they configure.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The address that the application listens on.
    addr: SocketAddr,
    /// The gate in front of the protected routes.
    pub gate: Gate,
    /// The same gate for a route that also serves anonymous requests.
    pub optional_gate: Gate,
    /// The issuers whose tokens the gate accepts, and their keys.
    pub(crate) trust: Trust,
    /// Accounts and sessions, if the application issues tokens.
    pub(crate) issuing: Option<Issuing>,
}

/// The issuers whose tokens the gate accepts.
#[derive(Debug)]
pub(crate) enum Trust {
    /// The issuer that variables describe.
    Issuer {
        keys: VerificationKeys,
        metadata: ResourceMetadata,
        /// The expected issuer and audience, for the banner of an application that issues no tokens.
        expected: String,
    },
    /// The issuers in the document of `TOLLGATE_CONFIG`.
    Document(ConfigWatcher),
}

impl Settings {
    /// Reads the environment, and sets up the gate, the keys, the stores and the accounts of an application that
    /// serves on `listener`.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable and what is wrong with it.
    pub async fn from_env(listener: &TcpListener) -> Result<Self, SettingsError> {
        let addr = listen::bound(listener)?;
        let origin = public_origin(addr)?;
        if let Some(watcher) = config::from_env(&origin).await? {
            issuing::refuse_settings()?;
            let optional_gate = watcher.gate_with(|gate| Ok(gate.with_optional_token()));
            let optional_gate = optional_gate.map_err(|error| invalid(config::CONFIG, error.to_string()))?;
            let gate = watcher.gate();
            return Ok(Self { addr, gate, optional_gate, trust: Trust::Document(watcher), issuing: None });
        }
        let issuer =
            Issuer::new(env::text(ISSUER, &origin)?).map_err(|error| invalid(ISSUER, error.to_string()))?;
        let audience = Audience::new(env::text(AUDIENCE, "tollgate-demo")?)
            .map_err(|error| invalid(AUDIENCE, error.to_string()))?;
        let data = PathBuf::from(env::text("TOLLGATE_DATA", "tollgate-data")?);
        let (keys, signer) = keys::from_env(issuer.as_str(), &data)?;
        let metadata = ResourceMetadata::new(&origin)
            .map_err(|error| {
                invalid("TOLLGATE_PUBLIC_ORIGIN", format!("{error}; set it to the origin that clients use"))
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
        let optional_gate = gate.clone().with_optional_token();
        Ok(Self { addr, gate, optional_gate, trust: Trust::Issuer { keys, metadata, expected }, issuing })
    }

    /// Returns the session endpoints (login, refresh, logout, public keys), or `None` if the application issues no
    /// tokens.
    #[must_use]
    pub fn endpoints(&self) -> Option<SessionEndpoints> {
        self.issuing.as_ref().map(|issuing| issuing.endpoints.clone())
    }

    /// Responds to `GET /.well-known/oauth-protected-resource` (RFC 9728 §3).
    #[must_use]
    pub fn resource_metadata(&self) -> Answer {
        let json = match &self.trust {
            Trust::Issuer { metadata, .. } => metadata.to_json(),
            Trust::Document(watcher) => {
                watcher.current().resource_metadata().map(ResourceMetadata::to_json).unwrap_or_default()
            }
        };
        Answer::of(200, "application/json", json).with_header("cache-control", "public, max-age=300")
    }

    /// Returns the text to print at the start: the address, and commands to try.
    #[must_use]
    pub fn banner(&self) -> String {
        let addr = self.addr;
        let Some(issuing) = &self.issuing else {
            return format!(
                "tollgate example on http://{addr}\n\
                 This application issues no tokens. It accepts those of {}.\n\
                 Press Ctrl-C to stop.\n",
                self.trust.expected()
            );
        };
        format!(
            "tollgate example on http://{addr}\n\n{}\n\
             Open the page in a browser, or log in from the terminal:\n\n  \
             curl http://{addr}/auth/login -H 'Content-Type: application/json' -d '{}'\n\n\
             and send a request with the access token:\n\n  \
             curl -i http://{addr}/me -H 'Authorization: Bearer ACCESS_TOKEN'\n\n\
             Press Ctrl-C to stop.\n",
            issuing.demo.introduction(),
            issuing.demo.login_body(),
        )
    }
}

impl Trust {
    fn expected(&self) -> &str {
        match self {
            Self::Issuer { expected, .. } => expected,
            Self::Document(_) => "the issuers in the document of TOLLGATE_CONFIG",
        }
    }
}

/// Returns the origin under which clients reach the application.
fn public_origin(addr: SocketAddr) -> Result<String, SettingsError> {
    const NAME: &str = "TOLLGATE_PUBLIC_ORIGIN";
    if addr.ip().is_unspecified() && !env::is_set(NAME) {
        return Err(invalid(
            NAME,
            "is required with an address such as 0.0.0.0; set it to the origin that clients use",
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
                "every source must be one of bearer, cookie, header:NAME, query:NAME",
            )),
        })
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(TOKEN_SOURCES, error.to_string()))
}

/// Configures the gate's cache: `off`, or the number of tokens that it may hold.
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
