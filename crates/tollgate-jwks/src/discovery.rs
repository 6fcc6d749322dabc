//! Metadata of an issuer: its URLs and its contents (OpenID Connect Discovery 1.0, RFC 8414).

use serde::Deserialize;
use tollgate::Excerpt;
use url::Url;

use crate::error::MetadataError;
use crate::location::{self, UrlError};
use crate::plain_http::PlainHttp;

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Returns the URLs where the metadata of an issuer may be, the most common first: the well-known path appended
/// (OpenID Connect Discovery 1.0 §4), or inserted between host and path of the issuer (RFC 8414 §3.1, §5).
pub(crate) fn well_known(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut paths = vec![
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    paths.dedup();
    if path.is_empty() {
        // Without a path, appended and inserted are the same.
        paths.truncate(2);
    }
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    paths.into_iter().map(at).collect()
}

/// Returns the URL of the keys from the metadata that was found at `from`.
///
/// # Errors
/// [`MetadataError`] when the metadata is not that of `issuer`, byte for byte (RFC 8414 §3.3), or the URL is
/// not allowed. Metadata over https may name keys on any host over https, and none over plain http. Metadata over
/// plain http must name keys on the same host.
pub(crate) fn keys_url(
    document: &[u8],
    issuer: &str,
    from: &Url,
    plain_http: &PlainHttp,
) -> Result<Url, MetadataError> {
    // serde would also read an array, member by member.
    if !document.trim_ascii_start().starts_with(b"{") {
        return Err(MetadataError::Malformed);
    }
    let metadata: Metadata = serde_json::from_slice(document).map_err(|_cause| MetadataError::Malformed)?;
    if metadata.issuer != issuer {
        return Err(MetadataError::IssuerMismatch { found: Excerpt::new(&metadata.issuer) });
    }
    let refuse = |reason| MetadataError::KeysUrl { found: Excerpt::new(&metadata.jwks_uri), reason };
    let https_only = PlainHttp::default();
    let plain_http = if from.scheme() == "https" { &https_only } else { plain_http };
    let url = location::parse(&metadata.jwks_uri, plain_http).map_err(refuse)?;
    if from.scheme() != "https" && url.host() != from.host() {
        return Err(refuse(UrlError::OtherHost));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn both_path_styles() {
        let at = |issuer: &str| well_known(&url(issuer)).into_iter().map(String::from).collect::<Vec<_>>();
        let plain = [
            "https://issuer.example/.well-known/openid-configuration",
            "https://issuer.example/.well-known/oauth-authorization-server",
        ];
        assert_eq!(at("https://issuer.example"), plain);
        assert_eq!(at("https://issuer.example/"), plain);
        let with_path = [
            "https://issuer.example:8443/a/b/.well-known/openid-configuration",
            "https://issuer.example:8443/.well-known/oauth-authorization-server/a/b",
            "https://issuer.example:8443/.well-known/openid-configuration/a/b",
        ];
        assert_eq!(at("https://issuer.example:8443/a/b"), with_path);
        assert_eq!(at("https://issuer.example:8443/a/b/"), with_path);
    }

    #[test]
    fn metadata_is_rejected_for_another_issuer_or_an_unsafe_url() {
        let https = url("https://issuer.example/.well-known/openid-configuration");
        let loopback = url("http://127.0.0.1:3000/.well-known/openid-configuration");
        let named = url("http://keycloak:8080/.well-known/openid-configuration");
        let mut plain_http = PlainHttp::default();
        plain_http.allow_loopback();
        plain_http.allow_host("keycloak").unwrap();
        let read = |from: &Url, issuer: &str, document: &str| {
            keys_url(document.as_bytes(), issuer, from, &plain_http)
        };
        let document =
            |issuer: &str, keys: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}","x":1}}"#);
        let here = "https://issuer.example";
        let good =
            |from: &Url, issuer: &str, keys: &str| read(from, issuer, &document(issuer, keys)).unwrap();
        good(&https, here, "https://issuer.example/keys");
        good(&https, here, "https://keys.example:8443/keys?v=1");
        good(&loopback, "http://127.0.0.1:3000", "http://127.0.0.1:3000/keys");
        good(&loopback, "http://127.0.0.1:3000", "http://127.0.0.1:4000/keys");
        good(&named, "http://keycloak:8080", "http://keycloak:8080/keys");
        good(&named, "http://keycloak:8080", "http://keycloak/keys");
        for other in ["https://issuer.example/", "https://Issuer.example", "https://evil.example", ""] {
            let error = read(&https, here, &document(other, "https://issuer.example/keys")).unwrap_err();
            assert!(matches!(error, MetadataError::IssuerMismatch { .. }), "{other}");
        }
        for (from, keys, reason) in [
            (&https, "http://issuer.example/keys", UrlError::NotHttps),
            (&https, "http://127.0.0.1:3000/keys", UrlError::NotHttps),
            (&https, "file:///keys", UrlError::NotHttps),
            (&https, "/keys", UrlError::NotAUrl),
            (&https, "https://a:b@issuer.example/keys", UrlError::Credentials),
            (&loopback, "http://169.254.169.254/latest", UrlError::NotHttps),
            (&loopback, "https://issuer.example/keys", UrlError::OtherHost),
            (&loopback, "http://127.0.0.2:3000/keys", UrlError::OtherHost),
            (&loopback, "http://keycloak:8080/keys", UrlError::OtherHost),
            (&https, "http://keycloak:8080/keys", UrlError::NotHttps),
            (&named, "http://keycloak.evil.example/keys", UrlError::NotHttps),
            (&named, "http://keycloak@evil.example/keys", UrlError::NotHttps),
            (&named, "http://evil@keycloak/keys", UrlError::Credentials),
            (&named, "http://127.0.0.1:3000/keys", UrlError::OtherHost),
            (&named, "https://evil.example/keys", UrlError::OtherHost),
        ] {
            let error = read(from, here, &document(here, keys)).unwrap_err();
            assert!(
                matches!(&error, MetadataError::KeysUrl { reason: found, .. } if *found == reason),
                "{error}"
            );
        }
        for malformed in [
            "",
            "<html>",
            "[]",
            r#"["https://issuer.example","https://issuer.example/keys"]"#,
            "{}",
            r#"{"issuer":"https://issuer.example"}"#,
            r#"{"issuer":1,"jwks_uri":"https://issuer.example/keys"}"#,
            r#"{"issuer":"https://issuer.example","issuer":"https://issuer.example","jwks_uri":"https://x/"}"#,
        ] {
            assert_eq!(read(&https, here, malformed), Err(MetadataError::Malformed), "{malformed}");
        }
    }
}
