//! [`Verified`]: proof that a token was verified.

mod from_claims;

use std::any::{Any, TypeId};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::claims::{Actor, Authorities, ClaimPath, ClaimPaths, Payload};
use crate::error::{ClaimError, TokenError};
use crate::header::Header;
use crate::key::KeySetId;
use crate::rejection::RejectionStyle;
use crate::scope::ScopeSet;
use crate::time::UnixTime;

pub use from_claims::FromClaims;

/// A token whose signature and claims have been verified. Cheap to clone.
///
/// Only verification creates this type, so a function that takes a `Verified` cannot be called with an
/// unverified token:
///
/// ```compile_fail
/// let forged = tollgate::Verified { };
/// ```
#[derive(Clone)]
#[must_use]
pub struct Verified(Reference);

#[derive(Clone)]
enum Reference {
    /// A reference that shares its count with all other direct references.
    Direct(Arc<Token>),
    /// A reference with a count of its own. Processors that update one count contend on every request, so the
    /// cache gives each processor a count of its own.
    Apart(Arc<CountedApart>),
}

/// Aligned so that the counts before it have a cache line to themselves. Other data in that line would be
/// invalidated on every update.
#[repr(align(64))]
struct CountedApart {
    token: Arc<Token>,
}

struct Token {
    header: Header,
    payload: Payload,
    paths: Arc<ClaimPaths>,
    /// Held by the token, not by each request. The `Arc` of the token has per-processor counts; the `Arc` of
    /// the style does not.
    style: Arc<RejectionStyle>,
    /// The ID of the key set that verified the token.
    key_set: KeySetId,
    authorities: OnceLock<Result<Authorities, TokenError>>,
    memo: Memo,
}

impl Verified {
    /// Creates the proof. Only the verifier calls this, and only after all checks. The payload is taken by
    /// `&mut`, because it is large and would otherwise be copied.
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

    /// Returns a reference to the same token with a count of its own.
    pub(crate) fn counted_apart(&self) -> Self {
        let token = Arc::clone(self.token());
        Self(Reference::Apart(Arc::new(CountedApart { token })))
    }

    /// The bytes that a reference with its own count allocates.
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

    /// Returns how rejections look under the gate that the token was verified for.
    pub(crate) fn style(&self) -> &Arc<RejectionStyle> {
        &self.token().style
    }

    /// Returns the ID of the key set that verified the token.
    pub(crate) fn key_set(&self) -> KeySetId {
        self.token().key_set
    }

    /// Returns the payload with its registered claims, for checks that are repeated on every request.
    pub(crate) fn raw(&self) -> &Payload {
        &self.token().payload
    }

    /// Returns the JOSE header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.token().header
    }

    /// Returns `iss`: the issuer of the token, one that the gate trusts. It is empty for a token without `iss`, which
    /// only some [`IssuerRule`](crate::IssuerRule)s accept.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.token().payload.issuer().unwrap_or_default()
    }

    /// Returns `sub`: the subject of the token. It is unique only within its issuer.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.token().payload.subject()
    }

    /// Returns `jti`: the ID of the token. It is unique only within its issuer.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token().payload.token_id()
    }

    /// Returns `aud`: the recipients of the token, of which this API is one.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.token().payload.audience().into_iter().flatten()
    }

    /// Returns `exp`: the time at which the token expires, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.token().payload.expires_at().map_or(UnixTime::from_secs(i64::MIN), |date| date.floor)
    }

    /// Returns `iat`: the time at which the token was issued, in whole seconds.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.token().payload.issued_at().map(|date| date.floor)
    }

    /// Returns all claims, as the JSON object that was signed.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.token().payload.json()
    }

    /// Returns the claim at `path` as JSON text, without deserializing it.
    #[must_use]
    pub fn claim(&self, path: &ClaimPath) -> Option<&str> {
        path.find(self.payload()).ok().flatten()
    }

    /// Returns the application's claims. They are deserialized once per token and type, then shared.
    ///
    /// # Errors
    /// [`TokenError::Claims`] when the claims do not fit `T`.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Arc<T>, TokenError> {
        if let Some(made) = self.token().memo.get::<T>() {
            return Ok(made);
        }
        let made = T::from_claims(self).map_err(TokenError::Claims)?;
        Ok(self.token().memo.insert(Arc::new(made)))
    }

    /// Returns the scopes that the token grants, from the paths that its issuer uses ([`ClaimPaths`]).
    ///
    /// # Errors
    /// [`TokenError::Claim`] when scopes or roles are present, but are not strings.
    pub fn scopes(&self) -> Result<&ScopeSet, TokenError> {
        self.authorities().map(|authorities| &authorities.scopes)
    }

    /// Returns the roles that the token grants, from the paths that its issuer uses ([`ClaimPaths`]).
    ///
    /// # Errors
    /// As for [`scopes`](Self::scopes).
    pub fn roles(&self) -> Result<impl Iterator<Item = &str>, TokenError> {
        self.authorities().map(|authorities| authorities.roles.iter())
    }

    /// Returns the party that acts on behalf of the subject: the claim `act` (RFC 8693 §4.1). It is `None` when the
    /// subject acts itself.
    ///
    /// # Errors
    /// [`TokenError::Claim`] when the claim is not an actor.
    pub fn actor(&self) -> Result<Option<Actor>, TokenError> {
        let malformed = || TokenError::claim("act", ClaimError::WrongType);
        let found = ClaimPath::name("act").find(self.payload()).map_err(|_not_on_the_way| malformed())?;
        match found.filter(|json| *json != "null") {
            None => Ok(None),
            // An array of the members would be read too.
            Some(json) if !json.starts_with('{') => Err(malformed()),
            Some(json) => serde_json::from_str(json).map(Some).map_err(|_cause| malformed()),
        }
    }

    pub(crate) fn has_role(&self, role: &str) -> Result<bool, TokenError> {
        self.authorities().map(|authorities| authorities.roles.contains(role))
    }

    fn authorities(&self) -> Result<&Authorities, TokenError> {
        let read = || Authorities::read(&self.token().paths, self.payload());
        self.token().authorities.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

/// Claims are personal data, so the output has only what a log line needs.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("algorithm", &self.header().algorithm())
            .field("issuer", &self.issuer())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// The claims types made so far. The first is found without a lock, and most applications have only one.
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

    /// Stores the value, unless another thread was first, so that all callers share one.
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
