//! What can go wrong, by who has to act on it.
//!
//! - [`AuthError`]: a request was not admitted. [`Rejection`](crate::Rejection) says what the client is told.
//! - [`TokenError`] and its parts: why a token was refused; for the log, never for the client.
//! - [`KeyError`]: why a key or key set is not used.
//! - [`ConfigError`]: a setting that cannot be right.
//!
//! No variant holds token text, a secret or key material. Values that a client chose are cut to
//! [`Excerpt::MAX_CHARS`] and escaped when printed.

mod config;
mod key;
mod request;
mod token;

use std::fmt;

pub use config::ConfigError;
pub use key::{KeyError, WeakSecret};
pub use request::{AuthError, CrossSiteError, KeysUnavailable, RequestError, RevocationsUnavailable};
pub use token::{ClaimError, ClaimsError, HeaderError, TokenError, TokenPart};

pub use crate::json::JsonError;

/// The start of a text that a client chose: bounded, and escaped when printed, so that a log line stays one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// How many characters are kept.
    pub const MAX_CHARS: usize = 128;

    /// The beginning of `text`.
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
