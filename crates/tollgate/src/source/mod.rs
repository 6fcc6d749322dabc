//! [`TokenSource`]: the locations of tokens in a request, and the rules when there is more than one.

mod bearer;
mod cookie;
mod query;

pub use cookie::find_cookie;

use crate::error::{ConfigError, RequestError};
use crate::grammar::{is_b64token_symbol, token_name};
use crate::request::RequestView;

const FIELD: &str = "header field";

/// A location where a request may carry a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Bearer,
    Cookie(Box<str>),
    Header(Box<str>),
    Query(Box<str>),
}

impl TokenSource {
    /// Reads `Authorization: Bearer …` (RFC 6750 §2.1). This is the default and the preferred source.
    #[must_use]
    pub const fn bearer() -> Self {
        Self(Kind::Bearer)
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
        token_name("cookie", name.into()).map(|name| Self(Kind::Cookie(name)))
    }

    /// Reads a header field that holds only the token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] when `name` cannot be the name of a header field, or is one with another meaning
    /// (`Authorization`, `Cookie`, `Host` and `Origin`).
    pub fn header(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = token_name("header field", name.into())?.to_ascii_lowercase();
        if matches!(name.as_str(), "authorization" | "cookie" | "host" | "origin") {
            return Err(ConfigError::Name { what: "header field for a token", name: name.into() });
        }
        Ok(Self(Kind::Header(name.into())))
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
        Ok(Self(Kind::Query(name)))
    }

    /// Returns whether browsers add the token by themselves.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self.0, Kind::Cookie(_))
    }

    /// Returns whether another site can make a browser send the token: a cookie with any request, a query
    /// parameter with a form or a link. Another site cannot set a header field unless CORS allows it.
    pub(crate) fn can_be_caused_by_others(&self) -> bool {
        matches!(self.0, Kind::Cookie(_) | Kind::Query(_))
    }

    /// Returns whether shared caches treat the response as one user's. RFC 9111 §3.5 demands this for
    /// `Authorization` only.
    pub(crate) fn is_known_to_caches(&self) -> bool {
        matches!(self.0, Kind::Bearer)
    }

    /// Returns the header field that holds only the token.
    pub(crate) fn own_field(&self) -> Option<&str> {
        match &self.0 {
            Kind::Header(field) => Some(field),
            Kind::Bearer | Kind::Cookie(_) | Kind::Query(_) => None,
        }
    }

    /// Returns whether this source is the cookie `wanted`.
    pub(crate) fn is_cookie(&self, wanted: &str) -> bool {
        matches!(&self.0, Kind::Cookie(name) if **name == *wanted)
    }

    /// Returns the name of the location in errors.
    fn location(&self) -> &'static str {
        match self.0 {
            Kind::Bearer => bearer::LOCATION,
            Kind::Cookie(_) => cookie::LOCATION,
            Kind::Header(_) => FIELD,
            Kind::Query(_) => query::LOCATION,
        }
    }

    /// Returns the value at this location, if there is one.
    fn find<'r, R: RequestView>(&self, request: &'r R) -> Result<Option<&'r [u8]>, RequestError> {
        match &self.0 {
            Kind::Bearer => bearer::find(request),
            Kind::Cookie(name) => find_cookie(request, name),
            Kind::Header(name) => single_field(request, name),
            Kind::Query(name) => query::find(request, name),
        }
    }
}

/// The value that a request presents as its token, and its source.
#[derive(Clone, Copy)]
pub(crate) struct Credential<'r, 's> {
    /// The value as received. A value that is not in the cache has to be [checked](Self::check).
    pub(crate) bytes: &'r [u8],
    pub(crate) source: &'s TokenSource,
}

impl Credential<'_, '_> {
    /// Checks the grammar that all issuers' tokens have:
    /// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`RequestError::NotAToken`] when the value does not match the grammar.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        if without_padding(self.bytes).is_empty() {
            return Err(self.fault());
        }
        self.check_rest(self.bytes)
    }

    /// Checks `rest`, when all bytes before it are already known to be symbols of a token.
    pub(crate) fn check_rest(&self, rest: &[u8]) -> Result<(), RequestError> {
        if are_b64token_symbols(without_padding(rest)) { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> RequestError {
        RequestError::NotAToken { location: self.source.location() }
    }
}

/// Finds the token of a request in all `sources`.
///
/// An explicit token in more than one location is malformed (RFC 6750 §2). A cookie is not explicit, because
/// the browser adds it. It counts only when the request has no explicit credential, and never replaces a
/// malformed one.
pub(crate) fn find<'r, 's, R: RequestView>(
    request: &'r R,
    sources: &'s [TokenSource],
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    let explicit = find_explicit(request, sources)?;
    if explicit.is_some() {
        return Ok(explicit);
    }
    find_among(request, sources.iter().filter(|source| source.is_ambient()))
}

/// Returns whether the request has an explicit credential, well-formed or not.
pub(crate) fn has_explicit_credential<R: RequestView>(request: &R, sources: &[TokenSource]) -> bool {
    !matches!(find_explicit(request, sources), Ok(None))
}

fn find_explicit<'r, 's, R: RequestView>(
    request: &'r R,
    sources: &'s [TokenSource],
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    find_among(request, sources.iter().filter(|source| !source.is_ambient()))
}

fn find_among<'r, 's, R: RequestView>(
    request: &'r R,
    sources: impl Iterator<Item = &'s TokenSource>,
) -> Result<Option<Credential<'r, 's>>, RequestError> {
    let mut found = None;
    for source in sources {
        let Some(bytes) = source.find(request)? else { continue };
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

fn without_padding(bytes: &[u8]) -> &[u8] {
    if bytes.last() != Some(&b'=') {
        return bytes;
    }
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    bytes.get(..bytes.len().saturating_sub(padding)).unwrap_or_default()
}

/// Checks sixteen bytes at a time. The last chunk overlaps the one before it.
fn are_b64token_symbols(bytes: &[u8]) -> bool {
    let (sixteens, rest) = bytes.as_chunks::<16>();
    let Some(last) = bytes.last_chunk() else {
        return rest.iter().all(|byte| is_b64token_symbol(*byte));
    };
    let mut others = [false; 16];
    for sixteen in sixteens.iter().chain([last]) {
        for (other, byte) in others.iter_mut().zip(sixteen) {
            *other |= !is_b64token_symbol(*byte);
        }
    }
    others == [false; 16]
}

#[cfg(test)]
mod tests;
