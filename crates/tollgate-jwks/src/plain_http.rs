//! [`PlainHttp`]: the hosts to which plain `http` is allowed.

use std::net::IpAddr;

use url::{Host, Url};

/// The hosts to which plain `http` is allowed. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlainHttp {
    to_loopback: bool,
    hosts: Vec<Host>,
}

impl PlainHttp {
    /// Allows plain `http` to loopback addresses.
    pub(crate) fn allow_loopback(&mut self) {
        self.to_loopback = true;
    }

    /// Allows plain `http` to this host, on all its ports. Returns `None` if `text` is neither a host name nor an IP
    /// address.
    pub(crate) fn allow_host(&mut self, text: &str) -> Option<()> {
        self.hosts.push(host(text)?);
        Some(())
    }

    /// Returns whether `url`, which is a URL with the scheme `http`, may be fetched.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        (self.to_loopback && is_loopback(&host)) || self.hosts.iter().any(|allowed| *allowed == host)
    }
}

/// Parses an IP address, or a host name of letters, digits, hyphens, underscores and dots. The rules for URLs would
/// also take `*` for a name, and `127.1` for an address.
fn host(text: &str) -> Option<Host> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare.parse() {
        Ok(IpAddr::V4(address)) if bare == text => return Some(Host::Ipv4(address)),
        Ok(IpAddr::V6(address)) => return Some(Host::Ipv6(address)),
        _ => {}
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
    // A final dot makes a name absolute, so that it is not searched for in other domains.
    let is_name = text.strip_suffix('.').unwrap_or(text).split('.').all(is_label);
    match Host::parse(text).ok()? {
        Host::Domain(name) if is_name => Some(Host::Domain(name)),
        _ => None,
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(hosts: &[&str]) -> PlainHttp {
        let mut plain_http = PlainHttp::default();
        for host in hosts {
            plain_http.allow_host(host).unwrap();
        }
        plain_http
    }

    #[test]
    fn only_the_named_hosts_are_allowed() {
        let plain_http = to(&["Keycloak", "auth.svc.cluster.local", "10.0.0.7", "fd00::7"]);
        for (text, is_allowed) in [
            ("http://keycloak/", true),
            ("http://KEYCLOAK:8080/realms/a", true),
            ("http://keycloak:1/", true),
            ("http://auth.svc.cluster.local/", true),
            ("http://10.0.0.7:80/", true),
            ("http://[fd00:0::7]:8080/", true),
            // Parsers of URLs take the backslash for a slash.
            ("http://keycloak\\@evil.example/", true),
            ("http://keycloak.evil.example/", false),
            ("http://keycloak./", false),
            ("http://evil-keycloak/", false),
            ("http://evil.keycloak/", false),
            ("http://svc.cluster.local/", false),
            ("http://other.auth.svc.cluster.local/", false),
            ("http://keycloak@evil.example/", false),
            ("http://keycloak:8080@evil.example/", false),
            ("http://evil.example/keycloak", false),
            ("http://evil.example/#@keycloak", false),
            ("http://10.0.0.70/", false),
            ("http://[::ffff:10.0.0.7]/", false),
            ("http://127.0.0.1/", false),
            ("http://localhost/", false),
        ] {
            assert_eq!(plain_http.allows(&Url::parse(text).unwrap()), is_allowed, "{text}");
        }
    }

    #[test]
    fn loopback_is_allowed_by_its_own_setting() {
        let mut plain_http = PlainHttp::default();
        let url = Url::parse("http://localhost:3000/").unwrap();
        assert!(!plain_http.allows(&url));
        plain_http.allow_loopback();
        assert!(plain_http.allows(&url));
        assert!(!plain_http.allows(&Url::parse("http://keycloak/").unwrap()));
    }

    #[test]
    fn hosts_are_exact_names_or_addresses() {
        for bad in [
            "",
            "*",
            "*.example",
            ".",
            "a..b",
            "keycloak:8080",
            "http://keycloak",
            "keycloak/",
            "a@keycloak",
            "keycloak ",
            "key%63loak",
            "10.0.0.0/8",
            "127.1",
            "0x7f000001",
            "[10.0.0.7]",
            "[fd00::7]:80",
        ] {
            assert_eq!(PlainHttp::default().allow_host(bad), None, "{bad}");
        }
        assert_eq!(to(&["[fd00::7]"]), to(&["fd00::7"]));
        assert_eq!(to(&["127.0.0.1"]).hosts, [Host::<String>::Ipv4([127, 0, 0, 1].into())]);
    }
}
