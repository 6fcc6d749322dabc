//! [`Fetcher`]: fetches the PEM document of one key, and reads its key.

use std::sync::Arc;

use tollgate::{Algorithm, KeyError, KeyId, VerifyingKey};
use url::Url;

use crate::content_type::ContentTypes;
use crate::document;
use crate::error::FetchError;
use crate::http::{HttpClient, HttpError, HttpRequest};
use crate::location;
use crate::lookups::Outcome;

/// A key with the document that it was read from.
#[derive(Debug)]
pub(super) struct PublishedKey {
    pub(super) key: VerifyingKey,
    document: Box<[u8]>,
}

impl PublishedKey {
    /// Reads the document. Nothing but white space may precede the PEM block, so that a page with a key in its text is
    /// not taken for one.
    ///
    /// # Errors
    /// [`KeyError`] when the document is not a public key for this algorithm, or the key is weak.
    pub(super) fn read(document: &[u8], key_id: &KeyId, algorithm: Algorithm) -> Result<Self, KeyError> {
        if !document.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(KeyError::Pem);
        }
        let key = VerifyingKey::from_pem(algorithm, document)?.with_key_id(key_id.as_str())?;
        Ok(Self { key, document: document.into() })
    }
}

/// Fetches the keys below one URL.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Arc<dyn HttpClient>,
    /// The URL up to the key ID, with a slash at its end.
    base: Url,
    algorithm: Algorithm,
    content_types: ContentTypes,
}

impl Fetcher {
    pub(super) fn new(client: Arc<dyn HttpClient>, base: Url, algorithm: Algorithm) -> Self {
        Self { client, base, algorithm, content_types: ContentTypes::all_but_html() }
    }

    /// Returns the URL for logs.
    pub(super) fn shown(&self) -> String {
        location::shown(&self.base)
    }

    /// Sends one request for the key.
    pub(super) async fn fetch(
        &self,
        key_id: &KeyId,
        known: Option<&PublishedKey>,
    ) -> Result<Outcome<Arc<PublishedKey>>, FetchError> {
        let url = format!("{}{}", self.base, key_id.as_str());
        let response = self.client.get(HttpRequest::new(&url, &[], MAX_BYTES)).await;
        let response = response.map_err(|error| match error {
            HttpError::TooLarge => FetchError::TooLarge { max: MAX_BYTES },
            error => FetchError::Http(error),
        })?;
        if is_absent(response.status(), known) {
            return Ok(Outcome::Unknown);
        }
        document::check(&response, &self.content_types, MAX_BYTES).map_err(|error| match error {
            FetchError::ContentType { found } => FetchError::Page { found },
            error => error,
        })?;
        if known.is_some_and(|known| *known.document == *response.body()) {
            return Ok(Outcome::Unchanged);
        }
        let key = PublishedKey::read(response.body(), key_id, self.algorithm).map_err(FetchError::Key)?;
        Ok(Outcome::Found(Arc::new(key)))
    }
}

/// Returns whether the issuer has no such key. Object stores answer 403 for it where clients may not list objects. For
/// a known key, 403 does not show that the issuer has removed it.
fn is_absent(status: u16, known: Option<&PublishedKey>) -> bool {
    matches!(status, 404 | 410) || (status == 403 && known.is_none())
}

/// Returns whether the key ID can be the last part of a URL: 1 to 64 letters, digits, `-` and `_`, such as a UUID.
pub(super) fn is_part_of_a_url(key_id: &KeyId) -> bool {
    let key_id = key_id.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&key_id.len()) && key_id.bytes().all(is_plain)
}

