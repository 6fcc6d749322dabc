//! [`VerifierSource`]: verifiers of issuers that come and go while the service runs.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::error::KeysUnavailable;
use crate::key::KeyRefresh;
use crate::time::UnixTime;
use crate::verify::Verifier;

/// The verifiers of issuers that are not known when the gate is built, such as the identity providers of customers.
///
/// A gate asks its own verifiers first. For a token of another issuer it asks the source: [`verifier`](Self::verifier)
/// answers without waiting. If it has none, an adapter awaits [`lookup`](Self::lookup), and the gate decides once more.
/// `VerifierDirectory` in `tollgate-jwks` implements this trait for an asynchronous lookup.
///
/// # Security
/// The issuer comes from a token that is not verified. A source must bound the lookups, the waiting requests and the
/// memory that made-up issuers can cause, and must return a verifier only for issuers that the application trusts. The
/// gate still checks that the verifier accepts the issuer.
pub trait VerifierSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the verifier of `issuer`, without waiting. The gate calls this also for cached tokens: when the source
    /// returns another verifier or none, the gate verifies the token again.
    fn verifier(&self, issuer: &str) -> Option<Arc<Verifier>>;

    /// Starts or joins a lookup of `issuer`. Returns `None` when a lookup would not help, because the source has just
    /// looked it up, or must not ask so soon again.
    fn lookup(&self, issuer: &str, now: UnixTime) -> Option<KeyRefresh>;

    /// Returns why the source could not look `issuer` up, so that it is unknown whether to trust it. The response is
    /// then 503. Returns `None` when the issuer is not trusted. The default implementation returns `None`.
    fn why_unavailable(&self, _issuer: &str, _now: UnixTime) -> Option<KeysUnavailable> {
        None
    }
}

/// The verifier of a cached token.
#[derive(Clone, Debug)]
pub(crate) enum VerifierId {
    /// Its position in the gate's list.
    Listed(usize),
    /// A verifier of the source. It is not kept alive, so that a source can drop it with its keys.
    Found(Weak<Verifier>),
}
