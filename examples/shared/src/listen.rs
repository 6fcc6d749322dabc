//! [`listen`]: the address of the application.

use std::net::{SocketAddr, TcpListener};

use crate::environment::{self as env, SettingsError, invalid};

/// Binds the address of the environment. The port 0 selects a free port.
///
/// An application listens before it reads its other settings, as their defaults contain the address: the origin under
/// which clients reach it, its issuer, and its resource identifier.
///
/// # Errors
/// [`SettingsError`] names the variable and what is wrong with it.
pub fn listen() -> Result<TcpListener, SettingsError> {
    env::check_names()?;
    let text = env::text(ADDR, "127.0.0.1:3000")?;
    let addr: SocketAddr = text
        .parse()
        .map_err(|_cause| invalid(ADDR, "is not an IP address with a port, such as 127.0.0.1:3000"))?;
    let listener = TcpListener::bind(addr).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| SettingsError::Listen { addr, source })
}

/// Returns the address of a listener, with the port that it was bound to.
pub(crate) fn bound(listener: &TcpListener) -> Result<SocketAddr, SettingsError> {
    listener.local_addr().map_err(|error| invalid(ADDR, error.to_string()))
}

const ADDR: &str = "TOLLGATE_ADDR";
