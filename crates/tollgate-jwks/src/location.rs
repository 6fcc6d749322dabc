//! [`Location`]: where keys are fetched from, and the rules for URLs.

use url::Url;

use crate::plain_http::PlainHttp;

/// The location of a key set.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// The keys are at this URL.
    Fixed(Url),
    /// The metadata of this issuer names the URL of the keys. Metadata must repeat `issuer` byte for byte.
    Discovered { issuer: Box<str>, url: Url },
}

impl Location {
    pub(crate) fn fixed(text: &str, plain_http: &PlainHttp) -> Result<Self, UrlError> {
        parse(text, plain_http).map(Self::Fixed)
    }

    /// Creates the location for an issuer: an https URL without query and fragment (RFC 8414 §2, OpenID Connect
    /// Discovery 1.0 §3).
    pub(crate) fn discovered(issuer: &str, plain_http: &PlainHttp) -> Result<Self, UrlError> {
        let url = parse(issuer, plain_http)?;
        if url.query().is_some() {
            return Err(UrlError::Query);
        }
        Ok(Self::Discovered { issuer: issuer.into(), url })
    }

    /// Returns whether `url` has the origin of the configured URL or issuer.
    pub(crate) fn has_origin_of(&self, url: &Url) -> bool {
        let (Self::Fixed(configured) | Self::Discovered { url: configured, .. }) = self;
        configured.origin() == url.origin()
    }

    /// Returns the location for logs, without its query, which may be confidential.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Fixed(url) => shown(url),
            Self::Discovered { issuer, .. } => issuer.to_string(),
        }
    }
}

/// The reason why a URL is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text is not an absolute URL with a host.
    #[error("not an absolute URL such as https://issuer.example/jwks.json")]
    NotAUrl,
    /// The scheme is plain `http` or another one. An attacker on the network could replace the keys (RFC 8414
    /// §6.1).
    #[error(
        "https is required; `with_insecure_http_to` allows plain http to a named host, and `with_insecure_loopback` \
         to loopback addresses"
    )]
    NotHttps,
    /// The URL contains a user name or a password.
    #[error("the URL must not contain a user name or password")]
    Credentials,
    /// The URL has a fragment.
    #[error("the URL must not have a fragment (#)")]
    Fragment,
    /// The URL of an issuer has a query.
    #[error("the URL of an issuer must not have a query (RFC 8414 §2)")]
    Query,
    /// The URL of keys that are published one by one does not end with a slash, or has a query.
    #[error("the URL must end with a slash and have no query, because the key ID follows it")]
    FinalSlash,
    /// Metadata that came over plain http names keys on another host.
    #[error("metadata over plain http must not name keys on another host")]
    OtherHost,
}

/// Parses an absolute URL, and checks that it may be fetched.
pub(crate) fn parse(text: &str, plain_http: &PlainHttp) -> Result<Url, UrlError> {
    let url = Url::parse(text).map_err(|_cause| UrlError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http.allows(&url) => {}
        _ => return Err(UrlError::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    Ok(url)
}

/// Parses a URL that is followed by a name: it ends with a slash, and has no query.
pub(crate) fn folder(text: &str, plain_http: &PlainHttp) -> Result<Url, UrlError> {
    let url = parse(text, plain_http)?;
    let is_folder = url.path().ends_with('/') && url.query().is_none();
    if is_folder { Ok(url) } else { Err(UrlError::FinalSlash) }
}

pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_must_be_https_unless_loopback_is_allowed() {
        let (refused, mut to_loopback) = (PlainHttp::default(), PlainHttp::default());
        to_loopback.allow_loopback();
        for (text, plain_http, expected) in [
            ("https://issuer.example/jwks", &refused, None),
            ("HTTPS://Issuer.Example", &refused, None),
            ("http://127.0.0.1:3000/jwks", &to_loopback, None),
            ("http://127.1/", &to_loopback, None),
            ("http://[::1]/", &to_loopback, None),
            ("http://localhost/", &to_loopback, None),
            ("http://127.0.0.1:3000/jwks", &refused, Some(UrlError::NotHttps)),
            ("http://issuer.example/", &to_loopback, Some(UrlError::NotHttps)),
            ("http://127.0.0.1.example/", &to_loopback, Some(UrlError::NotHttps)),
            ("http://localhost.example/", &to_loopback, Some(UrlError::NotHttps)),
            ("http://169.254.169.254/", &to_loopback, Some(UrlError::NotHttps)),
            ("http://0.0.0.0/", &to_loopback, Some(UrlError::NotHttps)),
            ("file:///etc/passwd", &to_loopback, Some(UrlError::NotHttps)),
            ("https://user@issuer.example/", &refused, Some(UrlError::Credentials)),
            ("https://:secret@issuer.example/", &refused, Some(UrlError::Credentials)),
            ("https://issuer.example/#x", &refused, Some(UrlError::Fragment)),
            ("issuer.example", &refused, Some(UrlError::NotAUrl)),
            ("/jwks", &refused, Some(UrlError::NotAUrl)),
            ("https://", &refused, Some(UrlError::NotAUrl)),
            ("", &refused, Some(UrlError::NotAUrl)),
        ] {
            assert_eq!(parse(text, plain_http).err(), expected, "{text}");
        }
        let issuer = Location::discovered("https://issuer.example/?tenant=1", &refused);
        assert_eq!(issuer.unwrap_err(), UrlError::Query);
    }

    #[test]
    fn location_is_logged_without_query() {
        let location = Location::fixed("https://issuer.example/keys?code=secret", &PlainHttp::default());
        assert_eq!(location.unwrap().shown(), "https://issuer.example/keys");
    }
}
