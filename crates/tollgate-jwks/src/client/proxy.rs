//! [`Proxies`]: which requests of the default client go through which proxy.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::no_proxy::NoProxy;

/// An HTTP proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// The URL without user name and password.
    uri: Uri,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Zeroizing<String>>,
}

/// The reason why a proxy cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The text is not a URL with a host.
    #[error("it is not a URL such as http://proxy.example:3128")]
    NotAUrl,
    /// The scheme is neither `http` nor `https`, such as `socks5`.
    #[error("its scheme must be http or https")]
    Scheme,
    /// The URL has no port, or an invalid one. Programs do not agree on a default: it is 80 or 1080.
    #[error("it has no valid port")]
    NoPort,
    /// The URL has a path or a query.
    #[error("it has a path or a query")]
    Path,
    /// The environment variable is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
}

impl Proxy {
    pub(crate) fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let text =
            Zeroizing::new(if text.contains("://") { text.to_owned() } else { format!("http://{text}") });
        let uri: Uri = text.parse().map_err(|_cause| ProxyUrlError::NotAUrl)?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let scheme = scheme.ok_or(ProxyUrlError::Scheme)?;
        let authority = uri.authority().ok_or(ProxyUrlError::NotAUrl)?;
        let port = authority.port_u16().ok_or(ProxyUrlError::NoPort)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(ProxyUrlError::Path);
        }
        let authorization = authority.as_str().rsplit_once('@').map(|(userinfo, _)| basic(userinfo));
        let uri = format!("{scheme}://{}:{port}/", authority.host());
        Ok(Self { uri: uri.parse().map_err(|_cause| ProxyUrlError::NotAUrl)?, authorization })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the URL for logs and errors, without user name and password.
    pub(crate) fn shown(&self) -> Box<str> {
        self.uri.to_string().trim_end_matches('/').into()
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(|value| value.as_str())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Returns credentials for the scheme `Basic` (RFC 7617 §2).
fn basic(userinfo: &str) -> Zeroizing<String> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut pair = Zeroizing::new(Vec::with_capacity(userinfo.len().saturating_add(1)));
    pair.extend(percent_decode_str(user));
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(&*pair))))
}

/// The proxies of a client. The default is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    none_for: NoProxy,
}

impl Proxies {
    pub(crate) fn all(proxy: Proxy) -> Self {
        Self { https: Some(proxy.clone()), http: Some(proxy), none_for: NoProxy::default() }
    }

    /// Reads the variables that curl documents. `read` returns the value of a variable.
    ///
    /// # Errors
    /// The name of the variable that cannot be used, and the reason.
    pub(crate) fn from_variables(
        read: impl Fn(&str) -> Option<Result<String, ProxyUrlError>>,
    ) -> Result<Self, (&'static str, ProxyUrlError)> {
        let first = |names: &[&'static str]| {
            for name in names {
                match read(name).transpose().map_err(|error| (*name, error))? {
                    Some(value) if !value.trim().is_empty() => {
                        return Ok(Some((*name, Zeroizing::new(value))));
                    }
                    _ => {}
                }
            }
            Ok(None)
        };
        let proxy = |names: &[&'static str]| match first(names)? {
            Some((name, value)) => Proxy::parse(value.trim()).map(Some).map_err(|error| (name, error)),
            None => Ok(None),
        };
        let none_for = first(&["no_proxy", "NO_PROXY"])?.map(|(_, value)| NoProxy::parse(&value));
        Ok(Self {
            https: proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            // Not `HTTP_PROXY`: a CGI server sets it to what the client sends in the header field `Proxy`.
            http: proxy(&["http_proxy", "all_proxy", "ALL_PROXY"])?,
            none_for: none_for.unwrap_or_default(),
        })
    }

    /// Returns the proxy for a request to `uri`.
    pub(crate) fn proxy_for(&self, uri: &Uri) -> Option<&Proxy> {
        let proxy = match uri.scheme_str() {
            Some("https") => self.https.as_ref(),
            _ => self.http.as_ref(),
        };
        let host = uri.host()?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        proxy.filter(|_| match bare.parse::<IpAddr>() {
            Ok(address) => !self.none_for.has_address(address),
            Err(_) => !self.none_for.has_name(bare),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, (&'static str, ProxyUrlError)> {
        Proxies::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| Ok((*value).to_owned()))
        })
    }

