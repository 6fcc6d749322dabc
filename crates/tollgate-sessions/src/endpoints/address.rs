//! [`ClientAddress`]: who a request comes from, where the connection does not tell.

use std::net::IpAddr;

/// The address of the client, in the extensions of a request: put there by something of the application that knows which
/// proxy in front of it can be believed, and what that one says.
///
/// Without it adapters take the address of the connection. Behind a proxy that is the proxy, and all clients together
/// are throttled as one. `X-Forwarded-For` is never read here: anyone can send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "applications make it")]
pub struct ClientAddress(pub IpAddr);