/// The largest document. A public key has less than 3 KiB, and a certificate rarely more than 8 KiB.
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use tollgate_testing::keys;

    use super::*;
    use crate::http::{HttpFuture, HttpResponse};

    /// The public key of `keys::signing(Es256)`.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/EMYey9HqoaXLhgeiAUxixR6g5hj\n\
        AHzLrDn5xxhGlz3yO8QfeanUpk3JwbXKfcmVJhqdGD/oRms4u7SN71Tk3w==\n\
        -----END PUBLIC KEY-----\n";

    #[derive(Debug)]
    struct Fixed(HttpResponse);

    impl HttpClient for Fixed {
        fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
            assert_eq!(request.url(), "https://keys.example/eu/a-1");
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    async fn fetch(response: HttpResponse, known: Option<&PublishedKey>) -> Result<&'static str, FetchError> {
        let base = Url::parse("https://keys.example/eu/").unwrap();
        let fetcher = Fetcher::new(Arc::new(Fixed(response)), base, Algorithm::Es256);
        Ok(match fetcher.fetch(&KeyId::new("a-1").unwrap(), known).await? {
            Outcome::Found(found) => {
                assert_eq!(found.key.key_id().unwrap().as_str(), "a-1");
                "found"
            }
            Outcome::Unchanged => "unchanged",
            Outcome::Unknown => "unknown",
            Outcome::Failed => "failed",
        })
    }

    #[tokio::test]
    async fn response_is_a_key_or_says_that_there_is_none() {
        let known =
            PublishedKey::read(PEM.as_bytes(), &KeyId::new("a-1").unwrap(), Algorithm::Es256).unwrap();
        let typed = |kind: &str| HttpResponse::new(200, PEM).with_header("content-type", kind);
        for (response, known, expected) in [
            (HttpResponse::new(200, PEM), None, "found"),
            (typed("binary/octet-stream"), None, "found"),
            (HttpResponse::new(200, PEM), Some(&known), "unchanged"),
            (HttpResponse::new(200, format!("\n{}", PEM)), Some(&known), "found"),
            (HttpResponse::new(404, ""), None, "unknown"),
            (HttpResponse::new(410, ""), Some(&known), "unknown"),
            (HttpResponse::new(403, ""), None, "unknown"),
            (HttpResponse::new(403, ""), Some(&known), "status 403"),
            (HttpResponse::new(500, PEM), None, "status 500"),
            (HttpResponse::new(302, "").with_header("location", "https://evil.example/"), None, "redirects"),
            (typed("text/html; charset=utf-8"), None, "text/html"),
            (typed("x").with_header("content-encoding", "gzip"), None, "compressed"),
            (HttpResponse::new(200, format!("<pre>{}</pre>", PEM)), None, "not a usable key"),
            (HttpResponse::new(200, keys::jwk_set(&[Algorithm::Es256])), None, "not a usable key"),
            (HttpResponse::new(200, keys::pem(Algorithm::Es256).unwrap()), None, "private"),
            (
                HttpResponse::new(200, PEM.to_owned() + &" ".repeat(MAX_BYTES)),
                None,
                "larger than 16384 bytes",
            ),
        ] {
            let shown = format!("{response:?}");
            match fetch(response, known).await {
                Ok(outcome) => assert_eq!(outcome, expected, "{shown}"),
                Err(error) => assert!(error.sentence().contains(expected), "{shown}: {}", error.sentence()),
            }
        }
    }

    #[test]
    fn key_of_another_algorithm_is_not_used() {
        let key_id = KeyId::new("a").unwrap();
        for algorithm in [Algorithm::Es384, Algorithm::Rs256, Algorithm::EdDsa] {
            assert!(PublishedKey::read(PEM.as_bytes(), &key_id, algorithm).is_err(), "{algorithm:?}");
        }
    }

    #[test]
    fn only_plain_key_ids_become_part_of_a_url() {
        let longest = "k".repeat(64);
        for good in ["2c0b1e4b-5d9c-4b52-9c37-3d2b8f6a1e10", "A", "a_b-C9", &*longest] {
            assert!(is_part_of_a_url(&KeyId::new(good).unwrap()), "{good}");
        }
        let too_long = "k".repeat(65);
        for bad in [
            "", ".", "..", "a/b", "../a", "a.pem", "a?b", "a#b", "a b", "a%2fb", "a\\b", "a:b", "a@b",
            "a\r\nb", "ä", "//evil", &*too_long,
        ] {
            assert!(!is_part_of_a_url(&KeyId::new(bad).unwrap()), "{bad}");
        }
    }
}