    /// Returns the proxy for `url` under these variables.
    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<Box<str>> {
        proxies(variables).unwrap().proxy_for(&url.parse().unwrap()).map(Proxy::shown)
    }

    #[test]
    fn variables_choose_the_proxy_by_scheme() {
        let (https, http) = ("https://issuer.example/keys", "http://keycloak:8080/keys");
        let table: &[(&[(&str, &str)], Option<&str>, Option<&str>)] = &[
            (&[], None, None),
            (&[("HTTPS_PROXY", "http://a:1")], Some("http://a:1"), None),
            (&[("https_proxy", "http://b:1"), ("HTTPS_PROXY", "http://a:1")], Some("http://b:1"), None),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "a:1/")], Some("http://a:1"), None),
            (&[("HTTP_PROXY", "http://client.example:1")], None, None),
            (&[("http_proxy", "http://a:1")], None, Some("http://a:1")),
            (&[("ALL_PROXY", "https://a:1")], Some("https://a:1"), Some("https://a:1")),
            (&[("ALL_PROXY", "a:1"), ("http_proxy", "b:1")], Some("http://a:1"), Some("http://b:1")),
            (&[("ALL_PROXY", "a:1"), ("NO_PROXY", "keycloak")], Some("http://a:1"), None),
            (&[("ALL_PROXY", "a:1"), ("no_proxy", "*"), ("NO_PROXY", "x")], None, None),
        ];
        for (variables, for_https, for_http) in table {
            assert_eq!(chosen(variables, https).as_deref(), *for_https, "{variables:?}");
            assert_eq!(chosen(variables, http).as_deref(), *for_http, "{variables:?}");
        }
    }

    #[test]
    fn addresses_are_exempt_without_brackets() {
        let variables = [("all_proxy", "a:1"), ("no_proxy", "10.0.0.0/8, fd00::7")];
        assert_eq!(chosen(&variables, "https://10.1.2.3/"), None);
        assert_eq!(chosen(&variables, "https://[fd00::7]:8443/"), None);
        assert!(chosen(&variables, "https://11.1.2.3/").is_some());
        assert!(chosen(&variables, "https://10.1.2.3.example/").is_some());
    }

    #[test]
    fn unusable_proxies_are_errors() {
        for (text, expected) in [
            ("socks5://a:1080", ProxyUrlError::Scheme),
            ("http://a", ProxyUrlError::NoPort),
            ("a", ProxyUrlError::NoPort),
            ("http://", ProxyUrlError::NotAUrl),
            ("http://a:1 b", ProxyUrlError::NotAUrl),
            ("http://a:99999", ProxyUrlError::NoPort),
            ("http://a:1/path", ProxyUrlError::Path),
            ("http://a:1?query", ProxyUrlError::Path),
        ] {
            assert_eq!(Proxy::parse(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(
            proxies(&[("ALL_PROXY", "socks5://a:1")]).unwrap_err(),
            ("ALL_PROXY", ProxyUrlError::Scheme)
        );
        let not_utf8 =
            Proxies::from_variables(|name| (name == "HTTPS_PROXY").then_some(Err(ProxyUrlError::NotUtf8)));
        assert_eq!(not_utf8.unwrap_err(), ("HTTPS_PROXY", ProxyUrlError::NotUtf8));
    }

    #[test]
    fn credentials_are_sent_and_not_shown() {
        let proxy = Proxy::parse("http://us%40er:s3cr%3At@proxy.example:3128").unwrap();
        // Base64 of `us@er:s3cr:t`.
        assert_eq!(proxy.authorization(), Some("Basic dXNAZXI6czNjcjp0"));
        assert_eq!(&*proxy.shown(), "http://proxy.example:3128");
        let shown = format!("{proxy:?} {:?}", Proxies::all(proxy.clone()));
        assert!(!shown.contains("s3cr") && !shown.contains("czNjcjp0"), "{shown}");
        assert_eq!(Proxy::parse("http://user@a:1").unwrap().authorization(), Some("Basic dXNlcjo="));
        assert_eq!(Proxy::parse("http://a:1").unwrap().authorization(), None);
    }
}
