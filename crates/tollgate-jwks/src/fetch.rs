//! [`Fetcher`]: one refresh, from the lookup of the URL to a parsed set.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tollgate::{Excerpt, JwkTolerance, KeySet};
use url::Url;
use zeroize::Zeroizing;

use crate::cache_control;
use crate::content_type::ContentTypes;
use crate::discovery;
use crate::document;
use crate::error::{FetchError, MetadataError};
use crate::http::{HeaderField, HttpClient, HttpError, HttpRequest, HttpResponse};
use crate::location::{self, Location};
use crate::moment::Moment;
use crate::plain_http::PlainHttp;
use crate::request_header::RequestHeader;
use crate::settings::RefreshSettings;

/// Fetches the keys of one location. It caches the URL of the keys and the last document.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Arc<dyn HttpClient>,
    location: Location,
    rules: FetchRules,
    settings: RefreshSettings,
    memory: Mutex<Memory>,
    requests: AtomicU64,
}

/// The rules for requests and responses that the operator has set.
#[derive(Clone, Debug, Default)]
pub(crate) struct FetchRules {
    pub(crate) plain_http: PlainHttp,
    pub(crate) headers: Vec<RequestHeader>,
    pub(crate) content_types: ContentTypes,
    pub(crate) jwk_tolerance: JwkTolerance,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    found: Option<Found>,
    last: Option<Arc<Last>>,
}

/// The URL of the keys according to the metadata.
#[derive(Clone, Debug)]
struct Found {
    url: Url,
    at: Moment,
    /// Whether a fetch from this URL failed, so that the metadata must be read again.
    is_doubtful: bool,
}

/// The last valid document, and the validator for a conditional request.
#[derive(Debug)]
struct Last {
    url: Url,
    body: Box<[u8]>,
    validator: Option<(&'static str, String)>,
}

/// The result of a refresh.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The keys of a new document. `None` when the document is unchanged, so that cached tokens stay valid.
    pub(crate) keys: Option<KeySet>,
    /// The lifetime that the response states.
    pub(crate) freshness: Option<Duration>,
}

