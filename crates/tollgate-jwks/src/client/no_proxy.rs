//! [`NoProxy`]: the hosts that are reached without a proxy, as in the variable `NO_PROXY`.

use std::net::IpAddr;

/// A list of hosts, by the rules that curl documents. A name stands for itself and its subdomains, an address for
/// itself, an address with a prefix length for a network, and `*` for every host.
#[derive(Clone, Debug, Default)]
pub(super) struct NoProxy {
    every: bool,
    /// Names in lower case, without a dot at either end.
    names: Vec<Box<str>>,
    networks: Vec<Network>,
}

#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl NoProxy {
    /// Parses entries with commas or blanks between them. Entries that curl does not understand either, such as
    /// `*.example`, are logged and have no effect: the variable is shared with other programs.
    pub(super) fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for entry in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                list.every = true;
            } else if let Some(network) = Network::parse(entry) {
                list.networks.push(network);
            } else if entry
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            {
                list.names.push(entry.trim_matches('.').to_ascii_lowercase().into());
            } else {
                tracing::warn!(entry, "NO_PROXY: neither a host name nor an address; it has no effect");
            }
        }
        list
    }

    pub(super) fn has_name(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_in = |name: &str| {
            let rest = if name.is_empty() { None } else { host.strip_suffix(name) };
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.every || self.names.iter().any(|name| is_in(name))
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.every || self.networks.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(left, right)| (left, Some(right)));
        let address = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
        (prefix_bits <= longest).then_some(Self { address, prefix_bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (differing, bits) = match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits() ^ other.to_bits()), 32_u32),
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
            _ => return false,
        };
        // A shift by all 128 bits has no result, and leaves no differing bits.
        differing.checked_shr(bits.saturating_sub(self.prefix_bits)).unwrap_or_default() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_their_subdomains() {
        let list = NoProxy::parse("issuer.example, .Internal corp.example.,*.wild.example,keycloak:8080,");
        for (host, is_in) in [
            ("issuer.example", true),
            ("ISSUER.example.", true),
            ("a.b.issuer.example", true),
            ("evilissuer.example", false),
            ("issuer.example.evil", false),
            ("internal", true),
            ("a.internal", true),
            ("corp.example", true),
            ("a.wild.example", false),
            ("keycloak", false),
            ("example", false),
        ] {
            assert_eq!(list.has_name(host), is_in, "{host}");
        }
        assert!(!NoProxy::parse(".").has_name("issuer.example"));
    }

    #[test]
    fn networks_contain_addresses() {
        let has = |list: &str, address: &str| NoProxy::parse(list).has_address(address.parse().unwrap());
        assert!(has("10.0.0.7", "10.0.0.7") && !has("10.0.0.7", "10.0.0.8"));
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("192.168.1.128/25", "192.168.1.129") && !has("192.168.1.128/25", "192.168.1.127"));
        assert!(has("0.0.0.0/0", "1.2.3.4") && !has("0.0.0.0/0", "::1"));
        assert!(has("::/0", "fd00::1") && has("[fd00::1]", "fd00::1"));
        assert!(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe00::1"));
        assert!(!has("10.0.0.0/33", "10.0.0.0") && !has("10.0.0.0/x", "10.0.0.0"));
        assert!(has("*", "10.0.0.1") && !has("example", "10.0.0.1"));
    }
}
