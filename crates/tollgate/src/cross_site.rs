//! [`CrossSite`]: checks whether another site may have caused a request with a token in a cookie.

use std::fmt;

use crate::error::{ConfigError, CrossSiteError};
use crate::request::RequestView;

/// The check against cross-site request forgery. A gate makes it when the token came from a cookie or the
/// query, and the request can change state: any method but GET, HEAD and OPTIONS, and any WebSocket handshake.
///
/// Browsers send the origin of a request. `Sec-Fetch-Site` is checked first (`same-origin` and `none` pass),
/// because a proxy that rewrites `Host` does not affect it. Without it, `Origin` must be the origin of this
/// API. A request with neither header is rejected: all current browsers send one.
///
/// Without [public origins](Self::with_public_origin), `Origin` is compared with the host that the request
/// names (`:authority` or `Host`). The scheme is then unknown, so set the public origin behind a
/// TLS-terminating proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrossSite {
    public_origins: Vec<Origin>,
    trusted_origins: Vec<Origin>,
}

impl CrossSite {
    /// Creates the check without any origins.
    #[must_use]
    pub const fn new() -> Self {
        Self { public_origins: Vec::new(), trusted_origins: Vec::new() }
    }

    /// Adds an origin at which clients reach this API, such as `https://api.example`.
    ///
    /// # Errors
    /// [`ConfigError::Origin`] when it is not an origin.
    pub fn with_public_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.public_origins.push(Origin::configured(origin)?);
        Ok(self)
    }

    /// Trusts requests from another origin, such as a front end on its own domain.
    ///
    /// # Security
    /// Every page of that origin can then act as the user. Never name an origin that serves content of third
    /// parties.
    ///
    /// # Errors
    /// [`ConfigError::Origin`] when it is not an origin.
    pub fn with_trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.trusted_origins.push(Origin::configured(origin)?);
        Ok(self)
    }

    /// Checks a request with a credential that browsers add by themselves. A gate calls this for the cookies
    /// that it reads.
    ///
    /// # Errors
    /// [`CrossSiteError`] when the request can change state and another site may have caused it.
    pub fn check<R: RequestView>(&self, request: &R) -> Result<(), CrossSiteError> {
        self.judge(request, Silence::Suspicious)
    }

    /// Checks a request that has no such credential and asks for one, such as a login: another site must not
    /// log a browser in as another user (RFC 6749 §10.12).
    ///
    /// Unlike [`check`](Self::check), this accepts a request that does not name its origin. Such a request does
    /// not come from a browser, and has no credential that another site could abuse.
    ///
    /// # Errors
    /// [`CrossSiteError`] when the request can change state and another site caused it.
    pub fn check_without_credential<R: RequestView>(&self, request: &R) -> Result<(), CrossSiteError> {
        self.judge(request, Silence::Harmless)
    }

    fn judge<R: RequestView>(&self, request: &R, silence: Silence) -> Result<(), CrossSiteError> {
        if is_safe(request) {
            return Ok(());
        }
        let origin = single(request.header_values("origin"))?;
        if let Some(origin) = origin.and_then(Origin::parse)
            && self.trusted_origins.contains(&origin)
        {
            return Ok(());
        }
        match single(request.header_values("sec-fetch-site"))? {
            Some(b"same-origin" | b"none") => return Ok(()),
            Some(b"") | None => {}
            Some(_) => return Err(CrossSiteError::FetchSite),
        }
        let origin = match (origin, silence) {
            (Some(origin), _) => origin,
            (None, Silence::Suspicious) => return Err(CrossSiteError::NoProvenance),
            (None, Silence::Harmless) => return Ok(()),
        };
        let origin = Origin::parse(origin).ok_or(CrossSiteError::MalformedOrigin)?;
        let same = if self.public_origins.is_empty() {
            origin.is_at(request_host(request)?)
        } else {
            self.public_origins.contains(&origin)
        };
        if same { Ok(()) } else { Err(CrossSiteError::OriginMismatch) }
    }
}

/// How to treat a request that does not name its origin.
#[derive(Clone, Copy)]
enum Silence {
    Suspicious,
    Harmless,
}

/// Returns whether the method is safe (RFC 9110 §9.2.1). A GET that opens a WebSocket is not, because messages
/// on it can change state.
fn is_safe<R: RequestView>(request: &R) -> bool {
    match request.method() {
        "GET" => !request.header_values("upgrade").any(names_websocket),
        "HEAD" | "OPTIONS" => true,
        _ => false,
    }
}