impl Fetcher {
    pub(crate) fn new(
        client: Arc<dyn HttpClient>,
        location: Location,
        rules: FetchRules,
        settings: RefreshSettings,
    ) -> Self {
        let (memory, requests) = (Mutex::default(), AtomicU64::new(0));
        Self { client, location, rules, settings, memory, requests }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Returns the number of HTTP requests so far, including those for metadata and retries.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Runs one refresh. It ends within the timeout.
    pub(crate) async fn refresh(&self, now: Moment) -> Result<Fetched, FetchError> {
        let after = self.settings.timeout;
        match tokio::time::timeout(after, self.try_twice(now)).await {
            Ok(fetched) => fetched,
            Err(_elapsed) => {
                self.doubt_metadata();
                Err(FetchError::Timeout { after })
            }
        }
    }

    async fn try_twice(&self, now: Moment) -> Result<Fetched, FetchError> {
        let first = self.try_once(now).await;
        match (first, self.settings.quick_retry) {
            (Err(error), Some(pause)) if error.is_momentary() => {
                tracing::debug!(location = %self.location.shown(), cause = error.sentence(), "retrying once");
                tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                self.try_once(now).await
            }
            (first, _) => first,
        }
    }

    async fn try_once(&self, now: Moment) -> Result<Fetched, FetchError> {
        let url = self.keys_url(now).await?;
        let fetched = self.fetch_keys(&url).await;
        if fetched.is_err() {
            self.doubt_metadata();
        }
        fetched
    }

    /// Returns the URL of the keys, from the configuration or the metadata. When the metadata cannot be read
    /// again, the URL from the last time is used.
    async fn keys_url(&self, now: Moment) -> Result<Url, FetchError> {
        let (issuer, issuer_url) = match &self.location {
            Location::Fixed(url) => return Ok(url.clone()),
            Location::Discovered { issuer, url } => (issuer, url),
        };
        let known = self.memory(|memory| memory.found.clone());
        let is_good =
            |found: &Found| !found.is_doubtful && now.since(found.at) < self.settings.metadata_lifetime;
        if let Some(found) = known.as_ref().filter(|found| is_good(found)) {
            return Ok(found.url.clone());
        }
        // Metadata that does not arrive must leave time to fetch the keys from the last URL.
        let timeout = self.settings.timeout;
        let within = if known.is_some() { timeout.mul_f64(0.5) } else { timeout };
        let found = tokio::time::timeout(within, self.discover(issuer, issuer_url)).await;
        match (found.unwrap_or(Err(FetchError::Timeout { after: within })), known) {
            (Ok(url), _) => {
                let found = Found { url: url.clone(), at: now, is_doubtful: false };
                self.memory(|memory| memory.found = Some(found));
                Ok(url)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(
                    issuer,
                    cause = error.sentence(),
                    "cannot read metadata again, using the last URL"
                );
                Ok(known.url)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Tries the well-known URLs in turn, until one has metadata.
    async fn discover(&self, issuer: &str, issuer_url: &Url) -> Result<Url, FetchError> {
        let places = discovery::well_known(issuer_url);
        for url in &places {
            let response = self.get(url, None).await?;
            if is_not_there(response.status()) {
                continue;
            }
            document::check(&response, &self.rules.content_types, self.settings.max_document_bytes)?;
            let keys = discovery::keys_url(response.body(), issuer, url, &self.rules.plain_http)?;
            tracing::info!(issuer, keys = %location::shown(&keys), "metadata read");
            return Ok(keys);
        }
        let tried: Vec<&str> = places.iter().map(Url::as_str).collect();
        Err(MetadataError::NotFound { tried: tried.join(", ").into() }.into())
    }

    async fn fetch_keys(&self, url: &Url) -> Result<Fetched, FetchError> {
        let last = self.memory(|memory| memory.last.clone()).filter(|last| last.url == *url);
        let condition = last.as_ref().and_then(|last| last.validator.clone());
        let is_conditional = condition.is_some();
        let response = self.get(url, condition).await?;
        let freshness = cache_control::freshness(&response);
        if is_conditional && response.status() == 304 {
            return Ok(Fetched { keys: None, freshness });
        }
        document::check(&response, &self.rules.content_types, self.settings.max_document_bytes)?;
        let is_known = last.is_some_and(|last| *last.body == *response.body());
        let keys = match is_known {
            true => None,
            false => Some(document::key_set(response.body(), self.rules.jwk_tolerance, &self.settings)?),
        };
        let validator = validator(&response);
        let last = Last { url: url.clone(), body: response.body().into(), validator };
        self.memory(|memory| memory.last = Some(Arc::new(last)));
        Ok(Fetched { keys, freshness })
    }

    async fn get(
        &self,
        url: &Url,
        condition: Option<(&'static str, String)>,
    ) -> Result<HttpResponse, FetchError> {
        let mut headers: Vec<HeaderField<'_>> = Vec::new();
        headers.extend(condition.map(|(name, value)| (name, Zeroizing::new(value))));
        // Metadata may name keys on another host, which must not receive the operator's credentials.
        if self.location.has_origin_of(url) {
            for header in &self.rules.headers {
                let value = header.value().await;
                let no_value =
                    |reason| FetchError::RequestHeader { name: Excerpt::new(header.name()), reason };
                headers.push((header.name(), value.map_err(no_value)?));
            }
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let max = self.settings.max_document_bytes;
        let response = self.client.get(HttpRequest::new(url.as_str(), &headers, max)).await;
        response.map_err(|error| match error {
            HttpError::TooLarge => FetchError::TooLarge { max },
            error => FetchError::Http(error),
        })
    }

    /// Makes the next refresh look up the URL again.
    fn doubt_metadata(&self) {
        self.memory(|memory| {
            if let Some(found) = &mut memory.found {
                found.is_doubtful = true;
            }
        });
    }

    /// Runs `use_it` under the lock, which is never held across an await.
    fn memory<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        use_it(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns whether the status means that this URL has no document, rather than a temporary failure.
fn is_not_there(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
}

/// Returns the validator: `ETag`, otherwise `Last-Modified`, which is only accurate to a second (RFC 9110 §8.8,
/// §13.1).
fn validator(response: &HttpResponse) -> Option<(&'static str, String)> {
    const MAX_BYTES: usize = 256;
    let usable = |name: &str| {
        let value = response.value(name)?;
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        (is_plain && !value.is_empty() && value.len() <= MAX_BYTES).then(|| value.to_owned())
    };
    usable("etag")
        .map(|etag| ("if-none-match", etag))
        .or_else(|| usable("last-modified").map(|date| ("if-modified-since", date)))
}

#[cfg(test)]
mod tests;
