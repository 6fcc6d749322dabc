//! [`StoreError`]: the failure of a store call.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The failure of a store call.
///
/// It says nothing about a session or a user: callers neither log out nor reject a user because of it.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: Box<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a store failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or does not answer in time. It changed nothing.
    Unavailable,
    /// The store did not confirm a call, and may or may not have done it. It is safe to repeat the call.
    Ambiguous,
    /// Concurrent calls changed the same data each time that the store retried.
    Contention,
    /// The store contains invalid data.
    Corrupt,
    /// The store cannot work as it is configured, for example because its schema is of another release.
    Misconfigured,
}

impl StoreError {
    /// Returns a failure of this kind. `message` describes it in a few words, and contains no secret.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Sets the error that caused the failure.
    #[must_use]
    pub fn with_source(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// Changes the kind of the failure.
    #[cfg(any(feature = "redis", feature = "sqlite"))]
    pub(super) fn with_kind(self, kind: StoreErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            StoreErrorKind::Unavailable => "store unavailable",
            StoreErrorKind::Ambiguous => "store did not confirm a call",
            StoreErrorKind::Contention => "store has too many concurrent changes",
            StoreErrorKind::Corrupt => "store contains invalid data",
            StoreErrorKind::Misconfigured => "store is misconfigured",
        };
        write!(f, "{kind}: {}", self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| -> &(dyn Error + 'static) { source })
    }
}
