//! [`Location`]: where keys may come from, and the rules for URLs.

use url::{Host, Url};

/// Whether plain `http` is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    Refused,
    ToLoopback,
}

/// Where a key set is found.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// At this URL.
    Fixed(Url),
    /// Where the metadata of this issuer says. The text is what metadata has to repeat, byte for byte.
    Discovered { issuer: Box<str>, url: Url },
}

impl Location {
    pub(crate) fn fixed(text: &str, plain_http: PlainHttp) -> Result<Self, UrlError> {
        parse(text, plain_http).map(Self::Fixed)
    }

    /// RFC 8414 §2, OpenID Connect Discovery 1.0 §3: an https URL without query and fragment.
    pub(crate) fn discovered(issuer: &str, plain_http: PlainHttp) -> Result<Self, UrlError> {
        let url = parse(issuer, plain_http)?;
        if url.query().is_some() {
            return Err(UrlError::Query);
        }
        Ok(Self::Discovered { issuer: issuer.into(), url })
    }

    /// Where this is, for people: no query, which may hold what is not theirs to see.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Fixed(url) => shown(url),
            Self::Discovered { issuer, .. } => issuer.to_string(),
        }
    }
}

/// Why a URL is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not an absolute URL with a host.
    #[error("not an absolute URL such as https://issuer.example/jwks.json")]
    NotAUrl,
    /// Plain `http` or another scheme: whoever is on the way could bring keys of their own (RFC 8414 §6.1).
    #[error(
        "https is required; plain http is for loopback addresses, where `with_insecure_loopback` allows it"
    )]
    NotHttps,
    /// A user name or password.
    #[error("a URL with a user name or a password is not used")]
    Credentials,
    /// A fragment.
    #[error("a URL with a fragment (#) is not used")]
    Fragment,
    /// A query, in an issuer.
    #[error("an issuer has no query (RFC 8414 §2)")]
    Query,
    /// Keys at another host than metadata that came over plain http.
    #[error("metadata over plain http cannot send us to another host")]
    OtherHost,
}

/// An absolute URL that may be asked.
pub(crate) fn parse(text: &str, plain_http: PlainHttp) -> Result<Url, UrlError> {
    let url = Url::parse(text).map_err(|_cause| UrlError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http == PlainHttp::ToLoopback && is_loopback(&url) => {}
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

pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_unless_loopback_was_allowed() {
        use PlainHttp::{Refused, ToLoopback};
        for (text, plain_http, expected) in [
            ("https://issuer.example/jwks", Refused, None),
            ("HTTPS://Issuer.Example", Refused, None),
            ("http://127.0.0.1:3000/jwks", ToLoopback, None),
            ("http://127.1/", ToLoopback, None),
            ("http://[::1]/", ToLoopback, None),
            ("http://localhost/", ToLoopback, None),
            ("http://127.0.0.1:3000/jwks", Refused, Some(UrlError::NotHttps)),
            ("http://issuer.example/", ToLoopback, Some(UrlError::NotHttps)),
            ("http://127.0.0.1.example/", ToLoopback, Some(UrlError::NotHttps)),
            ("http://localhost.example/", ToLoopback, Some(UrlError::NotHttps)),
            ("http://169.254.169.254/", ToLoopback, Some(UrlError::NotHttps)),
            ("http://0.0.0.0/", ToLoopback, Some(UrlError::NotHttps)),
            ("file:///etc/passwd", ToLoopback, Some(UrlError::NotHttps)),
            ("https://user@issuer.example/", Refused, Some(UrlError::Credentials)),
            ("https://:secret@issuer.example/", Refused, Some(UrlError::Credentials)),
            ("https://issuer.example/#x", Refused, Some(UrlError::Fragment)),
            ("issuer.example", Refused, Some(UrlError::NotAUrl)),
            ("/jwks", Refused, Some(UrlError::NotAUrl)),
            ("https://", Refused, Some(UrlError::NotAUrl)),
            ("", Refused, Some(UrlError::NotAUrl)),
        ] {
            assert_eq!(parse(text, plain_http).err(), expected, "{text}");
        }
        let issuer = Location::discovered("https://issuer.example/?tenant=1", Refused);
        assert_eq!(issuer.unwrap_err(), UrlError::Query);
    }

    #[test]
    fn the_log_shows_no_query() {
        let location = Location::fixed("https://issuer.example/keys?code=secret", PlainHttp::Refused);
        assert_eq!(location.unwrap().shown(), "https://issuer.example/keys");
    }
}
