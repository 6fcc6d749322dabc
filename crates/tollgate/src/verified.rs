//! [`Verified`]: proof that a token was checked.

use std::any::{Any, TypeId};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::claims::{Authorities, ClaimPath, ClaimPaths, FromClaims, Payload};
use crate::error::TokenError;
use crate::header::Header;
use crate::key::KeySetId;
use crate::rejection::RejectionStyle;
use crate::scope::ScopeSet;
use crate::time::UnixTime;

/// A token whose signature and claims have been checked. Cheap to clone.
///
/// There is no way to make one but to verify a token, so a function that takes a `Verified` cannot be reached with
/// a token that was not:
///
/// ```compile_fail
/// let forged = tollgate::Verified { };
/// ```
#[derive(Clone)]
#[must_use]
pub struct Verified(Reference);

#[derive(Clone)]
enum Reference {
    /// Counted with all others that are direct.
    Direct(Arc<Token>),
    /// Processors that count one thing wait for each other on every request, so the cache gives each something of its
    /// own to count.
    Apart(Arc<CountedApart>),
}

/// Aligned so that the counts before it have a line of the processor's cache to themselves: whatever else were on it, other
/// processors would have to fetch again and again.
#[repr(align(64))]
struct CountedApart {
    token: Arc<Token>,
}

struct Token {
    header: Header,
    payload: Payload,
    paths: Arc<ClaimPaths>,
    /// Held by the token, not by each request: its own references are counted apart, those of this are not.
    style: Arc<RejectionStyle>,
    /// The keys that it was verified with.
    key_set: KeySetId,
    authorities: OnceLock<Result<Authorities, TokenError>>,
    memo: Memo,
}

impl Verified {
    /// Only the verifier calls this, and only when everything has been checked. The payload is taken from its place, as
    /// it is large and would be copied on its way here.
    #[inline]
    pub(crate) fn assert(
        header: Header,
        payload: &mut Payload,
        paths: Arc<ClaimPaths>,
        style: Arc<RejectionStyle>,
        key_set: KeySetId,
    ) -> Self {
        let (authorities, memo) = (OnceLock::new(), Memo::default());
        let payload = mem::take(payload);
        let token = Arc::new(Token { header, payload, paths, style, key_set, authorities, memo });
        Self(Reference::Direct(token))
    }

    /// The same token, counted apart from this reference and its clones.
    pub(crate) fn counted_apart(&self) -> Self {
        let token = Arc::clone(self.token());
        Self(Reference::Apart(Arc::new(CountedApart { token })))
    }

    /// What something to count apart takes of the allocator.
    pub(crate) const APART_BYTES: usize = 192;

    #[cfg(test)]
    pub(crate) fn is_counted_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Reference::Direct(token), Reference::Direct(other)) => Arc::ptr_eq(token, other),
            (Reference::Apart(counted), Reference::Apart(other)) => Arc::ptr_eq(counted, other),
            _ => false,
        }
    }

    fn token(&self) -> &Arc<Token> {
        match &self.0 {
            Reference::Direct(token) => token,
            Reference::Apart(counted) => &counted.token,
        }
    }

    /// How refusals read under the gate that the token was verified for.
    pub(crate) fn style(&self) -> &Arc<RejectionStyle> {
        &self.token().style
    }

    /// The key set that it was verified with.
    pub(crate) fn key_set(&self) -> KeySetId {
        self.token().key_set
    }

    /// The payload with its registered claims, for checks that are made again.
    pub(crate) fn raw(&self) -> &Payload {
        &self.token().payload
    }

    /// The JOSE header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.token().header
    }

    /// `iss`: who issued the token, one of those that the gate trusts.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.token().payload.issuer().unwrap_or_default()
    }

    /// `sub`: whom it is about. Unique within its issuer only.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.token().payload.subject()
    }

    /// `jti`: the token's id. Unique within its issuer only.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token().payload.token_id()
    }

    /// `aud`: whom it is for; this API is among them.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.token().payload.audience().into_iter().flatten()
    }

    /// `exp`: when it ends, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.token().payload.expires_at().map_or(UnixTime::from_secs(i64::MIN), |date| date.floor)
    }

    /// `iat`: when it was issued, in whole seconds.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.token().payload.issued_at().map(|date| date.floor)
    }

    /// All claims, as the JSON object that was signed.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.token().payload.json()
    }

    /// The claim at `path` as JSON, without making a type of it.
    #[must_use]
    pub fn claim(&self, path: &ClaimPath) -> Option<&str> {
        path.find(self.payload()).ok().flatten()
    }

    /// The application's claims. Made once per token and type, then shared.
    ///
    /// # Errors
    /// [`TokenError::Claims`] when the token does not hold what `T` needs.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Arc<T>, TokenError> {
        if let Some(made) = self.token().memo.get::<T>() {
            return Ok(made);
        }
        let made = T::from_claims(self).map_err(TokenError::Claims)?;
        Ok(self.token().memo.insert(Arc::new(made)))
    }

    /// The scopes that the token grants, read from where its issuer puts them ([`ClaimPaths`]).
    ///
    /// # Errors
    /// [`TokenError::Claim`] when scopes or roles are there, but not as strings.
    pub fn scopes(&self) -> Result<&ScopeSet, TokenError> {
        self.authorities().map(|authorities| &authorities.scopes)
    }

    /// The roles that the token grants, read from where its issuer puts them ([`ClaimPaths`]).
    ///
    /// # Errors
    /// As [`scopes`](Self::scopes).
    pub fn roles(&self) -> Result<impl Iterator<Item = &str>, TokenError> {
        self.authorities().map(|authorities| authorities.roles.iter())
    }

    pub(crate) fn has_role(&self, role: &str) -> Result<bool, TokenError> {
        self.authorities().map(|authorities| authorities.roles.contains(role))
    }

    fn authorities(&self) -> Result<&Authorities, TokenError> {
        let read = || Authorities::read(&self.token().paths, self.payload());
        self.token().authorities.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

/// Claims are personal data; what is shown is what a log line needs.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("algorithm", &self.header().algorithm())
            .field("issuer", &self.issuer())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// Claims types made so far. The first is found without a lock; most applications have no second.
#[derive(Default)]
struct Memo {
    first: OnceLock<Entry>,
    others: Mutex<Vec<Entry>>,
}

type Entry = (TypeId, Arc<dyn Any + Send + Sync>);

impl Memo {
    fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let (id, first) = self.first.get()?;
        if *id == TypeId::of::<T>() {
            return Arc::clone(first).downcast().ok();
        }
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, made) = others.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        Arc::clone(made).downcast().ok()
    }

    /// Keeps what is there already, so that all callers share one.
    fn insert<T: Send + Sync + 'static>(&self, made: Arc<T>) -> Arc<T> {
        let entry: Entry = (TypeId::of::<T>(), made.clone());
        let Err(entry) = self.first.set(entry) else { return made };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.first.get().is_some_and(|(id, _)| *id == entry.0)
            || others.iter().any(|(id, _)| *id == entry.0);
        if !known {
            others.push(entry);
        }
        drop(others);
        self.get().unwrap_or(made)
    }
}
