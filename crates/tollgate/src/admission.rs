//! [`Admission`]: a request that a gate has let through.

use std::sync::Arc;

use crate::claims::FromClaims;
use crate::error::AuthError;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::rejection::RejectionStyle;
use crate::scope::ScopeSet;
use crate::verified::Verified;

/// A request that was admitted: with a verified token, or anonymous where that is allowed.
///
/// Adapters put it into the request's extensions, where extractors and authorization find it.
#[derive(Clone, Debug)]
pub struct Admission {
    bearer: Bearer,
    /// Whether caches have to be told that the response is one user's.
    private: bool,
}

/// Who makes the request.
#[derive(Clone, Debug)]
enum Bearer {
    Verified(Verified),
    /// Nobody known; refused this way where that is not enough.
    Anonymous(Arc<RejectionStyle>),
}

impl Admission {
    pub(crate) fn verified_by(verified: Verified, private: bool) -> Self {
        Self { bearer: Bearer::Verified(verified), private }
    }

    pub(crate) fn anonymous(style: &Arc<RejectionStyle>) -> Self {
        Self { bearer: Bearer::Anonymous(Arc::clone(style)), private: false }
    }

    /// The verified token; `None` for an anonymous request under an optional gate.
    #[must_use]
    pub fn verified(&self) -> Option<&Verified> {
        match &self.bearer {
            Bearer::Verified(verified) => Some(verified),
            Bearer::Anonymous(_) => None,
        }
    }

    /// The verified token, or the rejection for a request that has none.
    ///
    /// # Errors
    /// A bare 401 challenge when the request is anonymous.
    pub fn require(&self) -> Result<&Verified, Rejection> {
        self.verified().ok_or_else(|| self.refuse(AuthError::MissingToken))
    }

    /// The application's claims.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or `T` cannot be made from the token.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Arc<T>, Rejection> {
        self.require()?.claims().map_err(|error| self.refuse(AuthError::InvalidToken(error)))
    }

    /// The scopes that the token grants.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or the token's scopes are malformed.
    pub fn scopes(&self) -> Result<&ScopeSet, Rejection> {
        self.require()?.scopes().map_err(|error| self.refuse(AuthError::InvalidToken(error)))
    }

    /// Checks `policy` against the verified token.
    ///
    /// # Errors
    /// 401 when the request is anonymous, 403 when the token does not grant enough.
    pub fn authorize(&self, policy: &Policy) -> Result<(), Rejection> {
        policy.check(self.require()?).map_err(|error| self.refuse(error))
    }

    /// Whether the response has to be marked `Cache-Control: private`: the token came from elsewhere than
    /// `Authorization`, which is all that shared caches look at (RFC 9111 §3.5, RFC 6750 §2.3).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    fn refuse(&self, error: AuthError) -> Rejection {
        let style = match &self.bearer {
            Bearer::Verified(verified) => verified.style(),
            Bearer::Anonymous(style) => style,
        };
        Rejection::logged(error, style)
    }
}
