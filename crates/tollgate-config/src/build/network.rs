//! [`Network`]: how an issuer is reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tollgate_jwks::{HttpClient, PemKeySetBuilder, RemoteKeySetBuilder};

use super::at::At;
use super::files::Files;
use super::keys;
use crate::error::DocumentError;
use crate::settings::network::{HeaderSource, NetworkTable};
use crate::settings::units::Secret;

/// The settings of `[issuers.network]`, with the contents of the files and variables that they name. Files with values
/// of header fields are read for each fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    insecure_loopback: bool,
    insecure_http_to: Vec<Box<str>>,
    headers: Vec<Header>,
    content_types: Vec<Box<str>>,
    client: ClientSettings,
}

/// The settings of the HTTPS client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ClientSettings {
    /// Root certificates in PEM.
    authorities: Option<Vec<u8>>,
    only_own_authorities: bool,
    proxy: Option<Proxy>,
    connect_timeout: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proxy {
    /// A URL, which can contain a password, and the member that names it.
    Url(Secret, &'static str),
    Environment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    name: Box<str>,
    prefix: Box<str>,
    value: HeaderValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HeaderValue {
    File(PathBuf),
    Text(Secret),
}

/// Reads the files and variables that the table names.
pub(crate) fn resolve(at: &At<'_>, table: &NetworkTable, files: &Files) -> Result<Network, DocumentError> {
    let mut headers = Vec::new();
    for (name, setting) in &table.request_headers {
        let value = match &setting.source {
            HeaderSource::File(path) => HeaderValue::File(files.path(path)),
            HeaderSource::Variable(variable) => {
                let at = at.member("request_headers").member(name).member("env");
                HeaderValue::Text(text(&at, &keys::variable(&at, variable)?)?)
            }
        };
        headers.push(Header { name: name.clone(), prefix: setting.prefix.clone(), value });
    }
    let authorities = table.authorities_file.as_ref();
    let authorities =
        authorities.map(|path| files.public(&at.member("authorities_file"), path)).transpose()?;
    if table.only_own_authorities.is_some() && authorities.is_none() {
        let at = at.member("only_own_authorities");
        return Err(at.wrong("leaves no authority that is trusted", "add `authorities_file`"));
    }
    Ok(Network {
        insecure_loopback: table.insecure_loopback.is_some(),
        insecure_http_to: table.insecure_http_to.clone(),
        headers,
        content_types: table.tolerate_content_types.clone(),
        client: ClientSettings {
            authorities,
            only_own_authorities: table.only_own_authorities.is_some(),
            proxy: proxy(at, table, files)?,
            connect_timeout: table.connect_timeout.map(|timeout| timeout.0),
        },
    })
}

fn proxy(at: &At<'_>, table: &NetworkTable, files: &Files) -> Result<Option<Proxy>, DocumentError> {
    let given = [
        ("proxy", table.proxy.is_some()),
        ("proxy_file", table.proxy_file.is_some()),
        ("proxy_env", table.proxy_env.is_some()),
        ("proxy_from_environment", table.proxy_from_environment.is_some()),
    ];
    let mut given = given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name));
    let (Some(name), second) = (given.next(), given.next()) else { return Ok(None) };
    if let Some(second) = second {
        return Err(at.both(name, second));
    }
    let at = at.member(name);
    let url = match (&table.proxy, &table.proxy_file, &table.proxy_env) {
        (Some(url), ..) if has_password(url) => {
            return Err(at.wrong(
                "contains a password, which must not be in the document",
                "write the URL into a file for `proxy_file`, or a variable for `proxy_env`",
            ));
        }
        (Some(url), ..) => Secret::new(String::from(&**url)),
        (_, Some(path), _) => text(&at, &files.secret(&at, path)?)?,
        (.., Some(variable)) => text(&at, &keys::variable(&at, variable)?)?,
        _ => return Ok(Some(Proxy::Environment)),
    };
    Ok(Some(Proxy::Url(url, name)))
}

/// Returns whether the URL has a password before its host.
pub(crate) fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn text(at: &At<'_>, bytes: &[u8]) -> Result<Secret, DocumentError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(error) => Err(at.failed(error, "write text")),
    }
}

