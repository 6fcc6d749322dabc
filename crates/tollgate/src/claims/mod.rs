//! Claims: the members of the payload (RFC 7519 §4), and the types that an application reads them into.

mod actor;
mod authorities;
mod date;
mod grant_claim;
mod path;
mod payload;
mod registered;

pub use actor::Actor;
pub use authorities::ClaimPaths;
pub use grant_claim::GrantClaim;
pub use path::ClaimPath;
pub use registered::{Audiences, RegisteredClaims};

pub(crate) use authorities::Authorities;
pub(crate) use path::NotOnTheWay;
pub(crate) use payload::Payload;
