//! The tokens of a session: refresh tokens, the keys that authenticate them, and anti-CSRF tokens.

mod csrf_token;
mod key_directory;
mod refresh_keys;
mod refresh_token;

pub use csrf_token::SessionCsrfVerifier;
pub use key_directory::RefreshKeyTimes;
pub use refresh_keys::{RefreshKey, RefreshKeyError, RefreshKeys};
pub use refresh_token::{ParseRefreshTokenError, RefreshToken, RefreshTokenFlags};
