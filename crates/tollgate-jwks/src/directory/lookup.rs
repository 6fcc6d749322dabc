//! [`LookupRequest`] and [`LookupOutcome`]: what the application is asked, and what it answers.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{Issuer, Verifier};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// An issuer to look up. It comes from a token that is not verified.
#[derive(Clone, Debug)]
pub struct LookupRequest {
    issuer: Issuer,
    verifier_age: Option<Duration>,
}

impl LookupRequest {
    pub(super) fn new(issuer: Issuer, verifier_age: Option<Duration>) -> Self {
        Self { issuer, verifier_age }
    }

    /// Returns the issuer, of 512 bytes at most.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns the time since the lookup that returned the current verifier, or `None` if there is none. If the
    /// settings of the issuer have not changed within this time, the application can return
    /// [`LookupOutcome::Unchanged`].
    #[must_use]
    pub fn verifier_age(&self) -> Option<Duration> {
        self.verifier_age
    }
}

/// The application's answer to a [`LookupRequest`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LookupOutcome {
    /// The issuer is trusted. From now on, the directory uses this verifier, and drops an earlier one with its keys.
    Found(Arc<Verifier>),
    /// The issuer is trusted as before, and the current verifier stays in use with its keys and their cache. Without a
    /// current verifier, this is a failed lookup.
    Unchanged,
    /// The issuer is not trusted.
    Unknown,
}

impl From<Verifier> for LookupOutcome {
    fn from(verifier: Verifier) -> Self {
        Self::Found(Arc::new(verifier))
    }
}

/// Converts `None` to [`LookupOutcome::Unknown`].
impl From<Option<Verifier>> for LookupOutcome {
    fn from(verifier: Option<Verifier>) -> Self {
        verifier.map_or(Self::Unknown, Self::from)
    }
}
