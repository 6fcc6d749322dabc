//! Counts the allocations of an admitted request whose token is in the cache.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use http::{Request, Response};
use tollgate::adapter::Decision;
use tollgate::{Admission, Algorithm, Audience, Gate, Issuer, RejectionBody, TokenSource, Verifier};
use tollgate_testing::{Forge, keys};
use tollgate_tower::{AuthenticateLayer, HttpRequest};
use tower::{Layer as _, Service};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

#[derive(serde::Deserialize)]
struct User {
    sub: String,
}

fn gate() -> Gate {
    let sources = [TokenSource::bearer(), TokenSource::cookie("__Host-Http-at").expect("a name")];
    Gate::new(Verifier::new(
        keys::verifying(Algorithm::Es256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
    .with_sources(sources)
    .unwrap()
}

fn request() -> Request<()> {
    let token = Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es256).token().scope("a b").sign();
    Request::builder().header("authorization", format!("Bearer {token}")).body(()).expect("a request")
}

fn admit(gate: &Gate, request: &Request<()>) -> Admission {
    match gate.admit(&HttpRequest::from(request), gate.now()) {
        Decision::Admitted(admission) => admission,
        other => panic!("{other:?}"),
    }
}

/// This includes claims and scopes, which are parsed once per token.
#[test]
fn a_cache_hit_in_the_core_allocates_nothing() {
    let (gate, request) = (gate(), request());
    let first = admit(&gate, &request);
    assert_eq!(first.claims::<User>().expect("claims").sub, "alice");
    assert_eq!(first.scopes().expect("scopes").len(), 2);
    let cost = measure(|| {
        let admission = admit(&gate, &request);
        let user = admission.claims::<User>().expect("claims");
        assert!(user.sub == "alice" && admission.scopes().expect("scopes").contains("b"));
    });
    assert_eq!(cost.count_total, 0);
}

/// A handler that takes the admission from the extensions, as extractors do.
#[derive(Clone)]
struct Handler;

impl Service<Request<()>> for Handler {
    type Response = Response<Vec<u8>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Vec<u8>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(
            request.extensions().get::<Admission>().is_some_and(|admission| admission.verified().is_some())
        );
        ready(Ok(Response::new(Vec::new())))
    }
}

fn call<S, B>(service: &mut S, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut context), Poll::Ready(Ok(()))));
    let mut future = std::pin::pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else { panic!("not ready at once") };
    assert_eq!(response.status(), 200);
}

/// Returns the number of allocations for a request whose token is in the cache. The request already has an extensions
/// map, as in a real server, which stores the peer's address there.
fn allocations<S, B>(mut service: S) -> u64
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    #[derive(Clone)]
    struct ServerExtension;

    let mut template = request();
    template.extensions_mut().insert(ServerExtension);
    let copy = || {
        let mut copy = Request::new(());
        copy.headers_mut().clone_from(template.headers());
        *copy.extensions_mut() = template.extensions().clone();
        copy
    };
    call(&mut service, copy());
    let request = copy();
    measure(|| call(&mut service, request)).count_total
}

/// The allocation is the admission in the request's extensions.
#[test]
fn the_tower_layer_costs_one_allocation() {
    assert_eq!(allocations(AuthenticateLayer::new(gate()).layer(Handler)), 1);
}

/// axum's layer keeps the response body of the inner service.
#[test]
fn axum_layer_costs_one_allocation() {
    assert_eq!(allocations(tollgate_axum::AuthenticateLayer::new(gate()).layer(Handler)), 1);
}

/// The gate's own rejection body costs an admitted request nothing.
#[test]
fn tower_layer_costs_one_allocation_with_another_rejection_body() {
    let gate = gate().with_rejection_body(|_| RejectionBody::text(""));
    assert_eq!(allocations(AuthenticateLayer::new(gate).layer(Handler)), 1);
}