/// Returns whether the request is a CORS preflight (Fetch §4.8).
pub(crate) fn is_preflight<R: RequestView>(request: &R) -> bool {
    let has = |name| request.header_values(name).next().is_some();
    request.method() == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// Returns whether the request opens a WebSocket.
pub(crate) fn is_handshake<R: RequestView>(request: &R) -> bool {
    match request.method() {
        "GET" => request.header_values("upgrade").any(names_websocket),
        // A handshake over HTTP/2 (RFC 8441 §4).
        "CONNECT" => request.header_values("sec-websocket-version").next().is_some(),
        _ => false,
    }
}

/// Returns whether the request opens a WebSocket and has neither `Origin` nor `Sec-Fetch-Site`, so that it does not
/// come from a browser (RFC 6455 §4.1).
pub(crate) fn is_handshake_without_origin<R: RequestView>(request: &R) -> bool {
    let names_origin = |name| request.header_values(name).next().is_some();
    is_handshake(request) && !names_origin("origin") && !names_origin("sec-fetch-site")
}

fn names_websocket(value: &[u8]) -> bool {
    // A protocol name may have a version: `websocket/13` (RFC 9110 §7.8).
    let name = |protocol: &[u8]| {
        protocol.split(|byte| *byte == b'/').next().unwrap_or_default().trim_ascii().to_ascii_lowercase()
    };
    value.split(|byte| *byte == b',').any(|protocol| name(protocol) == b"websocket")
}

fn single<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, CrossSiteError> {
    let first = values.next();
    if values.next().is_some() { Err(CrossSiteError::Repeated) } else { Ok(first) }
}

/// Returns the host and port that the request is for. `X-Forwarded-Host` is ignored, because any client can
/// send it.
fn request_host<R: RequestView>(request: &R) -> Result<&[u8], CrossSiteError> {
    match request.authority() {
        Some(authority) => Ok(authority.as_bytes()),
        None => Ok(single(request.header_values("host"))?.unwrap_or_default()),
    }
}

/// An origin `scheme://host[:port]` (RFC 6454 §6.2) in lower case, without the default port.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    https: bool,
    host: Box<[u8]>,
    port: u16,
}

impl Origin {
    fn configured(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text.as_bytes()).ok_or_else(|| ConfigError::Origin { text: text.into() })
    }

    /// Parses an origin. Returns `None` for `null`, other schemes, user information, paths and non-ASCII text.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (https, rest) = match text.strip_prefix(b"https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix(b"http://")?),
        };
        let (host, port) = split_port(rest, https)?;
        Some(Self { https, host: host.to_ascii_lowercase().into(), port })
    }

    /// Returns whether this origin is at `host[:port]`, with any scheme.
    fn is_at(&self, host: &[u8]) -> bool {
        split_port(host, self.https)
            .is_some_and(|(name, port)| name.eq_ignore_ascii_case(&self.host) && port == self.port)
    }
}

