//! [`PemKeySetBuilder`]: sets up a set of PEM keys.

use std::sync::Arc;

use tollgate::providers::{KeyLocation, Provider};
use tollgate::{Algorithm, Excerpt, KeyId};

use super::document::{Fetcher, PublishedKey};
use super::settings::PemKeySetSettings;
use super::{PemKeySet, Shared};
use crate::error::StartError;
use crate::http::HttpClient;
use crate::location;
use crate::lookups::{Asked, Lookup, Lookups};
use crate::plain_http::PlainHttp;
use crate::setup::{default_client, runtime, url_error};

/// Sets up a [`PemKeySet`]. Finish with [`start`](Self::start).
#[derive(Clone, Debug)]
#[must_use]
pub struct PemKeySetBuilder {
    url: Box<str>,
    algorithm: Algorithm,
    plain_http: PlainHttp,
    /// The first host that is not a host.
    wrong_host: Option<Excerpt>,
    settings: PemKeySetSettings,
    client: Option<Arc<dyn HttpClient>>,
}

impl PemKeySetBuilder {
    pub(super) fn new(url: Box<str>, algorithm: Algorithm) -> Self {
        Self {
            url,
            algorithm,
            plain_http: PlainHttp::default(),
            wrong_host: None,
            settings: PemKeySetSettings::default(),
            client: None,
        }
    }

    pub(super) fn of_provider(provider: &Provider, algorithm: Algorithm) -> Result<Self, StartError> {
        match provider.keys() {
            KeyLocation::PemPerKeyId(url) => Ok(Self::new(url.clone(), algorithm)),
            KeyLocation::Secret => Err(StartError::Provider(
                "it shares a secret with this API; give `Provider::verifier` a `VerifyingKey` of it",
            )),
            _ => Err(StartError::Provider("it publishes a JWK Set; use `RemoteKeySet::of_provider`")),
        }
    }

    /// Sets how long keys are used, and how many fetches there are. [`PemKeySetSettings`] lists the defaults.
    pub fn with_settings(self, settings: PemKeySetSettings) -> Self {
        Self { settings, ..self }
    }

    /// Sets the HTTP client. The default is `HttpsClient`, with the feature `client`.
    pub fn with_client(self, client: impl HttpClient) -> Self {
        Self { client: Some(Arc::new(client)), ..self }
    }

    /// Allows plain `http` to loopback addresses (`127.0.0.0/8`, `::1`, `localhost`), for development and tests.
    ///
    /// # Security
    /// While the issuer is not running, any process on this machine can then answer in its place.
    pub fn with_insecure_loopback(mut self) -> Self {
        self.plain_http.allow_loopback();
        self
    }

    /// Allows plain `http` to these hosts, on every port. A host is an exact name or an IP address, without wildcards,
    /// scheme or port. A host that is not valid makes the start fail with [`StartError::Host`].
    ///
    /// # Security
    /// An attacker who can change packets between this process and the host, or its name lookup, chooses the keys and
    /// can thus forge tokens.
    pub fn with_insecure_http_to<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        for host in hosts {
            let host = host.as_ref();
            if self.plain_http.allow_host(host).is_none() {
                self.wrong_host.get_or_insert_with(|| Excerpt::new(host));
            }
        }
        self
    }

    /// Creates the key set, without keys: the first token with each key waits for it.
    ///
    /// # Errors
    /// [`StartError`] when the setup is invalid. [`StartError::NoRuntime`] outside a Tokio runtime.
    pub fn start(self) -> Result<PemKeySet, StartError> {
        let limits = self.settings.check().map_err(StartError::Settings)?;
        if let Some(text) = self.wrong_host {
            return Err(StartError::Host { text });
        }
        if self.algorithm.is_symmetric() {
            return Err(StartError::Settings("PEM keys are public keys, so the algorithm must not be HMAC"));
        }
        let base =
            location::folder(&self.url, &self.plain_http).map_err(|reason| url_error(&self.url, reason))?;
        let client = self.client.map_or_else(default_client, Ok)?;
        let fetcher = Arc::new(Fetcher::new(client, base, self.algorithm));
        let log = {
            let location = fetcher.shown();
            // Key IDs come from tokens, so only those of good keys are logged.
            Box::new(move |key_id: &KeyId, outcome: Result<bool, &str>| match outcome {
                Ok(true) => tracing::info!(location, %key_id, "key fetched"),
                Ok(false) => tracing::debug!(location, "key confirmed or absent"),
                Err(cause) => tracing::warn!(location, cause, "fetch of a key failed"),
            })
        };
        let lookup: Lookup<KeyId, Arc<PublishedKey>> =
            Arc::new(move |asked: Asked<KeyId, Arc<PublishedKey>>| {
                let fetcher = Arc::clone(&fetcher);
                Box::pin(async move {
                    let known = asked.known.as_ref().map(|(known, _age)| &**known);
                    fetcher.fetch(&asked.key, known).await.map_err(|error| error.sentence())
                })
            });
        let lookups = Lookups::new(limits, runtime()?, lookup, log);
        Ok(PemKeySet(Arc::new(Shared::new(lookups, self.algorithm))))
    }
}

#[cfg(test)]
mod tests {
    use tollgate::providers;

    use super::*;
    use crate::location::UrlError;

    fn failure(builder: PemKeySetBuilder) -> StartError {
        builder.start().unwrap_err()
    }

    #[test]
    fn start_fails_when_the_setup_is_invalid() {
        let builder = |url: &str| PemKeySet::from_url(url, Algorithm::Es256);
        for (url, expected) in [
            ("https://keys.example/eu", UrlError::FinalSlash),
            ("https://keys.example/eu/?key=", UrlError::FinalSlash),
            ("https://keys.example/?key=/", UrlError::FinalSlash),
            ("https://keys.example/#/", UrlError::Fragment),
            ("http://keys.example/", UrlError::NotHttps),
            ("https://user:s3cret@keys.example/", UrlError::Credentials),
            ("keys.example/", UrlError::NotAUrl),
        ] {
            let error = failure(builder(url));
            assert!(
                matches!(&error, StartError::Url { reason, .. } if *reason == expected),
                "{url}: {error}"
            );
            assert!(!format!("{error:?}").contains("s3cret"));
        }
        let good = || builder("https://keys.example/");
        let error = failure(good().with_insecure_http_to(["*.example"]));
        assert!(matches!(error, StartError::Host { .. }), "{error}");
        let error = failure(good().with_settings(PemKeySetSettings::new().with_max_keys(0)));
        assert!(matches!(error, StartError::Settings(_)), "{error}");
        let error = failure(PemKeySet::from_url("https://keys.example/", Algorithm::Hs256));
        assert!(error.to_string().contains("HMAC"), "{error}");
    }

    #[test]
    fn provider_names_where_its_keys_are() {
        let issuer = tollgate::Issuer::new("https://idp.example").unwrap();
        let alb = providers::aws_alb("eu-central-1", "arn:aws:alb", "app1", issuer).unwrap();
        let builder = PemKeySet::of_provider(&alb, Algorithm::Es256).unwrap();
        assert_eq!(&*builder.url, "https://public-keys.auth.elb.eu-central-1.amazonaws.com/");
        for (provider, mend) in [
            (providers::auth0("shop.eu.auth0.com", "api"), "RemoteKeySet::of_provider"),
            (providers::supabase_secret("https://abc.supabase.co"), "VerifyingKey"),
        ] {
            let error = PemKeySet::of_provider(&provider.unwrap(), Algorithm::Es256).unwrap_err();
            assert!(error.to_string().contains(mend), "{error}");
        }
    }
}
