//! The filters of this crate.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tollgate::adapter::{Decision, PerThreadArc, RequestView as _, ResponseMarks};
use tollgate::{Admission, FromClaims, Gate, Policy};
use warp::Filter;

use crate::extract::{Authenticated, Claims, Scopes};
use crate::rejection::Rejection;
use crate::request::{WarpRequest, request_for};

/// Returns a filter that lets `gate` decide and extracts the verified token. It rejects a request without a
/// token with 401, even if the gate's token is optional.
///
/// ```
/// use tollgate_warp::{Authenticated, Gate};
/// use warp::Filter;
///
/// # fn routes(gate: Gate) {
/// let me = warp::path!("me")
///     .and(tollgate_warp::authenticated(&gate))
///     .map(|user: Authenticated| format!("{:?} of {}", user.subject(), user.issuer()));
/// # let _ = me; }
/// ```
#[must_use]
pub fn authenticated(
    gate: &Gate,
) -> impl Filter<Extract = (Authenticated,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Authenticated::new)
}

/// Returns a filter that lets `gate` decide, requires `policy` of the token, and extracts the token. The policy
/// applies in addition to the gate's own.
///
/// ```
/// use tollgate_warp::{Authenticated, Claims, Gate, Policy};
/// use warp::Filter;
///
/// # #[derive(serde::Deserialize)]
/// # struct User { sub: String }
/// # fn routes(gate: Gate) {
/// let items = warp::path!("items")
///     .and(warp::get())
///     .and(tollgate_warp::authenticated_with(&gate, Policy::scope("read:items")))
///     .map(|_: Authenticated| "items");
///
/// // With claims, and still a single verification:
/// let mine = warp::path!("items" / "mine")
///     .and(tollgate_warp::authenticated_with(&gate, Policy::scope("read:items")).and_then(Authenticated::into_claims))
///     .map(|Claims(user): Claims<User>| format!("items of {}", user.sub));
/// # let _ = items.or(mine); }
/// ```
#[must_use]
pub fn authenticated_with(
    gate: &Gate,
    policy: Policy,
) -> impl Filter<Extract = (Authenticated,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    let policy = PerThreadArc::new(policy); // warp clones filters for every request
    ask_with(gate, move |_gate, request, admission| {
        admission.authorize_at(&policy, request.path())?;
        Authenticated::new(admission)
    })
}

/// Returns a filter that lets `gate` decide and extracts the application's claims. It rejects with 401 a token
/// whose claims do not fit `T`, and a request without a token, even if the gate's token is optional.
#[must_use]
pub fn claims<T>(
    gate: &Gate,
) -> impl Filter<Extract = (Claims<T>,), Error = warp::Rejection> + Clone + Send + Sync + use<T>
where
    T: FromClaims + Send + Sync + 'static,
{
    ask(gate, |admission| Claims::new(&admission))
}

/// Returns a filter that lets `gate` decide and extracts the application's claims, or `None` for an anonymous
/// request.
///
/// Pass a gate with an [optional token](Gate::with_optional_token). If the gate requires a token, this filter
/// never extracts `None`. Both kinds of gates reject an invalid token.
///
/// ```
/// use tollgate_warp::{Claims, Gate};
/// use warp::Filter;
///
/// # #[derive(serde::Deserialize)]
/// # struct User { sub: String }
/// # fn routes(gate: Gate) {
/// let hello = warp::path!("hello").and(tollgate_warp::optional_claims(&gate.clone().with_optional_token())).map(
///     |user: Option<Claims<User>>| match user {
///         Some(Claims(user)) => format!("hello {}", user.sub),
///         None => "hello".to_owned(),
///     },
/// );
/// # let _ = hello; }
/// ```
#[must_use]
pub fn optional_claims<T>(
    gate: &Gate,
) -> impl Filter<Extract = (Option<Claims<T>>,), Error = warp::Rejection> + Clone + Send + Sync + use<T>
where
    T: FromClaims + Send + Sync + 'static,
{
    ask(gate, |admission| admission.verified().is_some().then(|| Claims::new(&admission)).transpose())
}

/// Returns a filter that lets `gate` decide and extracts the scopes that the token grants. It rejects a request
/// without a token with 401, even if the gate's token is optional.
#[must_use]
pub fn scopes(
    gate: &Gate,
) -> impl Filter<Extract = (Scopes,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Scopes::new)
}

/// Returns a filter that lets `gate` decide and extracts its [`Admission`], which is anonymous when the token
/// is optional and missing.
#[must_use]
pub fn admission_from(
    gate: &Gate,
) -> impl Filter<Extract = (Admission,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Ok)
}

