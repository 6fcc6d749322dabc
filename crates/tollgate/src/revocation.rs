//! [`Revocations`]: tokens that are revoked before they expire.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use crate::error::RevocationsUnavailable;
use crate::time::UnixTime;
use crate::verified::Verified;

/// Decides whether a verified token was revoked. The gate calls it for every request, so implementations must
/// answer from memory.
///
/// # Security
/// Identify a token by issuer and `jti`, and a session by issuer and the claim that names it, such as `sid`.
/// Never use the text of the token or a hash of it: every ECDSA signature has a second valid form, and thus the
/// token a second text.
pub trait Revocations: fmt::Debug + Send + Sync + 'static {
    /// Returns whether `token` was revoked.
    ///
    /// # Errors
    /// [`RevocationsUnavailable`] when the answer is unknown. The response is then 503.
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable>;
}

/// An in-memory list of revoked token IDs. It is for a single process, and empty after a restart.
///
/// A token without `jti` cannot be identified, so it counts as revoked. Require `jti` with
/// [`Verifier::with_required_claim`](crate::Verifier::with_required_claim) for a clearer error.
#[derive(Default)]
pub struct RevocationList {
    /// The time after which an entry can be purged, by issuer and token ID.
    entries: RwLock<HashMap<Box<str>, HashMap<Box<str>, UnixTime>>>,
}

impl RevocationList {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Revokes the token `token_id` of `issuer`. `expires_at` is its `exp`. The entry is kept a little longer,
    /// for the leeway with which a verifier would still accept the token.
    pub fn revoke(&self, issuer: &str, token_id: &str, expires_at: UnixTime) {
        let until = expires_at.saturating_add(crate::verify::Verifier::MAX_LEEWAY);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.entry(issuer.into()).or_default().insert(token_id.into(), until);
    }

    /// Purges entries whose tokens have expired. Call it regularly: nothing else shrinks the list.
    pub fn purge(&self, now: UnixTime) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, tokens| {
            tokens.retain(|_, until| *until > now);
            !tokens.is_empty()
        });
    }

    /// Returns the number of revoked tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(HashMap::len).sum()
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Revocations for RevocationList {
    fn is_revoked(&self, token: &Verified, _now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        let Some(token_id) = token.token_id() else { return Ok(true) };
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(token.issuer()).is_some_and(|tokens| tokens.contains_key(token_id)))
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList").field("len", &self.len()).finish()
    }
}

/// Combines two checks, for example revoked sessions and a list of single tokens. A token is revoked when
/// either check says so. Otherwise, an error of either check is the result. Pairs can be nested.
///
/// ```
/// # fn pair(gate: tollgate::Gate, sessions: impl tollgate::Revocations) -> tollgate::Gate {
/// use std::sync::Arc;
/// use tollgate::RevocationList;
///
/// let single = Arc::new(RevocationList::new());
/// gate.with_revocations((sessions, Arc::clone(&single)))
/// # }
/// ```
impl<A: Revocations, B: Revocations> Revocations for (A, B) {
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        let first = self.0.is_revoked(token, now);
        if matches!(first, Ok(true)) {
            return first;
        }
        match self.1.is_revoked(token, now) {
            Ok(false) => first,
            second => second,
        }
    }
}

/// Implements the check for `Arc<dyn Revocations>` and the like, so that the application can keep a handle to
/// the list that it gives to the gate.
impl<R: Revocations + ?Sized> Revocations for std::sync::Arc<R> {
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        (**self).is_revoked(token, now)
    }
}
