//! [`Admission`]: the result of a gate for a request that it admits.

use std::sync::Arc;

use crate::error::AuthError;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::rejection::RejectionStyle;
use crate::scope::ScopeSet;
use crate::time::UnixTime;
use crate::verified::FromClaims;
use crate::verified::Verified;

/// A request that a gate admitted: with a verified token, or anonymous where the gate allows it.
///
/// Adapters put it into the request's extensions, where extractors and authorization find it.
#[derive(Clone, Debug)]
pub struct Admission {
    bearer: Bearer,
    /// Whether the response must be marked as one user's for shared caches.
    private: bool,
    /// The time at which the gate admitted the request.
    at: UnixTime,
}

/// The sender of the request.
#[derive(Clone, Debug)]
enum Bearer {
    Verified(Verified),
    /// A request without a token. The style is for the rejection where a token is required.
    Anonymous(Arc<RejectionStyle>),
}

impl Admission {
    pub(crate) fn verified_by(verified: Verified, private: bool, at: UnixTime) -> Self {
        Self { bearer: Bearer::Verified(verified), private, at }
    }

    pub(crate) fn anonymous(style: &Arc<RejectionStyle>, at: UnixTime) -> Self {
        Self { bearer: Bearer::Anonymous(Arc::clone(style)), private: false, at }
    }

    /// Returns the verified token, or `None` for an anonymous request under a gate with an optional token.
    #[must_use]
    pub fn verified(&self) -> Option<&Verified> {
        match &self.bearer {
            Bearer::Verified(verified) => Some(verified),
            Bearer::Anonymous(_) => None,
        }
    }

    /// Returns the verified token, or the rejection for an anonymous request.
    ///
    /// # Errors
    /// A 401 challenge without an error code when the request is anonymous.
    pub fn require(&self) -> Result<&Verified, Rejection> {
        self.verified().ok_or_else(|| self.refuse(AuthError::MissingToken))
    }

    /// Returns the application's claims.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or the token's claims do not fit `T`.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Arc<T>, Rejection> {
        self.require()?.claims().map_err(|error| self.refuse(AuthError::InvalidToken(error)))
    }

    /// Returns the scopes that the token grants.
    ///
    /// # Errors
    /// 401 when the request is anonymous, or the token's scopes are malformed.
    pub fn scopes(&self) -> Result<&ScopeSet, Rejection> {
        self.require()?.scopes().map_err(|error| self.refuse(AuthError::InvalidToken(error)))
    }

    /// Checks `policy` against the verified token.
    ///
    /// # Errors
    /// 401 when the request is anonymous or the user has to authenticate again, 403 when the token does not grant
    /// enough.
    pub fn authorize(&self, policy: &Policy) -> Result<(), Rejection> {
        self.authorize_at(policy, None)
    }

    /// Checks `policy` as [`authorize`](Self::authorize) does. The log then names the path of the request.
    ///
    /// # Errors
    /// As for [`authorize`](Self::authorize).
    pub fn authorize_at(&self, policy: &Policy, path: Option<&str>) -> Result<(), Rejection> {
        let verdict = match self.verified() {
            Some(verified) => policy.check(verified, self.at),
            None => Err(AuthError::MissingToken),
        };
        verdict.map_err(|error| Rejection::logged(error, self.style(), path))
    }

    /// Returns whether the response must be marked `Cache-Control: private`. This is so when the token did not
    /// come from `Authorization`, the only credential that shared caches consider (RFC 9111 §3.5, RFC 6750
    /// §2.3).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    fn refuse(&self, error: AuthError) -> Rejection {
        Rejection::logged(error, self.style(), None)
    }

    fn style(&self) -> &RejectionStyle {
        match &self.bearer {
            Bearer::Verified(verified) => verified.style(),
            Bearer::Anonymous(style) => style,
        }
    }
}
