//! [`ClientAddress`]: the address of a client, if the application determines it.

use std::net::IpAddr;

use tollgate::TrustedProxies;
use tollgate::adapter::RequestView;

/// The address of the client, as a request extension. Set it in a middleware of an application that determines the
/// address itself.
///
/// Without this extension, adapters use the address of the connection. Behind a proxy, that is the address of the
/// proxy, and all clients would be throttled as one: name the proxies with
/// [`with_trusted_proxies`](super::SessionEndpoints::with_trusted_proxies). The endpoints read no header for the
/// address unless that setting names it, as any client can send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "applications construct it")]
pub struct ClientAddress(pub IpAddr);

/// The addresses of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// The address of the connection, if the adapter knows it.
    pub(super) peer: Option<IpAddr>,
    /// The address of the client, as trusted proxies or the application name it. Without either, it is the peer.
    pub(super) client: Option<IpAddr>,
}

impl Addresses {
    pub(super) fn of<R: RequestView>(
        request: &R,
        peer: Option<IpAddr>,
        proxies: Option<&TrustedProxies>,
    ) -> Self {
        let client = match (peer, proxies) {
            (Some(peer), Some(proxies)) => Some(proxies.client_address(request, peer)),
            _ => peer,
        };
        Self { peer, client }
    }

    /// Returns whether all addresses that are known are loopback addresses.
    pub(super) fn are_loopback(self) -> bool {
        [self.peer, self.client].into_iter().flatten().all(|address| address.to_canonical().is_loopback())
    }
}
