//! [`StoreError`]: the store could not do what it was asked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The store could not do what it was asked. It says nothing about any session or user: nobody is logged out, or denied,
/// because of it.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    what: Box<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, or does not answer in time. Nothing was changed.
    Unavailable,
    /// It did not answer after it had been asked to change something; whether it did is not known. Asking the same again
    /// is safe.
    Ambiguous,
    /// Others kept getting in between.
    Contention,
    /// What it holds cannot be right.
    Corrupt,
    /// It is set up in a way that cannot work, such as a schema of another release.
    Misconfigured,
}

impl StoreError {
    /// When a client may try again: long enough for most of a failover, short enough for a person to wait.
    pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

    /// A failure of that kind. `what` says more, in a few words without a secret.
    #[must_use]
    pub fn new(kind: StoreErrorKind, what: impl Into<Box<str>>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// The same, caused by `source`.
    #[must_use]
    pub fn with_source(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// The same, of another kind.
    #[cfg(any(feature = "redis", feature = "sqlite"))]
    pub(super) fn of_kind(self, kind: StoreErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            StoreErrorKind::Unavailable => "store unavailable",
            StoreErrorKind::Ambiguous => "store did not answer",
            StoreErrorKind::Contention => "store too busy",
            StoreErrorKind::Corrupt => "store holds something impossible",
            StoreErrorKind::Misconfigured => "store cannot be used as it is set up",
        };
        write!(f, "{kind}: {}", self.what)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| -> &(dyn Error + 'static) { source })
    }
}
