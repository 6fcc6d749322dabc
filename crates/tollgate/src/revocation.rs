//! [`Revocations`]: tokens that are withdrawn before they expire.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use crate::error::RevocationsUnavailable;
use crate::time::UnixTime;
use crate::verified::Verified;

/// Tells whether a verified token has been withdrawn. Asked on every admission, so it answers from memory.
///
/// # Security
/// Identify a token by issuer and `jti`, a session by issuer and its claim, never by the text of the token or a hash
/// of it: for one ECDSA signature there is a second valid one, and with it a second text.
pub trait Revocations: fmt::Debug + Send + Sync + 'static {
    /// Whether `token` has been withdrawn.
    ///
    /// # Errors
    /// [`RevocationsUnavailable`] when that cannot be told; the request is then answered with 503.
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable>;
}

/// A list in memory of token ids that are withdrawn. For one process; it is empty after a restart.
///
/// A token without `jti` cannot be told apart from others, so it counts as withdrawn: require `jti`
/// ([`Verifier::with_required_claim`](crate::Verifier::with_required_claim)) to have it refused by name.
#[derive(Default)]
pub struct RevocationList {
    /// By issuer, then token id: when the entry can be forgotten.
    entries: RwLock<HashMap<Box<str>, HashMap<Box<str>, UnixTime>>>,
}

impl RevocationList {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Withdraws the token `token_id` of `issuer`. `expires_at` is its `exp`; the entry is kept a little longer than
    /// that, for the leeway with which the token would still be accepted.
    pub fn revoke(&self, issuer: &str, token_id: &str, expires_at: UnixTime) {
        let until = expires_at.saturating_add(crate::verify::Verifier::MAX_LEEWAY);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.entry(issuer.into()).or_default().insert(token_id.into(), until);
    }

    /// Forgets entries whose tokens have expired. Call it now and then; nothing else makes the list shrink.
    pub fn purge(&self, now: UnixTime) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, tokens| {
            tokens.retain(|_, until| *until > now);
            !tokens.is_empty()
        });
    }

    /// How many tokens are on the list.
    #[must_use]
    pub fn len(&self) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(HashMap::len).sum()
    }

    /// Whether the list is empty.
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

/// Both, such as ended sessions beside a list of single tokens: a token is withdrawn when either says so. Where neither does, it
/// fails closed as soon as one of them cannot tell. Pairs can be nested.
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

/// `Arc<dyn Revocations>` and the like, so that the application can keep a handle to what it gives to the gate.
impl<R: Revocations + ?Sized> Revocations for std::sync::Arc<R> {
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        (**self).is_revoked(token, now)
    }
}
