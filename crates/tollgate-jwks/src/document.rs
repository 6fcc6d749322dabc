//! Checks whether a response is a usable document, and reads its keys.

use tollgate::{Excerpt, JwkTolerance, KeyError, KeySet};

use crate::cache_control;
use crate::content_type::ContentTypes;
use crate::error::FetchError;
use crate::http::HttpResponse;
use crate::settings::RefreshSettings;

/// Checks that the response is a document: status 200, an accepted type, not compressed, not too large.
///
/// # Errors
/// [`FetchError`] with the reason.
pub(crate) fn check(
    response: &HttpResponse,
    types: &ContentTypes,
    max_bytes: usize,
) -> Result<(), FetchError> {
    match response.status() {
        200 => {}
        301 | 302 | 303 | 307 | 308 => {
            let to = Excerpt::new(response.value("location").unwrap_or("nowhere"));
            return Err(FetchError::Redirect { to });
        }
        status => {
            return Err(FetchError::Status { status, retry_after: cache_control::retry_after(response) });
        }
    }
    if response.values("content-encoding").any(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(FetchError::ContentEncoding);
    }
    if let Some(found) = response.value("content-type").filter(|found| !types.accept(found)) {
        return Err(FetchError::ContentType { found: Excerpt::new(found) });
    }
    // A correct client has stopped at this size already.
    if response.body().len() > max_bytes {
        return Err(FetchError::TooLarge { max: max_bytes });
    }
    Ok(())
}

/// Reads the keys of a document. An unusable key among usable ones is skipped.
///
/// # Errors
/// [`FetchError::Document`] when no key is usable, or there are too many keys.
pub(crate) fn key_set(
    body: &[u8],
    tolerance: JwkTolerance,
    settings: &RefreshSettings,
) -> Result<KeySet, FetchError> {
    let keys = KeySet::from_jwk_set_tolerating(body, tolerance).map_err(FetchError::Document)?;
    let max = settings.max_keys;
    if keys.iter().count().saturating_add(keys.skipped().len()) > max {
        return Err(FetchError::Document(KeyError::TooManyKeys { max }));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use tollgate::Algorithm;
    use tollgate_testing::keys;

    use super::*;

    fn refused(response: &HttpResponse) -> String {
        check(response, &ContentTypes::default(), 100).unwrap_err().to_string()
    }

    #[test]
    fn document_must_be_json_with_status_200() {
        let json = |body: &str| HttpResponse::new(200, body).with_header("Content-Type", "application/json");
        for good in [
            json("{}"),
            HttpResponse::new(200, "{}"),
            HttpResponse::new(200, "{}")
                .with_header("content-type", "application/JWK-Set+json; charset=utf-8"),
            json("{}").with_header("content-encoding", "identity"),
            json(&" ".repeat(100)),
        ] {
            check(&good, &ContentTypes::default(), 100).unwrap();
        }
        for (bad, sentence) in [
            (HttpResponse::new(500, "{}"), "status 500"),
            (HttpResponse::new(204, ""), "status 204"),
            (HttpResponse::new(304, ""), "status 304"),
            (
                HttpResponse::new(302, "").with_header("location", "http://evil.example/"),
                "http://evil.example/",
            ),
            (HttpResponse::new(301, ""), "redirects to"),
            (HttpResponse::new(200, "{}").with_header("content-type", "text/html"), "text/html"),
            (HttpResponse::new(200, "{}").with_header("content-type", "application/jsonp"), "jsonp"),
            (json("{}").with_header("content-encoding", "gzip"), "compressed"),
            (json(&" ".repeat(101)), "larger than 100 bytes"),
        ] {
            assert!(refused(&bad).contains(sentence), "{}", refused(&bad));
        }
    }

    #[test]
    fn document_is_rejected_when_not_a_key_set() {
        let settings = RefreshSettings::new().with_max_keys(3);
        let set = keys::jwk_set(&[Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]);
        assert_eq!(key_set(set.as_bytes(), JwkTolerance::default(), &settings).unwrap().iter().count(), 3);
        let with_broken = set.replacen("[", r#"[{"kty":"EC","kid":"broken"},"#, 1);
        assert!(key_set(with_broken.as_bytes(), JwkTolerance::default(), &settings).is_err(), "four keys");
        let keys = key_set(with_broken.as_bytes(), JwkTolerance::default(), &RefreshSettings::new()).unwrap();
        assert_eq!((keys.iter().count(), keys.skipped().len()), (3, 1));
        let truncated = set.strip_suffix("}]}").unwrap();
        for bad in
            ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{}]}"#, truncated]
        {
            assert!(
                matches!(
                    key_set(bad.as_bytes(), JwkTolerance::default(), &settings),
                    Err(FetchError::Document(_))
                ),
                "{bad}"
            );
        }
        let secret = r#"{"keys":[{"kty":"oct","kid":"s","alg":"HS256","k":"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"}]}"#;
        assert!(
            key_set(secret.as_bytes(), JwkTolerance::default(), &settings).is_err(),
            "a symmetric key in a public set"
        );
    }
}
