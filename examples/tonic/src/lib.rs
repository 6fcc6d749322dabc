//! A gRPC service on tonic: [`ItemsService`], the generated code in [`proto`], and [`address`].

use std::env;
use std::net::SocketAddr;

pub mod proto;
mod service;

pub use service::ItemsService;

/// Returns the address in `TOLLGATE_ADDR`, on which the server listens and to which the client connects. The default
/// is `127.0.0.1:50051`.
///
/// # Errors
/// The message to print when the variable holds something else than an IP address with a port.
pub fn address() -> Result<SocketAddr, String> {
    let text = env::var("TOLLGATE_ADDR").unwrap_or_else(|_unset| "127.0.0.1:50051".to_owned());
    text.parse().map_err(|_cause| format!("TOLLGATE_ADDR: `{text}` is not an IP address with a port"))
}
