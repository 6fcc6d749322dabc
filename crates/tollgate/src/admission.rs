//! [`Admission`]: a request that a gate has let through.

use std::sync::Arc;

use crate::claims::FromClaims;
use crate::error::AuthError;
use crate::gate::Gate;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::scope::ScopeSet;
use crate::verified::Verified;

/// A request that was admitted: with a verified token, or anonymous where that is allowed.
///
/// Adapters put it into the request's extensions, where extractors and authorization find it.
#[derive(Clone, Debug)]
pub struct Admission {
    gate: Gate,
    verified: Option<Verified>,
    /// Whether caches have to be told that the response is one user's.
    private: bool,
}

impl Admission {
    pub(crate) fn new(gate: Gate, verified: Option<Verified>, private: bool) -> Self {
        Self { gate, verified, private }
    }

    /// The verified token; `None` for an anonymous request under an optional gate.
    #[must_use]
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
    }

    /// The verified token, or the rejection for a request that has none.
    ///
    /// # Errors
    /// A bare 401 challenge when the request is anonymous.
    pub fn require(&self) -> Result<&Verified, Rejection> {
        self.verified.as_ref().ok_or_else(|| self.gate.refuse(AuthError::MissingToken))
    }

    /// The application's claims.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or `T` cannot be made from the token.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Arc<T>, Rejection> {
        self.require()?.claims().map_err(|error| self.gate.refuse(AuthError::InvalidToken(error)))
    }

    /// The scopes that the token grants.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or the token's scopes are malformed.
    pub fn scopes(&self) -> Result<&ScopeSet, Rejection> {
        self.require()?.scopes().map_err(|error| self.gate.refuse(AuthError::InvalidToken(error)))
    }

    /// Checks `policy` against the verified token.
    ///
    /// # Errors
    /// 401 when the request is anonymous, 403 when the token does not grant enough.
    pub fn authorize(&self, policy: &Policy) -> Result<(), Rejection> {
        policy.check(self.require()?).map_err(|error| self.gate.refuse(error))
    }

    /// The gate that admitted the request.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Whether the response has to be marked `Cache-Control: private`: the token came from elsewhere than
    /// `Authorization`, which is all that shared caches look at (RFC 9111 §3.5, RFC 6750 §2.3).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }
}
