//! [`TrustedProxies`]: which proxies may name the address of a client, and how they name it.

mod elements;
mod network;

use std::net::IpAddr;

use crate::error::ConfigError;
use crate::request::RequestView;
use elements::{Element, Elements, Syntax};
use network::Network;

/// The proxies in front of an application, and the header field in which they name the client.
///
/// Behind a proxy, the address of the connection is that of the proxy. Any client can send `Forwarded` or
/// `X-Forwarded-For`, so only the elements that known proxies append to the field are usable. Name these proxies by
/// their networks, or by their number:
///
/// ```
/// use tollgate::{ForwardedHeader, TrustedProxies};
///
/// # fn main() -> Result<(), tollgate::ConfigError> {
/// let proxies = TrustedProxies::networks(ForwardedHeader::XForwardedFor, ["10.0.7.0/29", "2001:db8:1::7"])?;
/// let load_balancer = TrustedProxies::hops(ForwardedHeader::Forwarded, 1)?;
/// # let _ = (proxies, load_balancer);
/// # Ok(()) }
/// ```
///
/// There is no default: without this setting, the address of a client is that of its connection.
///
/// # Security
/// - Name the field that your proxies write, and configure them to append to it or to replace it. A proxy that passes
///   the field on unchanged lets each client choose its address.
/// - With [`networks`](Self::networks), the field is ignored unless the connection comes from one of the networks. Name
///   networks that hold proxies and nothing else: any other host in them can choose its address. With
///   [`hops`](Self::hops), no address is checked: make sure that clients cannot reach the application past its proxies.
/// - The work for a request is bounded: only the last 64 lines and the last 8 KiB of the field are read. These bytes
///   are next to the application, and come from its proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies {
    header: ForwardedHeader,
    trust: Trust,
}

/// The header field in which proxies name the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded` (RFC 7239), of which the parameter `for` is read.
    Forwarded,
    /// `X-Forwarded-For`: a list of addresses, with or without ports. An IPv6 address may be in brackets.
    XForwardedFor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trust {
    Networks(Box<[Network]>),
    Hops(usize),
}

impl TrustedProxies {
    /// The largest number of proxies for [`hops`](Self::hops).
    pub const MAX_HOPS: usize = 16;

    /// Trusts the proxies in these networks, each an address with a prefix length (RFC 4632, RFC 4291 §2.3), as in
    /// `10.0.7.0/29`. An address without a length is a single host.
    ///
    /// # Errors
    /// - [`ConfigError::Network`] when a text is not a network, has bits set after the prefix, or has the length 0: a
    ///   network of all addresses would let each client choose its own.
    /// - [`ConfigError::Empty`] when there is none.
    pub fn networks<I>(header: ForwardedHeader, networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = networks.into_iter().map(|text| Network::parse(text.as_ref()));
        let networks: Box<[Network]> = networks.collect::<Result<_, _>>()?;
        if networks.is_empty() {
            return Err(ConfigError::Empty { what: "network of proxies" });
        }
        Ok(Self { header, trust: Trust::Networks(networks) })
    }

    /// Trusts a fixed number of proxies, of any address. The client is the element that the proxy farthest from the
    /// application appended: with `hops` proxies, the element at this place from the right.
    ///
    /// # Errors
    /// [`ConfigError::Hops`] unless `hops` is between 1 and [`MAX_HOPS`](Self::MAX_HOPS).
    pub fn hops(header: ForwardedHeader, hops: usize) -> Result<Self, ConfigError> {
        if hops == 0 || hops > Self::MAX_HOPS {
            return Err(ConfigError::Hops { hops });
        }
        Ok(Self { header, trust: Trust::Hops(hops) })
    }

    /// Returns the address of the client that sent `request` over a connection from `peer`. IPv4-mapped IPv6 addresses
    /// are returned as IPv4.
    ///
    /// The search starts at the peer and goes through the elements of the field from right to left:
    ///
    /// - With networks, the client is the first address in none of the networks. If all are in one of them, the client
    ///   is the leftmost.
    /// - With a number of hops, the client is the element at this place. With fewer elements, the request did not pass
    ///   all proxies, and the client is the peer.
    /// - An element that is empty, malformed, obfuscated (`_hidden`) or `unknown` ends the search. The client is then
    ///   the address to the right of it, which is that of the nearest proxy. Elements further left are never used,
    ///   because the client may have sent them.
    ///
    /// Adapters have a view of their request type: `tollgate_axum::HttpRequest`, `tollgate_tower::HttpRequest`,
    /// `tollgate_actix::ActixRequest`.
    #[must_use]
    pub fn client_address<R: RequestView>(&self, request: &R, peer: IpAddr) -> IpAddr {
        let peer = peer.to_canonical();
        let elements =
            || Elements::last_first(request.header_values(self.header.name()), self.header.syntax());
        match &self.trust {
            Trust::Networks(networks) => {
                if is_trusted(networks, peer) {
                    beyond(networks, peer, elements())
                } else {
                    peer
                }
            }
            Trust::Hops(hops) => element_at(*hops, peer, elements()),
        }
    }
}

impl ForwardedHeader {
    /// Returns the name of the field, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }

    const fn syntax(self) -> Syntax {
        match self {
            Self::Forwarded => Syntax::Forwarded,
            Self::XForwardedFor => Syntax::Addresses,
        }
    }
}

/// Returns the first address outside `networks`, or the last one before the elements end.
fn beyond(networks: &[Network], peer: IpAddr, elements: Elements<'_>) -> IpAddr {
    let mut nearest = peer;
    for element in elements {
        let Element::Address(address) = element else { break };
        nearest = address;
        if !is_trusted(networks, address) {
            break;
        }
    }
    nearest
}

/// Returns the address of the element at the place `hops` from the right, which starts at 1.
fn element_at(hops: usize, peer: IpAddr, mut elements: Elements<'_>) -> IpAddr {
    let mut nearest = peer;
    for _ in 0..hops {
        match elements.next() {
            Some(Element::Address(address)) => nearest = address,
            Some(Element::Unusable) => break,
            None => return peer,
        }
    }
    nearest
}

fn is_trusted(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests;
