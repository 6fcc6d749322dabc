//! Refresh tokens: what they look like, who can make them, and what presenting one does.

mod decide;
mod kept;
mod keys;
mod token;

pub use decide::{Decision, Expiry, RenewalKind, RotationPolicy, decide};
pub use keys::{RefreshKey, RefreshKeyError, RefreshKeys};
pub use token::{ParseRefreshTokenError, RefreshToken, TokenFlags};
