//! The extractors of this crate.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use tollgate::{Admission, FromClaims, Policy, ScopeSet, Verified};

use crate::rejection::Rejection;

/// Extracts the claims of the verified token as a type of the application: any type that derives `serde::Deserialize`
/// and owns its fields, or implements [`FromClaims`] by hand.
///
/// ```
/// use tollgate_axum::{Claims, RegisteredClaims};
///
/// async fn hello(Claims(user): Claims<RegisteredClaims>) -> String {
///     format!("hello {:?}", user.sub)
/// }
///
/// # fn app(gate: tollgate_axum::Gate) -> axum::Router {
/// use axum::{Router, routing::get};
/// use tollgate_axum::AuthenticateLayer;
///
/// Router::new().route("/hello", get(hello)).route_layer(AuthenticateLayer::new(gate))
/// # }
/// ```
///
/// The response is 401 for a request without a token, and for a token whose claims do not fit `T`.
/// `Option<Claims<T>>` is `None` for an anonymous request, which only a gate with an optional token admits; an
/// invalid token is still rejected. On a route without a gate, the response is 500, and an error is logged.
#[expect(clippy::exhaustive_structs, reason = "handlers destructure it")]
pub struct Claims<T>(pub Arc<T>);

impl<T> Deref for Claims<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Claims<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Claims are personal data, so their type decides what to print.
impl<T: fmt::Debug> fmt::Debug for Claims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claims").field(&self.0).finish()
    }
}

impl<S: Send + Sync, T: FromClaims + Send + Sync + 'static> FromRequestParts<S> for Claims<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Self(admission(parts)?.claims()?))
    }
}

impl<S: Send + Sync, T: FromClaims + Send + Sync + 'static> OptionalFromRequestParts<S> for Claims<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Rejection> {
        let admission = admission(parts)?;
        if admission.verified().is_none() {
            return Ok(None);
        }
        Ok(Some(Self(admission.claims()?)))
    }
}

/// Extracts the verified token. The extractor dereferences to [`Verified`], and checks policies.
///
/// ```
/// use tollgate_axum::{Authenticated, Policy, Rejection};
///
/// async fn close_account(user: Authenticated) -> Result<&'static str, Rejection> {
///     user.require(&(Policy::role("admin") | Policy::scope("accounts:close")))?;
///     Ok("closed")
/// }
/// # let _ = axum::Router::<()>::new().route("/", axum::routing::post(close_account));
/// ```
///
/// The response is 401 for a request without a token. `Option<Authenticated>` is `None` for an anonymous request.
#[derive(Clone, Debug)]
pub struct Authenticated {
    admission: Admission,
    verified: Verified,
}

impl Authenticated {
    /// Checks `policy` against the token, inside a handler.
    ///
    /// # Errors
    /// A [`Rejection`] with status 403, which the handler returns, when the token does not grant enough.
    pub fn require(&self, policy: &Policy) -> Result<(), Rejection> {
        Ok(self.admission.authorize(policy)?)
    }

    /// Returns the verified token.
    pub fn into_inner(self) -> Verified {
        self.verified
    }
}

impl Deref for Authenticated {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let admission = admission(parts)?.clone();
        let verified = admission.require()?.clone();
        Ok(Self { admission, verified })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Rejection> {
        let admission = admission(parts)?.clone();
        let verified = admission.verified().cloned();
        Ok(verified.map(|verified| Self { admission, verified }))
    }
}

/// Extracts the scopes that the token grants. The extractor dereferences to [`ScopeSet`].
///
/// ```
/// use tollgate_axum::{Rejection, Scopes};
///
/// async fn export(scopes: Scopes) -> Result<&'static str, Rejection> {
///     scopes.require("read:items")?;
///     Ok(if scopes.contains("read:prices") { "items, prices" } else { "items" })
/// }
/// # let _ = axum::Router::<()>::new().route("/", axum::routing::get(export));
/// ```
///
/// The response is 401 for a request without a token, and for a token whose scopes are malformed.
#[derive(Clone, Debug)]
pub struct Scopes {
    admission: Admission,
    scopes: ScopeSet,
}

impl Scopes {
    /// Checks that the token grants this scope.
    ///
    /// # Errors
    /// A [`Rejection`] with status 403, which the handler returns, when the token does not grant it.
    pub fn require(&self, scope: &str) -> Result<(), Rejection> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Ok(self.admission.authorize(&Policy::scope(scope))?)
    }

    /// Returns the scopes.
    #[must_use]
    pub fn into_inner(self) -> ScopeSet {
        self.scopes
    }
}

impl Deref for Scopes {
    type Target = ScopeSet;

    fn deref(&self) -> &ScopeSet {
        &self.scopes
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Scopes {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let admission = admission(parts)?.clone();
        let scopes = admission.scopes()?.clone();
        Ok(Self { admission, scopes })
    }
}

/// Returns the admission that the layer has put into the request. A request without one is a configuration
/// error, and never counts as anonymous.
fn admission(parts: &Parts) -> Result<&Admission, Rejection> {
    parts.extensions.get().ok_or_else(|| tollgate::Rejection::missing_gate().into())
}