/// Splits `host[:port]`, or returns `None` for other text.
fn split_port(text: &[u8], https: bool) -> Option<(&[u8], u16)> {
    // The last colon separates the port, unless it is inside an IPv6 literal.
    let colon =
        text.iter().rposition(|byte| *byte == b':').filter(|colon| !text.ends_with(b"]") && *colon > 0);
    let (host, port) = match colon {
        Some(colon) => (text.get(..colon)?, parse_port(text.get(colon.saturating_add(1)..)?)?),
        None => (text, if https { 443 } else { 80 }),
    };
    let literal = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    let valid = match literal {
        Some(v6) => {
            !v6.is_empty() && v6.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        None => {
            !host.is_empty()
                && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    valid.then_some((host, port))
}

fn parse_port(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host.escape_ascii(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::FakeRequest;

    const HOST: &[u8] = b"api.example";

    fn post(site: &[&[u8]], origin: &[&[u8]]) -> FakeRequest {
        from("POST", site, origin)
    }

    fn from(method: &str, site: &[&[u8]], origin: &[&[u8]]) -> FakeRequest {
        let request = FakeRequest::new(method, "/").header("host", HOST);
        let request = site.iter().fold(request, |request, value| request.header("sec-fetch-site", value));
        origin.iter().fold(request, |request, value| request.header("origin", value))
    }

    #[test]
    fn truth_table() {
        let check = CrossSite::new()
            .with_public_origin("https://api.example")
            .unwrap()
            .with_trusted_origin("https://app.example")
            .unwrap();
        let here: &[u8] = b"https://api.example";
        let friend: &[u8] = b"https://app.example";
        let evil: &[u8] = b"https://evil.example";
        let table: [(&[&[u8]], &[&[u8]], Result<(), CrossSiteError>); 24] = [
            (&[b"same-origin"], &[], Ok(())),
            (&[b"same-origin"], &[here], Ok(())),
            // A proxy rewrote the host, but `Sec-Fetch-Site` decides.
            (&[b"same-origin"], &[b"https://inner:8080"], Ok(())),
            (&[b"none"], &[], Ok(())),
            (&[b"none"], &[here], Ok(())),
            (&[b"same-site"], &[evil], Err(CrossSiteError::FetchSite)),
            (&[b"same-site"], &[friend], Ok(())),
            (&[b"cross-site"], &[friend], Ok(())),
            (&[b"cross-site"], &[evil], Err(CrossSiteError::FetchSite)),
            (&[b"cross-site"], &[b"null"], Err(CrossSiteError::FetchSite)),
            (&[b"cross-site"], &[], Err(CrossSiteError::FetchSite)),
            (&[b"Same-Origin"], &[here], Err(CrossSiteError::FetchSite)),
            (&[b"something"], &[here], Err(CrossSiteError::FetchSite)),
            (&[b""], &[here], Ok(())),
            (&[b"same-origin", b"same-origin"], &[here], Err(CrossSiteError::Repeated)),
            (&[], &[here], Ok(())),
            (&[], &[friend], Ok(())),
            (&[], &[b"https://api.example:443"], Ok(())),
            (&[], &[evil], Err(CrossSiteError::OriginMismatch)),
            (&[], &[b"http://api.example"], Err(CrossSiteError::OriginMismatch)),
            (&[], &[b"null"], Err(CrossSiteError::MalformedOrigin)),
            (&[], &[b"http://evil@api.example"], Err(CrossSiteError::MalformedOrigin)),
            (&[], &[here, here], Err(CrossSiteError::Repeated)),
            (&[], &[], Err(CrossSiteError::NoProvenance)),
        ];
        for (site, origin, expected) in table {
            let request = |method: &str| from(method, site, origin);
            assert_eq!(check.check(&request("POST")), expected, "{site:?} {origin:?}");
            // A handshake can change state like a POST, although its method is GET.
            let handshake = request("GET").header("upgrade", b"websocket");
            assert_eq!(check.check(&handshake), expected, "upgrade {site:?} {origin:?}");
            // Without a credential, a request need not name its origin. The other checks are the same.
            let lenient = if expected == Err(CrossSiteError::NoProvenance) { Ok(()) } else { expected };
            for request in [request("POST"), handshake] {
                assert_eq!(check.check_without_credential(&request), lenient, "{site:?} {origin:?}");
            }
            for method in ["GET", "HEAD", "OPTIONS"] {
                assert_eq!(check.check(&request(method)), Ok(()), "{method} {site:?} {origin:?}");
                assert_eq!(check.check_without_credential(&request(method)), Ok(()));
            }
        }
    }

    #[test]
    fn host_decides_without_public_origins() {
        let check = CrossSite::new();
        for same in [&b"https://api.example"[..], b"http://api.example", b"HTTP://api.example"] {
            let verdict = check.check(&post(&[], &[same]));
            assert_eq!(verdict.is_ok(), !same.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(same));
        }
        for other in [
            &b"https://api.example.evil"[..],
            b"https://evil-api.example",
            b"https://api.example:8443",
            b"https://api.example.",
            b"https://api.example/",
            b"https://api.example?x",
            b"ftp://api.example",
            b"https://",
            b"https://api.example:",
            b"https://api.example:+443",
            b"https://api.example:99999",
            b"https://\xc3\xa4.example",
        ] {
            assert!(check.check(&post(&[], &[other])).is_err(), "{:?}", String::from_utf8_lossy(other));
        }
        let v6 = FakeRequest::new("POST", "/")
            .header("host", b"[::1]:3000")
            .header("origin", b"http://[::1]:3000");
        assert_eq!(check.check(&v6), Ok(()));
        let two_hosts = post(&[], &[b"https://api.example"]).header("host", HOST);
        assert_eq!(check.check(&two_hosts), Err(CrossSiteError::Repeated));
    }

    #[test]
    fn every_method_but_the_safe_ones_is_checked() {
        let cross = |method: &str| FakeRequest::new(method, "/").header("sec-fetch-site", b"cross-site");
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(CrossSite::new().check(&cross(method)), Ok(()), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "get", "post"] {
            assert_eq!(CrossSite::new().check(&cross(method)), Err(CrossSiteError::FetchSite), "{method}");
        }
        for upgrade in [&b"websocket"[..], b"WebSocket", b"h2c, websocket", b"websocket/13", b" websocket "] {
            let handshake = cross("GET").header("upgrade", upgrade);
            assert_eq!(CrossSite::new().check(&handshake), Err(CrossSiteError::FetchSite));
        }
    }
}
