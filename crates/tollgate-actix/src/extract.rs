//! Extractors: what a handler can ask for.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use tollgate::{Admission, FromClaims, Policy, ScopeSet, Verified};

use crate::rejection::{Rejection, remember};

/// The application's claims of the verified token: any type that implements `serde::Deserialize`, or
/// [`FromClaims`] by hand.
///
/// Without a token the request is answered with 401; with a token that `T` cannot be made from, with 401 too. On a
/// route without a gate the answer is 500, and the log says why. Where a token is optional, ask for
/// [`Optional<Claims<T>>`](Optional).
///
/// A token that `T` was refused from is answered with 401 even where the error does not surface, as in
/// `Option<Claims<T>>`, `Result<Claims<T>, _>` or `Either`. To try one type after the other, ask for
/// [`Authenticated`] and call [`claims`](Verified::claims).
pub struct Claims<T>(Arc<T>);

impl<T> Claims<T> {
    /// The claims, shared with everyone else who asked for them.
    #[must_use]
    pub fn into_inner(self) -> Arc<T> {
        self.0
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

/// Claims are personal data: their type decides what is printed.
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

/// The verified token itself, with everything that can be asked of it, and the gate that admitted it.
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
    /// Requires `policy` in the middle of a handler.
    ///
    /// # Errors
    /// A 403 to return when the token does not grant enough.
    pub fn require(&self, policy: &Policy) -> Result<(), Rejection> {
        Ok(self.admission.authorize(policy)?)
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

/// The scopes that the token grants.
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
    /// Requires one scope.
    ///
    /// # Errors
    /// A 403 to return when the token does not grant it.
    pub fn require(&self, scope: &str) -> Result<(), Rejection> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Ok(self.admission.authorize(&Policy::scope(scope))?)
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

/// [`Claims`] or [`Authenticated`] of a request with a token; nothing for an anonymous one, which only a gate in
/// optional mode lets pass.
///
/// Unlike `Option`, which in actix swallows every error of an extractor, it answers a token that the claims cannot be
/// made from with 401, and a missing gate with 500, before the handler runs.
///
/// ```
/// use tollgate_actix::{Claims, Optional, RegisteredClaims};
///
/// #[actix_web::get("/")]
/// async fn index(user: Optional<Claims<RegisteredClaims>>) -> String {
///     match user.into_inner() {
///         Some(user) => format!("hello {:?}", user.sub),
///         None => "hello stranger".to_owned(),
///     }
/// }
/// # let _ = actix_web::App::new().service(index);
/// ```
#[derive(Clone, Debug)]
pub struct Optional<E>(Option<E>);

impl<E> Optional<E> {
    /// What was extracted, or `None` for an anonymous request.
    #[must_use]
    pub fn into_inner(self) -> Option<E> {
        self.0
    }
}

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

/// Asks what the wrapper has put into the request. Its absence is a mistake in the wiring, never an anonymous
/// request.
///
/// A refusal is remembered for the wrapper, unless it is that of an anonymous request: that one may become `None`.
fn extract<E>(
    request: &HttpRequest,
    of: impl FnOnce(&Admission) -> Result<E, tollgate::Rejection>,
) -> Result<E, Rejection> {
    // Not borrowed while code of the application runs.
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
