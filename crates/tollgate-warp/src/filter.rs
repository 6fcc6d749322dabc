//! Filters: what a route can ask for.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tollgate::adapter::{Decision, PerThreadArc};
use tollgate::{Admission, FromClaims, Gate, Policy};
use warp::Filter;

use crate::extract::{Authenticated, Claims, Scopes};
use crate::rejection::Rejection;
use crate::request::request_for;

/// Asks `gate` and extracts the verified token. A request without one is answered with 401, under an optional gate
/// too.
///
/// ```
/// use tollgate_warp::{Authenticated, Gate};
/// use warp::Filter;
///
/// # fn routes(gate: Gate) {
/// let me = warp::path!("me")
///     .and(tollgate_warp::authenticate(&gate))
///     .map(|user: Authenticated| format!("{:?} of {}", user.subject(), user.issuer()));
/// # let _ = me; }
/// ```
#[must_use]
pub fn authenticate(
    gate: &Gate,
) -> impl Filter<Extract = (Authenticated,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Authenticated::new)
}

/// Asks `gate`, requires `policy` of the token, and extracts the token. The policy comes on top of the gate's own.
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
///     .and(tollgate_warp::authorize(&gate, Policy::scope("read:items")))
///     .map(|_: Authenticated| "items");
///
/// // With claims, still verified once:
/// let mine = warp::path!("items" / "mine")
///     .and(tollgate_warp::authorize(&gate, Policy::scope("read:items")).and_then(Authenticated::into_claims))
///     .map(|user: Claims<User>| format!("items of {}", user.sub));
/// # let _ = items.or(mine); }
/// ```
#[must_use]
pub fn authorize(
    gate: &Gate,
    policy: Policy,
) -> impl Filter<Extract = (Authenticated,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    let policy = PerThreadArc::new(policy); // warp clones filters for every request
    ask(gate, move |admission| {
        admission.authorize(&policy)?;
        Authenticated::new(admission)
    })
}

/// Asks `gate` and extracts the application's claims. A request without a token is answered with 401, under an
/// optional gate too; so is one whose token `T` cannot be made from.
#[must_use]
pub fn claims<T>(
    gate: &Gate,
) -> impl Filter<Extract = (Claims<T>,), Error = warp::Rejection> + Clone + Send + Sync + use<T>
where
    T: FromClaims + Send + Sync + 'static,
{
    ask(gate, |admission| Claims::new(&admission))
}

/// Asks `gate` and extracts the application's claims, or `None` for an anonymous request.
///
/// Whether a request may be anonymous is for the gate to say: give it one in [optional](Gate::with_optional_token) mode. Under
/// one that requires a token this never extracts `None`. A bad token is refused by both.
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
///         Some(user) => format!("hello {}", user.sub),
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

/// Asks `gate` and extracts the scopes that the token grants. A request without a token is answered with 401, under
/// an optional gate too.
#[must_use]
pub fn scopes(
    gate: &Gate,
) -> impl Filter<Extract = (Scopes,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Scopes::new)
}

/// Asks `gate` and extracts its [`Admission`], which under an optional gate may be anonymous.
#[must_use]
pub fn admit(
    gate: &Gate,
) -> impl Filter<Extract = (Admission,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    ask(gate, Ok)
}

/// Extracts the [`Admission`] that a layer of `tollgate-tower` around [`warp::service`] has put into the request:
/// nothing is copied, nothing is verified again. Without such a layer the answer is 500, and the log says why.
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
/// # let gate = Gate::new(tollgate_warp::Verifier::new(key, "https://issuer.example", "api://demo"));
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

/// Asks `gate`, then takes what the route wants from the admission.
fn ask<T, F>(
    gate: &Gate,
    take: F,
) -> impl Filter<Extract = (T,), Error = warp::Rejection> + Clone + Send + Sync + use<T, F>
where
    T: Send + 'static,
    F: Fn(Admission) -> Result<T, tollgate::Rejection> + Clone + Send + Sync + 'static,
{
    let gate = gate.clone();
    request_for(&gate).and_then(move |request| match gate.admit(&request, gate.now()) {
        Decision::Admitted(admission) => Answer::ready(take(admission)),
        Decision::Refused(rejection) => Answer::ready(Err(rejection)),
        Decision::AwaitKeys(refresh) => {
            let (gate, take) = (gate.clone(), take.clone());
            Answer::awaited(async move {
                refresh.await;
                gate.admit_after_refresh(&request, gate.now()).and_then(take)
            })
        }
    })
}

/// What a filter answers: at once, or when keys have been asked for. Only then it is boxed.
enum Answer<T> {
    Ready(Ready<Result<T, warp::Rejection>>),
    Awaited(Pin<Box<dyn Future<Output = Result<T, tollgate::Rejection>> + Send>>),
}

impl<T> Answer<T> {
    fn ready(answer: Result<T, tollgate::Rejection>) -> Self {
        Self::Ready(ready(answer.map_err(reject)))
    }

    fn awaited(answer: impl Future<Output = Result<T, tollgate::Rejection>> + Send + 'static) -> Self {
        Self::Awaited(Box::pin(answer))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, warp::Rejection>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(answer) => Pin::new(answer).poll(context),
            Self::Awaited(answer) => answer.as_mut().poll(context).map_err(reject),
        }
    }
}

fn reject(rejection: tollgate::Rejection) -> warp::Rejection {
    warp::reject::custom(Rejection::from(rejection))
}
