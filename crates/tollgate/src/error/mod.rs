//! Error types, one for each party that can act on them.
//!
//! - [`AuthError`]: a request was not admitted. [`Rejection`](crate::Rejection) decides what the client
//!   receives.
//! - [`TokenError`] and its parts: the reason why a token was rejected. It is for the log, never for the
//!   client.
//! - [`KeyError`]: the reason why a key or key set is not used.
//! - [`ConfigError`]: a setting is invalid.
//!
//! No variant holds token text, a secret or key material. Values from a client are cut to
//! [`Excerpt::MAX_CHARS`] characters and escaped when printed.

mod config;
mod key;
mod request;
mod token;

use std::fmt;

pub use config::ConfigError;
pub use key::{KeyError, WeakSecret};
pub use request::{
    AuthError, CrossSiteError, KeysUnavailable, PolicyRefusal, RequestError, RevocationsUnavailable,
};
pub use token::{ClaimError, ClaimsError, HeaderError, TokenError, TokenPart};

pub use crate::json::JsonError;

/// The start of a text that a client sent. It is bounded in length and escaped when printed, so a log line
/// stays one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The largest number of characters that an excerpt keeps.
    pub const MAX_CHARS: usize = 128;

    /// Returns the first characters of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().take(Self::MAX_CHARS).collect::<String>().into_boxed_str())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
