//! [`RegistrationMode`], and the checks of paths and hosts.

use std::net::{IpAddr, SocketAddr};

use tollgate::adapter::RequestView;

use super::address::Addresses;

/// Whether clients can register accounts, and what they learn about login names that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistrationMode {
    /// Clients cannot register: the path is not served.
    Disabled,
    /// Any client can register. A client that asks for a taken login name gets the same answer as for a free
    /// one; the application tells the owner by mail.
    ///
    /// # Security
    /// An attacker who then tries to log in with the chosen password learns whether the name was free. Only
    /// accounts that have to be confirmed by mail hide that.
    HideExisting,
    /// Any client can register, and gets 409 when the login name is taken.
    ///
    /// # Security
    /// Any client can find out which login names have an account.
    RevealExisting,
}

/// Returns whether `path` is absolute, and free of characters with a meaning in cookies or routers.
pub(super) fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(plain)
}

/// Returns whether the host of the request is loopback, and so are the addresses of the connection and of the client,
/// as far as they are known.
pub(super) fn is_on_loopback<R: RequestView>(request: &R, addresses: Addresses) -> bool {
    let host = match request.authority() {
        Some(authority) => authority.as_bytes(),
        None => request.header_values("host").next().unwrap_or_default(),
    };
    addresses.are_loopback() && std::str::from_utf8(host).is_ok_and(names_loopback)
}

fn names_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.split(':').next().unwrap_or_default();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    name == "localhost"
        || literal.unwrap_or(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::testing::FakeRequest;

    #[test]
    fn loopback_needs_a_loopback_host_and_a_loopback_peer() {
        let on_loopback = |host: &str, peer: Option<&str>| {
            let request = FakeRequest::new("POST", "/").header("host", host);
            let address = peer.map(|peer| peer.parse().unwrap());
            let at = |peer, client| is_on_loopback(&request, Addresses { peer, client });
            let verdict = at(address, address);
            if address.is_some() {
                let loopback = Some(IpAddr::from([127, 0, 0, 1]));
                assert_eq!((at(address, loopback), at(loopback, address)), (verdict, verdict), "{host}");
            }
            verdict
        };
        for host in
            ["localhost", "localhost:3000", "127.0.0.1", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:8080"]
        {
            assert!(on_loopback(host, None), "{host}");
            assert!(
                on_loopback(host, Some("127.0.0.1")) && on_loopback(host, Some("::ffff:127.0.0.1")),
                "{host}"
            );
            assert!(!on_loopback(host, Some("192.0.2.1")), "{host}");
        }
        for host in
            ["", "localhost.example", "example", "127.0.0.1.example", "192.0.2.1", "[::2]", "0.0.0.0", "[::1"]
        {
            assert!(!on_loopback(host, Some("127.0.0.1")), "{host}");
        }
        assert!(!is_on_loopback(&FakeRequest::new("POST", "/"), Addresses { peer: None, client: None }));
    }
}
