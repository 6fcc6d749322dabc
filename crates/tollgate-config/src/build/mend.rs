//! How to mend what the core refuses.

use tollgate::{ConfigError, KeyError};

use super::at::At;
use crate::error::DocumentError;

impl At<'_> {
    /// Wraps an error of the core.
    pub(crate) fn refused(&self, error: ConfigError) -> DocumentError {
        let mend = match &error {
            ConfigError::Name { .. } => "write another name",
            ConfigError::Identifier { .. } => "write it as the tokens have it",
            ConfigError::Empty { .. } => "add a value, or leave the member out",
            ConfigError::Text { .. } | ConfigError::ContentType { .. } => "write another text",
            ConfigError::Leeway { .. } => "write at most 5min",
            ConfigError::IssuerTemplate { .. } => "write one claim name in braces",
            ConfigError::Origin { .. } => "write scheme and host, and the port unless it is the default",
            ConfigError::Resource { .. } => "write the https URL of the API",
            _ => "",
        };
        self.failed(error, mend)
    }

    /// Wraps an error of a key or a key set.
    pub(crate) fn bad_key(&self, error: KeyError) -> DocumentError {
        let mend = match &error {
            KeyError::WeakSecret { .. } => {
                "replace the secret, or write `insecure_weak = true` for development"
            }
            KeyError::AlgorithmMismatch { .. } => "write an algorithm for this kind of key",
            KeyError::Private => "write the file of the public key",
            _ => "",
        };
        self.failed(error, mend)
    }
}
