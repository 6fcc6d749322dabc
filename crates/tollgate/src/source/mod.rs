//! [`TokenSource`]: the locations of tokens in a request, and the rules when there is more than one.

mod authorization;
mod cookie;
mod credential;
mod query;
mod websocket;

use std::cell::OnceCell;
use std::sync::Arc;

pub use cookie::find_cookie;

use crate::cross_site;
use crate::error::{ConfigError, RequestError};
use crate::grammar::token_name;
use crate::request::RequestView;
use cookie::Cookie;
pub(crate) use credential::Credential;

const FIELD: &str = "header field";

/// A location where a request may carry a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The field `Authorization` with the scheme `Bearer`.
    Bearer,
    /// A field with a scheme before the token.
    Scheme {
        field: Box<str>,
        scheme: Box<str>,
    },
    Cookie(Cookie),
    /// A field that holds only the token.
    Header(Box<str>),
    Query {
        name: Box<str>,
        native_handshakes: bool,
    },
    /// The subprotocol before the token, in a WebSocket handshake.
    WebSocket(Arc<str>),
}

impl TokenSource {
    /// Reads `Authorization: Bearer …` (RFC 6750 §2.1). This is the default and the preferred source.
    #[must_use]
    pub const fn bearer() -> Self {
        Self(Kind::Bearer)
    }

