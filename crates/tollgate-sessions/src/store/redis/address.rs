//! [`Address`]: the parsed URL of a server, and the TLS configuration for it.

use std::fmt;
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::{StoreError, StoreErrorKind};

/// The server, and the login of the store.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    /// The name and password of the user, and the number of the database.
    pub(super) login: RedisConnectionInfo,
}

/// The TLS configuration, and the name that the certificate must have.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) name: ServerName<'static>,
    pub(super) config: Arc<ClientConfig>,
    roots: RootCertStore,
}

impl Address {
    /// Parses `redis://user:password@host:port/database`. The scheme may also be `valkey`, or `rediss` and
    /// `valkeys` for TLS.
    ///
    /// Errors do not quote the URL, which may contain a password.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let misconfigured = |message: &str| StoreError::new(StoreErrorKind::Misconfigured, message);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| misconfigured(EXPECTED))?;
        let encrypted = match scheme {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(misconfigured(EXPECTED)),
        };
        if rest.contains('#') {
            return Err(misconfigured("the URL has a fragment; TLS without verification is not supported"));
        }
        // This crate sets up TLS, not the client library.
        let info =
            format!("redis://{rest}").into_connection_info().map_err(|_cause| misconfigured(EXPECTED))?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(misconfigured(EXPECTED)) };
        let tls = if encrypted { Some(Tls::new(host, public_authorities())?) } else { None };
        Ok(Self { host: host.as_str().into(), port: *port, tls, login: info.redis_settings().clone() })
    }

    /// Also trusts the authorities in a PEM text.
    pub(super) fn with_authorities(mut self, pem: &[u8]) -> Result<Self, StoreError> {
        let invalid = || {
            let message = "expected PEM certificates of authorities, and a URL with TLS";
            StoreError::new(StoreErrorKind::Misconfigured, message)
        };
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_cause| invalid())?;
        let Some(tls) = self.tls.take().filter(|_| !certificates.is_empty()) else { return Err(invalid()) };
        let mut roots = tls.roots;
        for certificate in certificates {
            roots.add(certificate).map_err(|error| invalid().with_source(error))?;
        }
        self.tls = Some(Tls::new(&self.host, roots)?);
        Ok(self)
    }
}

impl Tls {
    fn new(host: &str, roots: RootCertStore) -> Result<Self, StoreError> {
        let failed = |error: &dyn fmt::Display| {
            StoreError::new(StoreErrorKind::Misconfigured, format!("TLS to {host} cannot be set up: {error}"))
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        Ok(Self { name, config: Arc::new(config), roots })
    }
}

/// Shows neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        write!(f, "{scheme}://{}:{}/{}", self.host, self.port, self.login.db())
    }
}

fn public_authorities() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

const EXPECTED: &str = "the URL must be `redis://host:port/database`, or `rediss:` for TLS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_urls_of_redis_and_valkey() {
        for (url, shown) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
            ("valkey://u:hunter2@cache.example:7000/3", "redis://cache.example:7000/3"),
            ("rediss://:hunter2@cache.example", "rediss://cache.example:6379/0"),
            ("redis://[::1]:6380", "redis://::1:6380/0"),
        ] {
            assert_eq!(Address::parse(url).unwrap().to_string(), shown);
        }
        let address = Address::parse("valkeys://u:p%40ss@h").unwrap();
        assert_eq!((address.login.username(), address.login.password()), (Some("u"), Some("p@ss")));
    }

    #[test]
    fn parse_rejects_bad_urls_without_quoting_them() {
        for url in [
            "",
            "redis:",
            "redis:hunter2",
            "redis://",
            "redis://u:hunter2@",
            "redis://u:hunter2@h:port",
            "redis://u:hunter2@h/db",
            "rediss://u:hunter2@h/#insecure",
            "http://u:hunter2@h",
        ] {
            let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url}"));
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
