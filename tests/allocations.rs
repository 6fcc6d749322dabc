//! What an admitted request costs in allocations, once its token is in the cache.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use http::{Request, Response};
use tollgate::{Admission, Algorithm, Decision, Gate, TokenSource, Verifier};
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
    Gate::new(Verifier::new(keys::verifying(Algorithm::Es256), ISSUER, AUDIENCE)).with_sources(sources)
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

/// Claims and scopes included: they are made once for each token.
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
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(
            request.extensions().get::<Admission>().is_some_and(|admission| admission.verified().is_some())
        );
        ready(Ok(Response::new(())))
    }
}

fn call<S: Service<Request<()>, Response = Response<()>, Error = Infallible>>(
    service: &mut S,
    request: Request<()>,
) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut context), Poll::Ready(Ok(()))));
    let mut future = std::pin::pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else { panic!("not ready at once") };
    assert_eq!(response.status(), 200);
}

/// One for the admission in the extensions of the request. Their map is there already in a real server, which puts the
/// peer's address and the like into it.
#[test]
fn the_tower_layer_costs_one_allocation() {
    #[derive(Clone)]
    struct PutThereByTheServer;

    let gate = gate();
    let empty = |_: &tollgate::Rejection, response: Response<()>| response;
    let mut service = AuthenticateLayer::new(gate).on_rejection(empty).layer(Handler);
    let prepared = || {
        let mut request = request();
        request.extensions_mut().insert(PutThereByTheServer);
        request
    };
    let template = prepared();
    let copy = |request: &Request<()>| {
        let mut copy = Request::new(());
        copy.headers_mut().clone_from(request.headers());
        *copy.extensions_mut() = request.extensions().clone();
        copy
    };
    call(&mut service, copy(&template));
    let request = copy(&template);
    let cost = measure(|| call(&mut service, request));
    assert_eq!(cost.count_total, 1);
}