    /// Reads `Authorization` with another scheme than `Bearer`, such as `JWT` or `Token` of older stacks. Challenges
    /// still name `Bearer`.
    ///
    /// # Errors
    /// [`ConfigError::Name`] when `scheme` cannot be a scheme, or is one with another meaning (`Basic`, `Digest`,
    /// `DPoP` and `Negotiate`).
    pub fn scheme(scheme: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let scheme = token_name("authentication scheme", scheme.into())?;
        if ["basic", "digest", "dpop", "negotiate"].iter().any(|other| scheme.eq_ignore_ascii_case(other)) {
            return Err(ConfigError::Name { what: "authentication scheme for a token", name: scheme });
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Self::bearer());
        }
        Ok(Self(Kind::Scheme { field: authorization::FIELD.into(), scheme }))
    }

    /// Reads `Bearer …` from another header field than `Authorization`, such as `X-Forwarded-Authorization` behind a
    /// gateway that moves it.
    ///
    /// # Errors
    /// As for [`header`](Self::header).
    pub fn bearer_in(field: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let field = own_field(field.into())?;
        Ok(Self(Kind::Scheme { field, scheme: "Bearer".into() }))
    }

    /// Reads the cookie with this name, compared exactly.
    ///
    /// # Security
    /// A browser adds cookies by itself, so another site can make it send one. The gate therefore checks which
    /// site caused a request with a token in a cookie (see [`CrossSite`](crate::CrossSite)). Use a name that
    /// starts with `__Host-Http-` (or `__Host-`), so that neither a script nor a sibling domain can plant the
    /// cookie.
    ///
    /// # Errors
    /// [`ConfigError::Name`] when `name` cannot be the name of a cookie (RFC 6265 §4.1.1).
    pub fn cookie(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        token_name("cookie", name.into()).map(|name| Self(Kind::Cookie(Cookie::whole(name))))
    }

    /// Reads a cookie as [`cookie`](Self::cookie) does, also when it is split into the pieces `name.0`, `name.1` and
    /// so on, as some frameworks do with long values. There may be at most 16 pieces. A missing piece makes the request
    /// malformed, and so does a request with both the cookie and pieces of it.
    ///
    /// # Errors
    /// As for [`cookie`](Self::cookie).
    pub fn cookie_in_pieces(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        token_name("cookie", name.into()).map(|name| Self(Kind::Cookie(Cookie::in_pieces(name))))
    }

    /// Removes `Bearer` from the start of the cookie's value, followed by a space, `+` or `%20`, as some applications
    /// write it. A value without it is read as it is.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] for a source that is not a cookie.
    pub fn with_bearer_prefix(mut self) -> Result<Self, ConfigError> {
        let Kind::Cookie(cookie) = &mut self.0 else {
            return Err(ConfigError::Conflict("only a token in a cookie can have `Bearer` in front of it"));
        };
        cookie.allow_bearer_prefix();
        Ok(self)
    }

    /// Reads a header field that holds only the token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] when `name` cannot be the name of a header field, or is one with another meaning
    /// (`Authorization`, `Cookie`, `Host` and `Origin`).
    pub fn header(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        own_field(name.into()).map(|name| Self(Kind::Header(name)))
    }

    /// Reads the token from the subprotocols that a browser offers in a WebSocket handshake: `Sec-WebSocket-Protocol:
    /// access_token, <token>`, where `access_token` is `protocol`. This is the only way for a script in a browser to
    /// send a token with a handshake: `new WebSocket(url, ["access_token", token])`.
    ///
    /// A browser fails the connection unless the server selects an offered subprotocol (RFC 6455 §4.2.2). When the
    /// handler selects none, the adapter selects `protocol`. It never sends the token back.
    ///
    /// # Errors
    /// [`ConfigError::Name`] when `protocol` cannot be the name of a subprotocol (RFC 6455 §4.1).
    pub fn websocket_protocol(protocol: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        token_name("WebSocket subprotocol", protocol.into()).map(|name| Self(Kind::WebSocket(name.into())))
    }

    /// Reads a parameter of the query string, such as `access_token` (RFC 6750 §2.3).
    ///
    /// # Security
    /// URLs end up in logs, histories and `Referer` headers, and the token with them. RFC 6750 §2.3 and RFC
    /// 9700 §4.3.2 advise against it. Use this source only where the client can send nothing else, such as an
    /// `EventSource` or a download link, and with tokens that live for minutes. Responses are marked
    /// `Cache-Control: private`. A form on another site can set the parameter, so the gate checks requests with
    /// unsafe methods like those with cookies ([`CrossSite`](crate::CrossSite)).
    ///
    /// # Errors
    /// [`ConfigError::Name`] when the name has characters other than letters, digits, `-`, `.`, `_` and `~`.
    pub fn insecure_query(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(ConfigError::Name { what: "query parameter", name });
        }
        Ok(Self(Kind::Query { name, native_handshakes: false }))
    }

    /// Accepts WebSocket handshakes that name no origin, with a token in this query parameter. Clients that are not
    /// browsers send none. Without this setting, the gate rejects such handshakes with 403.
    ///
    /// # Security
    /// This relies on browsers, which name the origin in every handshake (RFC 6455 §4.1). The gate still checks
    /// handshakes with `Origin` or `Sec-Fetch-Site`.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] for a source that is not a query parameter.
    pub fn tolerate_native_handshakes(mut self) -> Result<Self, ConfigError> {
        let Kind::Query { native_handshakes, .. } = &mut self.0 else {
            return Err(ConfigError::Conflict(
                "only a token in the query needs native handshakes to be tolerated",
            ));
        };
        *native_handshakes = true;
        Ok(self)
    }

    /// Returns whether browsers add the token by themselves.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self.0, Kind::Cookie(_))
    }

    /// Returns whether another site can make a browser send the token: a cookie with any request, a query
    /// parameter with a form or a link. Another site cannot set a header field unless CORS allows it.
    pub(crate) fn can_be_caused_by_others(&self) -> bool {
        matches!(self.0, Kind::Cookie(_) | Kind::Query { .. })
    }

    /// Returns whether the operator trusts that a client sent this request by itself, although it does not say so.
    pub(crate) fn trusts_cause_of<R: RequestView>(&self, request: &R) -> bool {
        matches!(self.0, Kind::Query { native_handshakes: true, .. })
            && cross_site::is_handshake_without_origin(request)
    }

    /// Returns whether shared caches treat the response as one user's. RFC 9111 §3.5 demands this for
    /// `Authorization` only.
    pub(crate) fn is_known_to_caches(&self) -> bool {
        match &self.0 {
            Kind::Bearer => true,
            Kind::Scheme { field, .. } => **field == *authorization::FIELD,
            Kind::Cookie(_) | Kind::Header(_) | Kind::Query { .. } | Kind::WebSocket(_) => false,
        }
    }

    /// Returns the header field that holds the token.
    pub(crate) fn own_field(&self) -> Option<&str> {
        match &self.0 {
            Kind::Header(field) | Kind::Scheme { field, .. } => Some(field),
            Kind::WebSocket(_) => Some(websocket::FIELD),
            Kind::Bearer | Kind::Cookie(_) | Kind::Query { .. } => None,
        }
    }

    /// Returns the subprotocol beside which the request carries a token.
    pub(crate) fn subprotocol_of<R: RequestView>(&self, request: &R) -> Option<&Arc<str>> {
        match &self.0 {
            Kind::WebSocket(protocol) => {
                websocket::find(request, protocol).is_ok_and(|found| found.is_some()).then_some(protocol)
            }
            _ => None,
        }
    }

    /// Returns whether both sources read the same value in different ways, so that each token would count twice.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Cookie(cookie), Kind::Cookie(other)) => cookie.shares_name(other),
            (Kind::Header(field), Kind::Scheme { field: other, .. })
            | (Kind::Scheme { field: other, .. }, Kind::Header(field)) => field == other,
            (Kind::Query { name, .. }, Kind::Query { name: other, .. }) => name == other,
            _ => false,
        }
    }

    /// Returns whether this source is the cookie `wanted`.
    pub(crate) fn is_cookie(&self, wanted: &str) -> bool {
        matches!(&self.0, Kind::Cookie(cookie) if cookie.is_named(wanted))
    }

    /// Returns the name of the location in errors.
    fn location(&self) -> &'static str {
        match &self.0 {
            Kind::Bearer => authorization::LOCATION,
            Kind::Scheme { field, .. } => authorization::location(field),
            Kind::Cookie(_) => cookie::LOCATION,
            Kind::Header(_) => FIELD,
            Kind::Query { .. } => query::LOCATION,
            Kind::WebSocket(_) => websocket::LOCATION,
        }
    }

    /// Returns the value at this location, if there is one.
    #[inline]
    fn find<'r, R: RequestView>(
        &self,
        request: &'r R,
        joined: &'r Joined,
    ) -> Result<Option<&'r [u8]>, RequestError> {
        match &self.0 {
            Kind::Bearer => authorization::find_bearer(request),
            _ => self.find_elsewhere(request, joined),
        }
    }

    #[inline(never)]
    fn find_elsewhere<'r, R: RequestView>(
        &self,
        request: &'r R,
        joined: &'r Joined,
    ) -> Result<Option<&'r [u8]>, RequestError> {
        match &self.0 {
            Kind::Bearer => authorization::find_bearer(request),
            Kind::Scheme { field, scheme } => authorization::find(request, field, scheme.as_bytes()),
            Kind::Cookie(cookie) => cookie.find(request, joined),
            Kind::Header(name) => single_field(request, name),
            Kind::Query { name, .. } => query::find(request, name),
            Kind::WebSocket(protocol) => websocket::find(request, protocol),
        }
    }
}

