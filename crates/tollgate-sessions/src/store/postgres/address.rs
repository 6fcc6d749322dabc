//! [`Address`]: the parsed URL of a server.
//!
//! `tokio_postgres::Config` reads the URL, except for `sslmode` and `sslrootcert`. Its `sslmode=prefer` falls back to
//! plain text, which this store never does.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Tls;
use super::{CALL_TIMEOUT, StoreError, StoreErrorKind};

/// The hosts of the server, the login, and how to connect.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

impl Address {
    /// Parses `postgres://user:password@host:port/database?option=value`. It does not use the network.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        // A question mark before the host is part of the password.
        let host = url.find('@').unwrap_or(0);
        let question = url.get(host..).and_then(|rest| rest.find('?')).and_then(|at| at.checked_add(host));
        let (base, query) = question.and_then(|at| url.split_at_checked(at)).unwrap_or((url, ""));
        let query = query.trim_start_matches('?');
        let mut others = Vec::new();
        let (mut mode, mut authorities) = (None, None);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(Mode::parse(value)?),
                Some(("sslrootcert", value)) => authorities = Some(certificates(value)?),
                _ => others.push(option),
            }
        }
        let url = format!("{base}?{}", others.join("&"));
        // The cause may quote the URL, and with it a part of the password.
        let mut config: Config = url.parse().map_err(|_cause| misconfigured(FORM))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(misconfigured("the URL names no host"));
        }
        config.ssl_mode(match mode.unwrap_or_else(|| Mode::default_for(&config)) {
            Mode::Disable => SslMode::Disable,
            Mode::Verify => SslMode::Require,
        });
        set_defaults(&mut config);
        Ok(Self { config, tls: Tls::new(authorities.as_deref())? })
    }
}

/// Sets what the URL does not set.
fn set_defaults(config: &mut Config) {
    // Of several hosts, connect to the one that takes writes, also after a failover.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("tollgate");
    }
    // An equal share of the time for each host, and one for the statement.
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    let parts = u32::try_from(hosts).unwrap_or(u32::MAX).saturating_add(1);
    let share = CALL_TIMEOUT.checked_div(parts).unwrap_or(CALL_TIMEOUT);
    config.connect_timeout(config.get_connect_timeout().map_or(share, |wanted| share.min(*wanted)));
    // Detects a peer that has vanished, also on the connection that only listens.
    config
        .tcp_user_timeout(PEER_TIMEOUT)
        .keepalives_idle(PEER_TIMEOUT)
        .keepalives_interval(KEEPALIVE_INTERVAL);
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The connection is plain text.
    Disable,
    /// The connection is TLS, and the certificate is verified.
    Verify,
}

impl Mode {
    fn parse(value: &str) -> Result<Self, StoreError> {
        match value {
            "disable" => Ok(Self::Disable),
            "require" | "verify-full" => Ok(Self::Verify),
            _ => Err(misconfigured("`sslmode` must be `disable`, `require` or `verify-full`")),
        }
    }

    /// Returns the mode for a URL without `sslmode`. Connections within one machine need no TLS.
    fn default_for(config: &Config) -> Self {
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        let all_local =
            config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        if all_local { Self::Disable } else { Self::Verify }
    }
}

/// Reads the PEM file of the authorities to trust.
fn certificates(path: &str) -> Result<Vec<u8>, StoreError> {
    let path = percent_decode_str(path).decode_utf8_lossy();
    fs::read(&*path)
        .map_err(|error| misconfigured("the file of `sslrootcert` cannot be read").with_source(error))
}

/// Shows neither user, password nor options.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("hosts", &self.config.get_hosts())
            .field("ports", &self.config.get_ports())
            .field("database", &self.config.get_dbname())
            .field("ssl_mode", &self.config.get_ssl_mode())
            .finish_non_exhaustive()
    }
}

fn misconfigured(message: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Misconfigured, message)
}

const FORM: &str =
    "the URL is not of the form postgres://user:password@host:port/database?option=value, percent-encoded";
/// How long the peer may be silent.
const PEER_TIMEOUT: Duration = Duration::from_secs(15);
/// The interval of TCP keepalive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Address::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn address_requires_tls_unless_local_or_disabled() {
        for url in [
            "postgres://u@db.example/d",
            "postgresql://u@10.0.0.1/d",
            "postgres://u@db.example/d?sslmode=require",
            "postgres://u@localhost/d?sslmode=verify-full",
            "postgres://u@localhost,db.example/d",
            "postgres://u:a?b=c@localhost/d?sslmode=require",
        ] {
            assert_eq!(mode(url), SslMode::Require, "{url}");
        }
        for url in [
            "postgres://u@db.example/d?sslmode=disable",
            "postgres://u@localhost/d",
            "postgres://u@[::1]:5433/d?connect_timeout=3",
            "postgres://u@127.0.0.9/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
        ] {
            assert_eq!(mode(url), SslMode::Disable, "{url}");
        }
    }

    #[test]
    fn parse_rejects_bad_urls_without_quoting_them() {
        for (url, named) in [
            ("postgres://u:hunter2@h/d?sslmode=prefer", "sslmode"),
            ("postgres://u:hunter2@h/d?sslmode=", "sslmode"),
            ("postgres://u:hunter2@h/d?sslrootcert=/nowhere/at/all.pem", "sslrootcert"),
            ("postgres://u:hunter2@h:x/d", "form"),
            ("postgres:///d?user=hunter2", "host"),
            ("postgres:", "form"),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{url}");
            let text = format!("{error} {error:?}");
            assert!(text.contains(named) && !text.contains("hunter2"), "{url}: {text}");
        }
    }

    #[test]
    fn address_debug_output_hides_the_password() {
        let address =
            Address::parse("postgres://u:hunter2@h/d?options=-c%20a.b%3Dhunter2&sslmode=disable").unwrap();
        assert!(!format!("{address:?}").contains("hunter2"));
    }
}
