//! [`RemoteKeySetBuilder`]: sets up a key set from a URL or an issuer.

use std::path::PathBuf;
use std::sync::Arc;

use tollgate::providers::{KeyLocation, Provider};
use tollgate::{Excerpt, JwkTolerance};

use crate::content_type::ContentTypeError;
use crate::error::StartError;
use crate::fetch::{FetchRules, Fetcher};
use crate::http::HttpClient;
use crate::location::Location;
use crate::remote::RemoteKeySet;
use crate::request_header::{RequestHeader, RequestHeaderError};
use crate::settings::RefreshSettings;
use crate::setup::{default_client, runtime, url_error};
use crate::shared::Shared;

/// Sets up a [`RemoteKeySet`]. Finish with [`connect`](Self::connect) or [`start`](Self::start).
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteKeySetBuilder {
    target: Target,
    rules: FetchRules,
    /// The first setting that cannot be used.
    wrong: Option<Wrong>,
    settings: RefreshSettings,
    client: Option<Arc<dyn HttpClient>>,
}

/// A setting that makes the start fail.
#[derive(Clone, Debug)]
enum Wrong {
    Host(Excerpt),
    RequestHeader(Excerpt, RequestHeaderError),
    ContentType(Excerpt, ContentTypeError),
}

impl From<Wrong> for StartError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Host(text) => Self::Host { text },
            Wrong::RequestHeader(name, reason) => Self::RequestHeader { name, reason },
            Wrong::ContentType(text, reason) => Self::ContentType { text, reason },
        }
    }
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

    pub(crate) fn of_provider(provider: &Provider) -> Result<Self, StartError> {
        let builder = match provider.keys() {
            KeyLocation::Issuer(issuer) => Self::discover(issuer.as_str().into()),
            KeyLocation::JwkSet(url) => Self::from_url(url.clone()),
            elsewhere => return Err(StartError::Provider(away_from_a_jwk_set(elsewhere))),
        };
        Ok(builder.tolerate_jwk_deviations(provider.key_tolerance()))
    }

    fn of(target: Target) -> Self {
        Self {
            target,
            rules: FetchRules::default(),
            wrong: None,
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
        self.rules.plain_http.allow_loopback();
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
            if self.rules.plain_http.allow_host(host).is_none() {
                self.wrong.get_or_insert_with(|| Wrong::Host(Excerpt::new(host)));
            }
        }
        self
    }

    /// Sends a header field with every fetch, such as `Authorization: Bearer …`. `Debug`, errors and the log do not
    /// contain its value.
    ///
    /// The field is sent to the origin (scheme, host and port) of the configured URL or issuer, and to no other: if
    /// metadata names a `jwks_uri` elsewhere, that request does not have the field. Use
    /// [`from_url`](crate::RemoteKeySet::from_url) with the URL of the keys if it needs one.
    ///
    /// `User-Agent` takes the place of the client's own. Another field that the client sets itself, such as `Host`, an
    /// invalid name or value, or a repeated name makes the start fail with [`StartError::RequestHeader`].
    ///
    /// # Security
    /// Over plain http, where it is allowed, the value is readable on the network.
    pub fn with_request_header(self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.with_header(RequestHeader::fixed(name.as_ref(), value.into()))
    }

    /// Sends a header field like [`with_request_header`](Self::with_request_header), with a value that is read from a
    /// file at each fetch: `prefix` and the content of the file, without a line break at its end. The file may have
    /// 16 KiB at most. A fetch fails with [`FetchError::RequestHeader`](crate::FetchError::RequestHeader) if it
    /// cannot be read.
    ///
    /// # Examples
    /// Kubernetes rotates the token of a service account, and its API server has a certificate of the cluster's
    /// authority:
    /// ```no_run
    /// use tollgate_jwks::{HttpsClient, RemoteKeySet};
    ///
    /// # #[cfg(feature = "client")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let account = "/var/run/secrets/kubernetes.io/serviceaccount";
    /// let client = HttpsClient::builder().with_authorities(std::fs::read(format!("{account}/ca.crt"))?)?.build()?;
    /// let keys = RemoteKeySet::from_url("https://kubernetes.default.svc/openid/v1/jwks")
    ///     .with_client(client)
    ///     .with_request_header_from_file("Authorization", "Bearer ", format!("{account}/token"))
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn with_request_header_from_file(
        self,
        name: impl AsRef<str>,
        prefix: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Self {
        self.with_header(RequestHeader::from_file(name.as_ref(), prefix.into(), path.into()))
    }

    fn with_header(mut self, header: RequestHeader) -> Self {
        let is_repeated = self.rules.headers.iter().any(|known| known.name() == header.name());
        let checked = if is_repeated { Err(RequestHeaderError::Repeated) } else { header.check() };
        match checked {
            Ok(()) => self.rules.headers.push(header),
            Err(reason) => {
                self.wrong.get_or_insert_with(|| Wrong::RequestHeader(Excerpt::new(header.name()), reason));
            }
        }
        self
    }

    /// Accepts documents with this `Content-Type`, besides JSON: `text/plain` or `application/octet-stream`, as
    /// static hosting sends them. The media type is exact, without wildcards and parameters. The document must be
    /// the JSON of a key set as ever.
    ///
    /// `text/html`, or text that is not a media type, makes the start fail with [`StartError::ContentType`].
    ///
    /// # Security
    /// The type protects against pages that a server shows in place of the document. A file that users of the host
    /// can upload must not be able to pass for a key set, whatever its type.
    pub fn tolerate_content_type(mut self, media_type: impl AsRef<str>) -> Self {
        let text = media_type.as_ref();
        if let Err(reason) = self.rules.content_types.tolerate(text) {
            self.wrong.get_or_insert_with(|| Wrong::ContentType(Excerpt::new(text), reason));
        }
        self
    }

    /// Reads keys that deviate from the specifications in these ways, such as those of a SPIFFE trust domain.
    ///
    /// ```
    /// use tollgate::JwkTolerance;
    /// use tollgate_jwks::RemoteKeySet;
    ///
    /// let keys = RemoteKeySet::from_url("https://spire.example/bundle")
    ///     .tolerate_jwk_deviations(JwkTolerance::default().jwt_svid_use());
    /// # let _ = keys;
    /// ```
    pub fn tolerate_jwk_deviations(mut self, tolerance: JwkTolerance) -> Self {
        self.rules.jwk_tolerance = tolerance;
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
        if let Some(wrong) = self.wrong {
            return Err(wrong.into());
        }
        let (text, location) = match &self.target {
            Target::Url(url) => (url, Location::fixed(url, &self.rules.plain_http)),
            Target::Issuer(issuer) => (issuer, Location::discovered(issuer, &self.rules.plain_http)),
        };
        let location = location.map_err(|reason| url_error(text, reason))?;
        let client = self.client.map_or_else(default_client, Ok)?;
        let fetcher = Fetcher::new(client, location, self.rules, self.settings.clone());
        Ok(Arc::new(Shared::new(fetcher, self.settings)))
    }
}

