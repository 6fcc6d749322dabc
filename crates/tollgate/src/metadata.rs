//! [`ResourceMetadata`]: the protected resource metadata of RFC 9728.

use serde::Serialize;

use crate::error::ConfigError;
use crate::grammar::is_quotable;

/// The metadata of this API (RFC 9728 §2): the issuers that it trusts, and how clients present tokens.
///
/// Give it to the gate so that challenges point to it, and serve [`to_json`](Self::to_json) as `application/json`
/// at [`path`](Self::path), without authentication.
///
/// ```
/// use tollgate::ResourceMetadata;
///
/// let metadata = ResourceMetadata::new("https://api.example/v1")?
///     .with_authorization_server("https://issuer.example")
///     .with_scopes(["read:items", "write:items"]);
/// assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/v1");
/// # Ok::<(), tollgate::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceMetadata {
    resource: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bearer_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<Box<str>>,
    /// The URL and the path of the document.
    #[serde(skip)]
    url: Box<str>,
    #[serde(skip)]
    path: Box<str>,
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl ResourceMetadata {
    /// Creates the metadata of the resource with this identifier, an absolute https URL without a fragment (RFC
    /// 9728 §1.2). Plain http is accepted for loopback addresses, for demos and tests.
    ///
    /// # Errors
    /// [`ConfigError::Resource`] for anything else.
    pub fn new(resource: &str) -> Result<Self, ConfigError> {
        let (url, path) =
            well_known(resource).ok_or_else(|| ConfigError::Resource { url: resource.into() })?;
        Ok(Self {
            resource: resource.into(),
            authorization_servers: Vec::new(),
            scopes_supported: Vec::new(),
            bearer_methods_supported: vec!["header"],
            resource_name: None,
            url: url.into(),
            path: path.into(),
        })
    }

    /// Adds an issuer whose tokens the API accepts.
    #[must_use]
    pub fn with_authorization_server(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Adds scopes that policies require.
    #[must_use]
    pub fn with_scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes_supported.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Sets the name of the API to display to users, `resource_name`.
    #[must_use]
    pub fn with_name(self, name: impl Into<Box<str>>) -> Self {
        Self { resource_name: Some(name.into()), ..self }
    }

    /// Returns the path at which to serve the document (RFC 9728 §3.1): the well-known part, then the path of
    /// the resource.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URL of the document.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the document as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and arrays of strings always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the URL and the path of the metadata of `resource`.
fn well_known(resource: &str) -> Option<(String, String)> {
    let (https, rest) = match resource.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, resource.strip_prefix("http://")?),
    };
    if !rest.bytes().all(|byte| is_quotable(byte) && byte != b' ' && byte != b'#') {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end)?;
    if authority.is_empty() || authority.contains('@') || !(https || is_loopback(authority)) {
        return None;
    }
    let (path, query) = target.find('?').and_then(|at| target.split_at_checked(at)).unwrap_or((target, ""));
    // RFC 9728 §3.1 first removes "any terminating slash following the host".
    let path = format!("{WELL_KNOWN}{}", if path == "/" { "" } else { path });
    let scheme = if https { "https" } else { "http" };
    Some((format!("{scheme}://{authority}{path}{query}"), path))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if port.is_empty() || port.starts_with(':') => host,
            _ => return false,
        },
        None => authority.split(':').next().unwrap_or_default(),
    };
    // Names below `localhost` are loopback names too (RFC 6761 §6.3).
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_part_is_inserted_before_the_path() {
        for (resource, url) in [
            ("https://h", "https://h/.well-known/oauth-protected-resource"),
            ("https://h/", "https://h/.well-known/oauth-protected-resource"),
            ("https://h/a/b", "https://h/.well-known/oauth-protected-resource/a/b"),
            ("https://h:8443/a?x=1", "https://h:8443/.well-known/oauth-protected-resource/a?x=1"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/.well-known/oauth-protected-resource"),
            ("http://[::1]:3000", "http://[::1]:3000/.well-known/oauth-protected-resource"),
            ("http://localhost", "http://localhost/.well-known/oauth-protected-resource"),
            ("http://app.localhost:1", "http://app.localhost:1/.well-known/oauth-protected-resource"),
        ] {
            assert_eq!(ResourceMetadata::new(resource).unwrap().url(), url);
        }
    }

    #[test]
    fn invalid_resource_identifiers_are_rejected() {
        for bad in [
            "",
            "h",
            "/a",
            "ftp://h",
            "https://",
            "https:///a",
            "https://h#f",
            "https://h/a#",
            "http://h",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://evil-localhost",
            "http://[::1].evil.example",
            "http://[::1",
            "https://u@h",
            "https://h/a b",
            "https://h/\"",
            "https://h/\r\n",
            "https://ä",
        ] {
            assert!(ResourceMetadata::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn empty_arrays_are_omitted() {
        let metadata = ResourceMetadata::new("https://h").unwrap();
        assert_eq!(metadata.to_json(), r#"{"resource":"https://h","bearer_methods_supported":["header"]}"#);
        let metadata = metadata.with_authorization_server("https://i").with_scopes(["a"]).with_name("n");
        assert_eq!(
            metadata.to_json(),
            r#"{"resource":"https://h","authorization_servers":["https://i"],"scopes_supported":["a"],"bearer_methods_supported":["header"],"resource_name":"n"}"#
        );
    }
}
