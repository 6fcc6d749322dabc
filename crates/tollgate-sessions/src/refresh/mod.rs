//! Refresh tokens: what they look like, who can make them, and what presenting one does.

mod csrf_token;
mod decide;
mod kept;
mod keys;
mod token;

pub use csrf_token::SessionCsrfTokens;
pub use decide::{Decision, Expiry, RenewalKind, RotationPolicy, decide};
pub use keys::{RefreshKey, RefreshKeyError, RefreshKeys};
pub use token::{ParseRefreshTokenError, RefreshToken, TokenFlags};
