//! [`RemoteKeySetBuilder`]: sets up a key set from a URL or an issuer.

use std::sync::Arc;

use tokio::runtime::Handle;
use tollgate::Excerpt;

use crate::error::StartError;
use crate::fetch::Fetcher;
use crate::http::HttpClient;
use crate::location::{Location, UrlError};
use crate::plain_http::PlainHttp;
use crate::remote::RemoteKeySet;
use crate::settings::RefreshSettings;
use crate::shared::Shared;

/// Sets up a [`RemoteKeySet`]. Finish with [`connect`](Self::connect) or [`start`](Self::start).
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteKeySetBuilder {
    target: Target,
    plain_http: PlainHttp,
    /// The first host of `with_insecure_http_to` that is not a host.
    wrong_host: Option<Box<str>>,
    settings: RefreshSettings,
    client: Option<Arc<dyn HttpClient>>,
}

#[derive(Clone, Debug)]
enum Target {
    Url(Box<str>),
    Issuer(Box<str>),
}

impl RemoteKeySetBuilder {
    pub(crate) fn from_url(url: Box<str>) -> Self {
        Self::of(Target::Url(url))
    }

    pub(crate) fn discover(issuer: Box<str>) -> Self {
        Self::of(Target::Issuer(issuer))
    }

    fn of(target: Target) -> Self {
        Self {
            target,
            plain_http: PlainHttp::default(),
            wrong_host: None,
            settings: RefreshSettings::default(),
            client: None,
        }
    }

    /// Sets when keys are refreshed, and how long they are used. [`RefreshSettings`] lists the defaults.
    pub fn with_settings(self, settings: RefreshSettings) -> Self {
        Self { settings, ..self }
    }

    /// Sets the HTTP client. The default is `HttpsClient`, with the feature `client`.
    pub fn with_client(self, client: impl HttpClient) -> Self {
        Self { client: Some(Arc::new(client)), ..self }
    }

    /// Allows plain `http` to loopback addresses (`127.0.0.0/8`, `::1`, `localhost`), for development and
    /// tests.
    ///
    /// # Security
    /// While the issuer is not running, any process on this machine can then answer in its place.
    pub fn with_insecure_loopback(mut self) -> Self {
        self.plain_http.allow_loopback();
        self
    }

    /// Allows plain `http` to these hosts, on every port: `keycloak`, for `http://keycloak:8080` inside a cluster or
    /// a compose network. A host is an exact name or an IP address, without wildcards, scheme or port.
    ///
    /// This applies to the configured URL, the metadata and the `jwks_uri` of this key set. Metadata over plain
    /// http must name keys on its own host, and metadata over https must name keys over https. A host that is not
    /// valid makes the start fail with [`StartError::Host`].
    ///
    /// # Security
    /// An attacker who can change packets between this process and the host, or its name lookup, chooses the keys
    /// and can thus forge tokens. Where certificates are possible, use https with
    /// `HttpsClientBuilder::with_authorities`.
    ///
    /// # Examples
    /// ```
    /// use tollgate_jwks::RemoteKeySet;
    ///
    /// let keys = RemoteKeySet::discover("http://keycloak:8080/realms/demo").with_insecure_http_to(["keycloak"]);
    /// # let _ = keys;
    /// ```
    pub fn with_insecure_http_to<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        for host in hosts {
            let host = host.as_ref();
            if self.plain_http.allow_host(host).is_none() && self.wrong_host.is_none() {
                self.wrong_host = Some(host.into());
            }
        }
        self
    }

    /// Fetches the keys, and starts to refresh them. An application that needs the keys thus does not start
    /// without them.
    ///
    /// The first fetch ends within the timeout of the settings.
    ///
    /// # Errors
    /// [`StartError::Fetch`] when the fetch fails. The other [`StartError`]s when the setup is invalid.
    pub async fn connect(self) -> Result<RemoteKeySet, StartError> {
        let runtime = runtime()?;
        let shared = self.build()?;
        match shared.first_refresh().await {
            Ok(rounds) => Ok(RemoteKeySet::run(shared, rounds, &runtime)),
            Err(reason) => Err(StartError::Fetch { location: shared.location().into(), reason }),
        }
    }

    /// Starts to fetch and refresh the keys, without waiting. Requests wait for the first fetch. If it fails,
    /// they get 503 until there are keys. [`RemoteKeySet::status`] says whether there are.
    ///
    /// # Errors
    /// [`StartError`] when the setup is invalid.
    pub fn start(self) -> Result<RemoteKeySet, StartError> {
        let runtime = runtime()?;
        let shared = self.build()?;
        let rounds = shared.rounds();
        Ok(RemoteKeySet::run(shared, rounds, &runtime))
    }

    fn build(self) -> Result<Arc<Shared>, StartError> {
        self.settings.check().map_err(StartError::Settings)?;
        if let Some(text) = self.wrong_host {
            return Err(StartError::Host { text: Excerpt::new(&text) });
        }
        let (text, location) = match &self.target {
            Target::Url(url) => (url, Location::fixed(url, &self.plain_http)),
            Target::Issuer(issuer) => (issuer, Location::discovered(issuer, &self.plain_http)),
        };
        let location = location.map_err(|reason| StartError::Url { text: shown(text, &reason), reason })?;
        let client = self.client.map_or_else(default_client, Ok)?;
        let fetcher = Fetcher::new(client, location, self.plain_http, self.settings.clone());
        Ok(Arc::new(Shared::new(fetcher, self.settings)))
    }
}

fn runtime() -> Result<Handle, StartError> {
    Handle::try_current().map_err(|_cause| StartError::NoRuntime)
}

#[cfg(feature = "client")]
fn default_client() -> Result<Arc<dyn HttpClient>, StartError> {
    let client = crate::client::HttpsClient::new().map_err(|error| StartError::Client(Box::new(error)))?;
    Ok(Arc::new(client))
}

#[cfg(not(feature = "client"))]
fn default_client() -> Result<Arc<dyn HttpClient>, StartError> {
    Err(StartError::NoClient)
}

/// Returns the printable part of a rejected URL: no query, and nothing when the URL contains a password.
fn shown(text: &str, reason: &UrlError) -> Box<str> {
    match reason {
        UrlError::Credentials => Box::default(),
        _ => text.split(['?', '#']).next().unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_urls_are_printed_without_secrets() {
        for url in ["https://svc:s3cret@idp.example/keys", "http://idp.example/keys?code=s3cret"] {
            let error = RemoteKeySetBuilder::from_url(url.into()).start().unwrap_err();
            assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn start_fails_when_a_host_is_not_a_host() {
        let of = |hosts: &[&str]| {
            RemoteKeySetBuilder::from_url("http://keycloak:8080/keys".into())
                .with_insecure_http_to(hosts)
                .build()
        };
        assert_eq!(of(&["keycloak", "10.0.0.7"]).unwrap().location(), "http://keycloak:8080/keys");
        let error = of(&["keycloak", "*.example", ""]).unwrap_err();
        assert!(error.to_string().starts_with("`with_insecure_http_to` cannot use \"*.example\""), "{error}");
        let error = of(&["keycloak.evil.example"]).unwrap_err();
        assert!(matches!(&error, StartError::Url { reason: UrlError::NotHttps, .. }), "{error}");
        assert!(UrlError::NotHttps.to_string().contains("with_insecure_http_to"));
    }
}
