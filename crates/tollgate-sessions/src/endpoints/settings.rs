//! [`Registration`], and where cookies for development are good.

use std::net::{IpAddr, SocketAddr};

use tollgate::adapter::RequestView;

/// Whether everybody can make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Registration {
    /// Nobody can: nothing is served at the path.
    Closed,
    /// Everybody can. Whoever asks for a login name that somebody has is answered as if it were free: tell its owner by mail.
    ///
    /// # Security
    /// Whoever then logs in with the password that they chose learns whether the name was free. Only an account that has
    /// to be confirmed by mail hides that.
    Discreet,
    /// Everybody can, and is told with 409 when somebody has the login name.
    ///
    /// # Security
    /// Anybody can find out who has an account.
    TellingTaken,
}

/// Whether it is an absolute path without anything that has a meaning in a cookie, or to a router.
pub(super) fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(plain)
}

/// Whether both ends are on this machine: the client, as far as it is known, and the host that it asked for.
pub(super) fn is_on_loopback<R: RequestView>(request: &R, peer: Option<IpAddr>) -> bool {
    let host = match request.authority() {
        Some(authority) => authority.as_bytes(),
        None => request.header_values("host").next().unwrap_or_default(),
    };
    peer.is_none_or(|peer| peer.to_canonical().is_loopback())
        && std::str::from_utf8(host).is_ok_and(names_loopback)
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
    fn loopback() {
        let on_loopback = |host: &str, peer: Option<&str>| {
            let request = FakeRequest::new("POST", "/").header("host", host);
            is_on_loopback(&request, peer.map(|peer| peer.parse().unwrap()))
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
        assert!(!is_on_loopback(&FakeRequest::new("POST", "/"), None));
    }
}
