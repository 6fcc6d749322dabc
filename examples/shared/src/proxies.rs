//! The trusted proxies from the environment.

use tollgate::{ForwardedHeader, TrustedProxies};

use crate::environment::{self as env, SettingsError, invalid};

pub(crate) const TRUSTED: &str = "TOLLGATE_TRUSTED_PROXIES";
pub(crate) const HEADER: &str = "TOLLGATE_FORWARDED_HEADER";

/// Returns the proxies that may name the address of a client, or `None` if clients connect directly. Both variables
/// are set, or neither: which header the proxies write cannot be guessed, and any client can send the other one.
pub(crate) fn from_env() -> Result<Option<TrustedProxies>, SettingsError> {
    match (env::is_set(TRUSTED), env::is_set(HEADER)) {
        (false, false) => return Ok(None),
        (true, false) => return Err(invalid(HEADER, format!("is required with {TRUSTED}"))),
        (false, true) => return Err(invalid(HEADER, format!("has no effect without {TRUSTED}; unset it"))),
        (true, true) => {}
    }
    let header = match env::text(HEADER, "")?.as_str() {
        "forwarded" => ForwardedHeader::Forwarded,
        "x-forwarded-for" => ForwardedHeader::XForwardedFor,
        _ => return Err(invalid(HEADER, "is neither `forwarded` nor `x-forwarded-for`")),
    };
    let trusted = env::text(TRUSTED, "")?;
    let proxies = match trusted.strip_prefix("hops:") {
        Some(hops) => {
            let hops = hops.parse().map_err(|_cause| invalid(TRUSTED, "must have a number after `hops:`"))?;
            TrustedProxies::hops(header, hops)
        }
        None => TrustedProxies::networks(header, trusted.split(',').map(str::trim)),
    };
    proxies.map(Some).map_err(|error| invalid(TRUSTED, error.to_string()))
}