impl Network {
    /// Returns the hosts that may be reached over plain http.
    pub(crate) fn insecure_http_to(&self) -> &[Box<str>] {
        &self.insecure_http_to
    }

    /// Applies the settings to the key set.
    pub(crate) fn apply(
        &self,
        at: &At<'_>,
        mut builder: RemoteKeySetBuilder,
    ) -> Result<RemoteKeySetBuilder, DocumentError> {
        if self.insecure_loopback {
            builder = builder.with_insecure_loopback();
        }
        builder = builder.with_insecure_http_to(&self.insecure_http_to);
        for Header { name, prefix, value } in &self.headers {
            builder = match value {
                HeaderValue::File(path) => {
                    builder.with_request_header_from_file(name, String::from(&**prefix), path)
                }
                HeaderValue::Text(value) => {
                    builder.with_request_header(name, format!("{prefix}{}", value.expose()))
                }
            };
        }
        for content_type in &self.content_types {
            builder = builder.tolerate_content_type(content_type);
        }
        Ok(match self.client.build(at)? {
            Some(client) => builder.with_client(client),
            None => builder,
        })
    }

    /// Applies the settings to keys that are published one by one, which have fewer settings.
    pub(crate) fn apply_to_pem(
        &self,
        at: &At<'_>,
        mut builder: PemKeySetBuilder,
    ) -> Result<PemKeySetBuilder, DocumentError> {
        let unused = [
            ("request_headers", self.headers.is_empty()),
            ("tolerate_content_types", self.content_types.is_empty()),
        ];
        if let Some((member, _)) = unused.into_iter().find(|(_, is_empty)| !is_empty) {
            return Err(at.member(member).wrong("applies to JWK Sets alone", "remove it"));
        }
        if self.insecure_loopback {
            builder = builder.with_insecure_loopback();
        }
        builder = builder.with_insecure_http_to(&self.insecure_http_to);
        Ok(match self.client.build(at)? {
            Some(client) => builder.with_client(client),
            None => builder,
        })
    }
}

impl ClientSettings {
    /// Returns the client, or `None` if the default client has these settings.
    fn build(&self, at: &At<'_>) -> Result<Option<Arc<dyn HttpClient>>, DocumentError> {
        if *self == Self::default() { Ok(None) } else { self.client(at).map(Some) }
    }
}

#[cfg(not(feature = "client"))]
impl ClientSettings {
    fn client(&self, at: &At<'_>) -> Result<Arc<dyn HttpClient>, DocumentError> {
        Err(at.wrong("needs the feature `client` of tollgate-config", "enable it"))
    }
}

#[cfg(feature = "client")]
impl ClientSettings {
    fn client(&self, at: &At<'_>) -> Result<Arc<dyn HttpClient>, DocumentError> {
        let mut client = tollgate_jwks::HttpsClient::builder();
        if self.only_own_authorities {
            client = client.without_public_authorities();
        }
        if let Some(pem) = &self.authorities {
            let changed = client.with_authorities(pem);
            client = changed.map_err(|error| at.member("authorities_file").failed(error, "write PEM"))?;
        }
        client = match &self.proxy {
            None => client,
            Some(Proxy::Url(url, member)) => client
                .with_proxy(url.expose())
                .map_err(|error| at.member(member).failed(error, "write a URL such as http://proxy:3128"))?,
            Some(Proxy::Environment) => client
                .with_proxy_from_environment()
                .map_err(|error| at.member("proxy_from_environment").failed(error, "correct the variable"))?,
        };
        if let Some(timeout) = self.connect_timeout {
            client = client.with_connect_timeout(timeout);
        }
        let client = client.build().map_err(|error| at.failed(error, ""))?;
        Ok(Arc::new(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_found() {
        for (url, expected) in [
            ("http://proxy:3128", false),
            ("http://user@proxy:3128", false),
            ("http://user:secret@proxy:3128/", true),
            ("http://user:p@ss@proxy", true),
            ("redis://:secret@cache/0", true),
            ("sqlite:a@b:c", false),
            ("http://proxy/a:b@c", false),
        ] {
            assert_eq!(has_password(url), expected, "{url}");
        }
    }
}
