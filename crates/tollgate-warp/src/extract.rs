//! The types that the filters of this crate extract.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use tollgate::{Admission, FromClaims, Policy, ScopeSet, Verified};

use crate::rejection::Rejection;

/// The claims of the verified token, as a type of the application: any type that derives `serde::Deserialize` and owns
/// its fields, or implements [`FromClaims`] by hand. Extracted by [`claims`](crate::claims()) and
/// [`optional_claims`](crate::optional_claims).
#[expect(clippy::exhaustive_structs, reason = "handlers destructure it")]
pub struct Claims<T>(pub Arc<T>);

impl<T: FromClaims + Send + Sync + 'static> Claims<T> {
    pub(crate) fn new(admission: &Admission) -> Result<Self, tollgate::Rejection> {
        admission.claims().map(Self)
    }
}

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

/// The verified token of a request. It dereferences to [`Verified`], and checks policies. Extracted by
/// [`authenticated`](crate::authenticated) and [`authenticated_with`](crate::authenticated_with).
///
/// ```
/// use tollgate_warp::{Authenticated, Gate, Policy, Rejection};
/// use warp::Filter;
///
/// async fn close_account(user: Authenticated) -> Result<&'static str, Rejection> {
///     user.require(&(Policy::role("admin") | Policy::scope("accounts:close")))?;
///     Ok("closed")
/// }
///
/// # fn routes(gate: Gate) {
/// let close = warp::path!("account")
///     .and(warp::delete())
///     .and(tollgate_warp::authenticated(&gate))
///     .then(close_account);
/// # let _ = close; }
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated {
    admission: Admission,
    verified: Verified,
}

impl Authenticated {
    pub(crate) fn new(admission: Admission) -> Result<Self, tollgate::Rejection> {
        let verified = admission.require()?.clone();
        Ok(Self { admission, verified })
    }

    /// Returns the verified token.
    pub fn into_inner(self) -> Verified {
        self.verified
    }

    /// Returns the application's claims in place of the token, for [`and_then`](warp::Filter::and_then): see
    /// [`authenticated_with`](crate::authenticated_with). Rejects with 401 when the claims do not fit `T`.
    pub fn into_claims<T>(self) -> Ready<Result<Claims<T>, warp::Rejection>>
    where
        T: FromClaims + Send + Sync + 'static,
    {
        ready(self.claims().map_err(warp::reject::custom))
    }

    /// Returns the application's claims.
    ///
    /// # Errors
    /// A [`Rejection`] with status 401, which the handler returns, when the claims do not fit `T`.
    pub fn claims<T: FromClaims + Send + Sync + 'static>(&self) -> Result<Claims<T>, Rejection> {
        Ok(Claims::new(&self.admission)?)
    }

    /// Checks `policy` against the token, inside a handler.
    ///
    /// # Errors
    /// A [`Rejection`] with status 403, which the handler returns, when the token does not grant enough.
    pub fn require(&self, policy: &Policy) -> Result<(), Rejection> {
        Ok(self.admission.authorize(policy)?)
    }
}

impl Deref for Authenticated {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

/// The scopes that the token grants. It dereferences to [`ScopeSet`]. Extracted by [`scopes`](crate::scopes()).
///
/// ```
/// use tollgate_warp::{Gate, Rejection, Scopes};
/// use warp::Filter;
///
/// async fn export(scopes: Scopes) -> Result<&'static str, Rejection> {
///     scopes.require("read:items")?;
///     Ok(if scopes.contains("read:prices") { "items, prices" } else { "items" })
/// }
///
/// # fn routes(gate: Gate) {
/// let export = warp::path!("export").and(tollgate_warp::scopes(&gate)).then(export);
/// # let _ = export; }
/// ```
#[derive(Clone, Debug)]
pub struct Scopes {
    admission: Admission,
    scopes: ScopeSet,
}

impl Scopes {
    pub(crate) fn new(admission: Admission) -> Result<Self, tollgate::Rejection> {
        let scopes = admission.scopes()?.clone();
        Ok(Self { admission, scopes })
    }

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