/// Returns a filter that extracts the [`Admission`] that a layer of `tollgate-tower` around [`warp::service`]
/// has put into the request. It copies nothing and does not verify the token again. Without such a layer, it
/// rejects with 500 and logs an error.
///
/// ```
/// use tollgate_tower::AuthenticateLayer;
/// use tollgate_warp::{Admission, Claims, Gate, Rejection};
/// use tower::{Service, ServiceBuilder, ServiceExt};
/// use warp::Filter;
///
/// #[derive(serde::Deserialize)]
/// struct User {
///     sub: String,
/// }
///
/// async fn hello(admission: Admission) -> Result<String, Rejection> {
///     let user = admission.claims::<User>()?;
///     Ok(format!("hello {}", user.sub))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
/// # let key = tollgate_testing::keys::verifying(tollgate_warp::Algorithm::Hs256);
/// # let gate = Gate::new(tollgate_warp::Verifier::new(key, forge.issuer(), forge.audience()));
/// # let request = http::Request::get("/hello")
/// #     .header("authorization", format!("Bearer {}", forge.token().sign())).body(String::new())?;
/// let routes = warp::path!("hello").and(tollgate_warp::admission()).then(hello);
/// let service = ServiceBuilder::new().layer(AuthenticateLayer::new(gate)).service(warp::service(routes));
/// // Serve it with hyper.
/// # let response = service.oneshot(request).await?;
/// # assert_eq!(response.status(), 200);
/// # Ok(()) }
/// ```
#[must_use]
pub fn admission() -> impl Filter<Extract = (Admission,), Error = warp::Rejection> + Copy + Send + Sync {
    warp::ext::optional::<Admission>().and_then(|admission: Option<Admission>| {
        ready(admission.ok_or_else(|| reject(tollgate::Rejection::missing_gate())))
    })
}

/// Lets `gate` decide, and extracts what the response has to be marked with.
pub(crate) fn response_marks(
    gate: &Gate,
) -> impl Filter<Extract = (ResponseMarks,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask_with(gate, |gate, request, admission| Ok(gate.response_marks(request, &admission)))
}

/// Lets `gate` decide, then extracts from the admission what the route needs.
fn ask<T, F>(
    gate: &Gate,
    take: F,
) -> impl Filter<Extract = (T,), Error = warp::Rejection> + Clone + Send + Sync + use<T, F>
where
    T: Send + 'static,
    F: Fn(Admission) -> Result<T, tollgate::Rejection> + Clone + Send + Sync + 'static,
{
    ask_with(gate, move |_gate: &Gate, _request: &WarpRequest, admission| take(admission))
}

/// Lets `gate` decide, then extracts what the route needs.
fn ask_with<T, F>(
    gate: &Gate,
    take: F,
) -> impl Filter<Extract = (T,), Error = warp::Rejection> + Clone + Send + Sync + use<T, F>
where
    T: Send + 'static,
    F: Fn(&Gate, &WarpRequest, Admission) -> Result<T, tollgate::Rejection> + Clone + Send + Sync + 'static,
{
    let gate = gate.clone();
    request_for(&gate).and_then(move |request| match gate.admit(&request, gate.now()) {
        Decision::Admitted(admission) => Verdict::ready(take(&gate, &request, admission)),
        Decision::Rejected(rejection) => Verdict::ready(Err(rejection)),
        Decision::AwaitKeys(refresh) => {
            let (gate, take) = (gate.clone(), take.clone());
            Verdict::awaited(async move {
                refresh.await;
                let admission = gate.admit_after_refresh(&request, gate.now())?;
                take(&gate, &request, admission)
            })
        }
    })
}

/// The decision of a filter: available at once, or after keys have been fetched. Only the latter is boxed.
enum Verdict<T> {
    Ready(Ready<Result<T, warp::Rejection>>),
    Awaited(Pin<Box<dyn Future<Output = Result<T, tollgate::Rejection>> + Send>>),
}

impl<T> Verdict<T> {
    fn ready(verdict: Result<T, tollgate::Rejection>) -> Self {
        Self::Ready(ready(verdict.map_err(reject)))
    }

    fn awaited(verdict: impl Future<Output = Result<T, tollgate::Rejection>> + Send + 'static) -> Self {
        Self::Awaited(Box::pin(verdict))
    }
}

impl<T> Future for Verdict<T> {
    type Output = Result<T, warp::Rejection>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(verdict) => Pin::new(verdict).poll(context),
            Self::Awaited(verdict) => verdict.as_mut().poll(context).map_err(reject),
        }
    }
}

fn reject(rejection: tollgate::Rejection) -> warp::Rejection {
    warp::reject::custom(Rejection::from(rejection))
}
