//! [`ClientAddress`]: the address of a client behind a proxy.

use std::net::IpAddr;

/// The address of the client, as a request extension. Set it in a middleware of the application that knows
/// which proxies to trust, and which header they set.
///
/// Without this extension, adapters use the address of the connection. Behind a proxy, that is the address of
/// the proxy, and all clients are throttled as one. The endpoints never read `X-Forwarded-For`, as any client
/// can send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "applications construct it")]
pub struct ClientAddress(pub IpAddr);