/// Returns where keys come from that are in no JWK Set, and what to call for them.
fn away_from_a_jwk_set(location: &KeyLocation) -> &'static str {
    match location {
        KeyLocation::PemPerKeyId(_) => {
            "it publishes each key as a PEM document of its own; use `PemKeySet::of_provider`"
        }
        KeyLocation::Secret => {
            "it shares a secret with this API; give `Provider::verifier` a `VerifyingKey` of it"
        }
        KeyLocation::Configured => {
            "its keys are where the operator says; use `RemoteKeySet::from_url` with `tolerate_jwk_deviations`, or \
             read a `KeySet` from a file"
        }
        _ => "it does not publish a JWK Set",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::UrlError;

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

    #[test]
    fn start_fails_when_a_header_or_content_type_cannot_be_used() {
        let builder = || RemoteKeySetBuilder::from_url("https://issuer.example/keys".into());
        let good = builder()
            .with_request_header("Authorization", "Bearer s3cret")
            .with_request_header_from_file("X-Key", "s3cret", "/run/key")
            .tolerate_content_type("application/octet-stream");
        assert!(!format!("{good:?}").contains("s3cret"), "{good:?}");
        good.clone().build().unwrap();
        for (wrong, expected) in [
            (good.clone().with_request_header("AUTHORIZATION", "s3cret"), "authorization"),
            (good.clone().with_request_header("Host", "s3cret"), "host"),
            (good.clone().with_request_header("x", "s3cret\r\nHost: y"), "\"x\""),
            (good.tolerate_content_type("text/html"), "text/html"),
        ] {
            let error = wrong.build().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn provider_names_the_location_of_its_keys() {
        use tollgate::providers;

        let auth0 = providers::auth0("shop.eu.auth0.com", "api").unwrap();
        let builder = RemoteKeySetBuilder::of_provider(&auth0).unwrap();
        assert!(
            matches!(&builder.target, Target::Issuer(issuer) if **issuer == *"https://shop.eu.auth0.com/")
        );
        let firebase = RemoteKeySetBuilder::of_provider(&providers::firebase("shop-1").unwrap()).unwrap();
        assert!(
            matches!(&firebase.target, Target::Url(url) if url.starts_with("https://www.googleapis.com/"))
        );
        let issuer = tollgate::Issuer::new("https://idp.example").unwrap();
        for (provider, mend) in [
            (providers::aws_alb("eu-central-1", "arn:aws:alb", "app1", issuer), "PemKeySet::of_provider"),
            (providers::supabase_secret("https://abc.supabase.co"), "VerifyingKey"),
            (
                providers::spiffe("example.org", None, "spiffe://example.org/api"),
                "with `tolerate_jwk_deviations`",
            ),
        ] {
            let error = RemoteKeySetBuilder::of_provider(&provider.unwrap()).unwrap_err();
            assert!(error.to_string().contains(mend), "{error}");
        }
    }
}
