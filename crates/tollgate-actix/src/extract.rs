//! The extractors of this crate.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use tollgate::{Admission, FromClaims, Policy, ScopeSet, Verified};

use crate::rejection::{Rejection, remember};

/// Extracts the claims of the verified token as a type of the application: any type that derives `serde::Deserialize`
/// and owns its fields, or implements [`FromClaims`] by hand.
///
/// ```
/// use tollgate_actix::{Claims, RegisteredClaims};
///
/// #[actix_web::get("/")]
/// async fn hello(Claims(user): Claims<RegisteredClaims>) -> String {
///     format!("hello {:?}", user.sub)
/// }
/// # let _ = actix_web::App::new().service(hello);
/// ```
///
/// The response is 401 for a request without a token, and for a token whose claims do not fit `T`. On a route
/// without a gate, the response is 500, and an error is logged. If the gate's token is optional, extract
/// [`Optional<Claims<T>>`](Optional).
///
/// When the claims do not fit `T`, the response is 401 even if the handler hides the error, as with
/// `Option<Claims<T>>`, `Result<Claims<T>, _>` or `Either`. To try several types, extract [`Authenticated`] and
/// call [`claims`](Verified::claims).
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

impl<T: FromClaims + Send + Sync + 'static> FromRequest for Claims<T> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(extract(request, |admission| Ok(Self(admission.claims()?))))
    }
}

/// Extracts the verified token. The extractor dereferences to [`Verified`], and checks policies.
///
/// ```
/// use tollgate_actix::{Authenticated, Policy, Rejection};
///
/// #[actix_web::post("/close")]
/// async fn close_account(user: Authenticated) -> Result<&'static str, Rejection> {
///     user.require(&(Policy::role("admin") | Policy::scope("accounts:close")))?;
///     Ok("closed")
/// }
/// # let _ = actix_web::App::new().service(close_account);
/// ```
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

    fn new(admission: &Admission) -> Result<Self, tollgate::Rejection> {
        let verified = admission.require()?.clone();
        Ok(Self { admission: admission.clone(), verified })
    }
}

impl Deref for Authenticated {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

impl FromRequest for Authenticated {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(extract(request, Self::new))
    }
}

/// Extracts the scopes that the token grants. The extractor dereferences to [`ScopeSet`].
///
/// ```
/// use tollgate_actix::{Rejection, Scopes};
///
/// #[actix_web::get("/export")]
/// async fn export(scopes: Scopes) -> Result<&'static str, Rejection> {
///     scopes.require("read:items")?;
///     Ok(if scopes.contains("read:prices") { "items, prices" } else { "items" })
/// }
/// # let _ = actix_web::App::new().service(export);
/// ```
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

impl FromRequest for Scopes {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(extract(request, |admission| {
            let scopes = admission.scopes()?.clone();
            Ok(Self { admission: admission.clone(), scopes })
        }))
    }
}

/// [`Claims`] or [`Authenticated`] of a request with a token; `None` for an anonymous request, which only a
/// gate with an optional token admits.
///
/// In actix, `Option` hides every error of an extractor. This type does not: the response to a token whose
/// claims do not fit is 401, and to a missing gate 500, before the handler runs.
///
/// ```
/// use tollgate_actix::{Claims, Optional, RegisteredClaims};
///
/// #[actix_web::get("/")]
/// async fn index(Optional(user): Optional<Claims<RegisteredClaims>>) -> String {
///     match user {
///         Some(Claims(user)) => format!("hello {:?}", user.sub),
///         None => "hello stranger".to_owned(),
///     }
/// }
/// # let _ = actix_web::App::new().service(index);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers destructure it")]
pub struct Optional<E>(pub Option<E>);

impl<E> Deref for Optional<E> {
    type Target = Option<E>;

    fn deref(&self) -> &Option<E> {
        &self.0
    }
}

impl<T: FromClaims + Send + Sync + 'static> FromRequest for Optional<Claims<T>> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(extract(request, |admission| match admission.verified() {
            Some(_) => Ok(Self(Some(Claims(admission.claims()?)))),
            None => Ok(Self(None)),
        }))
    }
}

impl FromRequest for Optional<Authenticated> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(extract(request, |admission| match admission.verified() {
            Some(_) => Ok(Self(Some(Authenticated::new(admission)?))),
            None => Ok(Self(None)),
        }))
    }
}

/// Extracts from the admission that the wrapper has put into the request. A request without one is a
/// configuration error, and never counts as anonymous.
///
/// The rejection is stored for the wrapper, unless the request is anonymous, because that may become `None`.
fn extract<E>(
    request: &HttpRequest,
    of: impl FnOnce(&Admission) -> Result<E, tollgate::Rejection>,
) -> Result<E, Rejection> {
    // The extensions must not stay borrowed while code of the application runs.
    let admission = request.extensions().get::<Admission>().cloned();
    let outcome = match &admission {
        Some(admission) => of(admission),
        None => Err(tollgate::Rejection::missing_gate()),
    };
    outcome.map_err(|rejection| {
        let anonymous = admission.is_some_and(|admission| admission.verified().is_none());
        if !anonymous {
            remember(request, &rejection);
        }
        rejection.into()
    })
}