/// Holds a value that a request carries in pieces, while its token is verified.
pub(crate) type Joined = OnceCell<Vec<u8>>;

/// Checks the name of a header field for tokens.
fn own_field(name: Box<str>) -> Result<Box<str>, ConfigError> {
    let name = token_name("header field", name)?.to_ascii_lowercase();
    if matches!(name.as_str(), "authorization" | "cookie" | "host" | "origin" | websocket::FIELD) {
        return Err(ConfigError::Name { what: "header field for a token", name: name.into() });
    }
    Ok(name.into())
}

/// Finds the token of a request in all `sources`.
///
/// An explicit token in more than one location is malformed (RFC 6750 §2). A cookie is not explicit, because
/// the browser adds it. It counts only when the request has no explicit credential, and never replaces a
/// malformed one.
pub(crate) fn find<'r, 's, R: RequestView>(
    request: &'r R,
    sources: &'s [TokenSource],
    joined: &'r Joined,
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    let explicit = find_explicit(request, sources, joined)?;
    if explicit.is_some() {
        return Ok(explicit);
    }
    find_among(request, sources.iter().filter(|source| source.is_ambient()), joined)
}

/// Returns whether the request has an explicit credential, well-formed or not.
pub(crate) fn has_explicit_credential<R: RequestView>(request: &R, sources: &[TokenSource]) -> bool {
    !matches!(find_explicit(request, sources, &Joined::new()), Ok(None))
}

fn find_explicit<'r, 's, R: RequestView>(
    request: &'r R,
    sources: &'s [TokenSource],
    joined: &'r Joined,
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    find_among(request, sources.iter().filter(|source| !source.is_ambient()), joined)
}

fn find_among<'r, 's, R: RequestView>(
    request: &'r R,
    sources: impl Iterator<Item = &'s TokenSource>,
    joined: &'r Joined,
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    let mut found = None;
    for source in sources {
        let Some(bytes) = source.find(request, joined)? else { continue };
        if found.is_some() {
            return Err(RequestError::SeveralSources);
        }
        found = Some(Credential { bytes, source });
    }
    Ok(found)
}

fn single_field<'r, R: RequestView>(request: &'r R, name: &str) -> Result<Option<&'r [u8]>, RequestError> {
    let mut values = request.header_values(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(RequestError::Repeated { location: FIELD });
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests;
