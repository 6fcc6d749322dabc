//! Tests the contract of Tower: only an instance that was polled ready is called, readiness is never lost, and
//! futures can be dropped at any time.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic is a failed test")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tollgate::{
    Admission, Algorithm, Audience, Gate, Issuer, KeyRefresh, KeyRequest, KeySet, KeySource, KeysUnavailable,
    Policy, Rejection, RejectionBody, TokenSource, UnixTime, Verifier,
};
use tollgate_testing::{Forge, keys};
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, GateBody};
use tower::buffer::BufferLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE)
}

fn gate() -> Gate {
    Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
}

fn request(token: &str) -> Request<String> {
    Request::builder().header("authorization", format!("Bearer {token}")).body(String::new()).unwrap()
}

async fn hello(request: Request<String>) -> Result<Response<String>, Infallible> {
    let admission = request.extensions().get::<Admission>().expect("an admission");
    Ok(Response::new(
        admission.verified().and_then(|token| token.subject()).unwrap_or("anonymous").to_owned(),
    ))
}

async fn read<B>(response: Response<B>) -> Vec<u8>
where
    B: Body,
    B::Error: std::fmt::Debug,
{
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// Keys that are available after the test has released the refresh.
#[derive(Clone, Debug, Default)]
struct Slow {
    keys: Arc<OnceLock<KeySet>>,
    release: Arc<Notify>,
    refreshes: Arc<AtomicUsize>,
}

impl KeySource for Slow {
    fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
        self.keys.get().cloned().ok_or_else(|| KeysUnavailable::new("no keys yet", Duration::from_secs(9)))
    }

    fn refresh(&self, _: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        let slow = self.clone();
        Some(KeyRefresh::new(async move {
            slow.release.notified().await;
            slow.keys.get_or_init(|| keys::verifying(Algorithm::Hs256).into());
        }))
    }
}

/// A service that fails unless this very instance was polled ready, as the contract demands.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(self.ready, "called without having been polled ready");
        self.ready = false;
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new("called".into())))
    }
}

#[tokio::test]
async fn layer_calls_the_instance_that_was_ready() {
    let strict = Strict::default();
    let mut service = AuthenticateLayer::new(gate()).layer(strict.clone());
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(request(&forge().token().sign())).await.unwrap();
        assert_eq!(read(response).await, b"called");
        let refused = service.ready().await.unwrap().call(request("garbage")).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(strict.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn layer_calls_the_instance_that_was_ready_after_a_refresh() {
    let (strict, slow) = (Strict::default(), Slow::default());
    let gate = Gate::new(Verifier::new(
        slow.clone(),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let mut service = AuthenticateLayer::new(gate).layer(strict.clone());
    let waiting = service.ready().await.unwrap().call(request(&forge().token().sign()));
    slow.release.notify_one();
    assert_eq!(read(waiting.await.unwrap()).await, b"called");
    let response = service.ready().await.unwrap().call(request(&forge().token().sign())).await.unwrap();
    assert_eq!(read(response).await, b"called");
    assert_eq!((strict.calls.load(Ordering::SeqCst), slow.refreshes.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn request_gets_503_when_refresh_finds_no_keys() {
    let slow = Slow::default();
    slow.release.notify_one();
    #[derive(Debug)]
    struct Never(Slow);
    impl KeySource for Never {
        fn keys(&self, now: UnixTime) -> Result<KeySet, KeysUnavailable> {
            self.0.keys(now)
        }
        fn refresh(&self, _: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
            Some(KeyRefresh::new(std::future::ready(())))
        }
    }
    let gate =
        Gate::new(Verifier::new(Never(slow), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap()));
    let service = AuthenticateLayer::new(gate).layer(tower::service_fn(hello));
    let response = service.oneshot(request(&forge().token().sign())).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "9");
    assert!(!response.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn request_dropped_while_waiting_does_not_affect_others() {
    let slow = Slow::default();
    let gate = Gate::new(Verifier::new(
        slow.clone(),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let service = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate))
        .layer(ConcurrencyLimitLayer::new(1))
        .service_fn(hello);
    let token = forge().token().sign();
    let mut dropped = Box::pin(service.clone().oneshot(request(&token)));
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut dropped).await.is_err());
    drop(dropped);
    slow.release.notify_one();
    // Dropping the request has freed the slot of the limit.
    assert_eq!(read(service.oneshot(request(&token)).await.unwrap()).await, b"alice");
}

#[tokio::test]
async fn layer_works_around_and_inside_a_concurrency_limit() {
    let token = forge().token().sign();
    let inside = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate()))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(Strict::default());
    let outside = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(BufferLayer::new(4))
        .layer(ConcurrencyLimitLayer::new(2))
        .layer(AuthenticateLayer::new(gate()))
        .service(Strict::default());
    for _ in 0..10 {
        assert_eq!(read(inside.clone().oneshot(request(&token)).await.unwrap()).await, b"called");
        assert_eq!(inside.clone().oneshot(request("bad")).await.unwrap().status(), 401);
        assert_eq!(read(outside.clone().oneshot(request(&token)).await.unwrap()).await, b"called");
        assert_eq!(outside.clone().oneshot(request("bad")).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn rejection_response_carries_its_cause() {
    let service = AuthenticateLayer::new(gate()).layer(tower::service_fn(hello));
    let response = service.oneshot(request(&forge().token().claim("exp", 1).sign())).await.unwrap();
    let rejection = response.extensions().get::<Rejection>().expect("the cause");
    assert_eq!(rejection.status(), 401);
    assert!(rejection.error().to_string().contains("token rejected"));
    let body = String::from_utf8(read(response).await).unwrap();
    assert!(!body.contains("expired"), "{body}");
}

#[tokio::test]
async fn layers_and_guards_reject_with_the_same_body() {
    let gate =
        gate().with_rejection_body(|rejection| RejectionBody::text(format!("no: {}", rejection.status())));
    let service = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate))
        .layer(AuthorizeLayer::new(Policy::scope("a")))
        .service_fn(hello);
    let by_layer = service.clone().oneshot(request("garbage")).await.unwrap();
    assert_eq!(by_layer.status(), 401);
    assert_eq!(by_layer.headers()["cache-control"], "no-store");
    assert_eq!(read(by_layer).await, b"no: 401");
    let by_guard = service.clone().oneshot(request(&forge().token().sign())).await.unwrap();
    assert_eq!(by_guard.status(), 403);
    assert_eq!(
        by_guard.headers()["www-authenticate"],
        r#"Bearer realm="api", error="insufficient_scope", scope="a""#
    );
    assert_eq!(read(by_guard).await, b"no: 403");
    let admitted = service.oneshot(request(&forge().token().scope("a").sign())).await.unwrap();
    assert_eq!(read(admitted).await, b"alice");
}

/// An application within an application: the body of the inner gate applies to its rejections.
#[tokio::test]
async fn innermost_custom_body_is_used() {
    let gate = |text: &'static str| gate().with_rejection_body(move |_| RejectionBody::text(text));
    let inner = AuthenticateLayer::new(gate("inner").with_policy(Policy::scope("inner")));
    let outer = AuthenticateLayer::new(gate("outer"));
    let service = ServiceBuilder::new().layer(outer).layer(inner).service_fn(hello);
    assert_eq!(read(service.clone().oneshot(request("garbage")).await.unwrap()).await, b"outer");
    assert_eq!(read(service.oneshot(request(&forge().token().sign())).await.unwrap()).await, b"inner");
}

/// The response is private wherever the token came from.
#[tokio::test]
async fn application_response_to_a_rejection_is_kept() {
    let gate = gate()
        .with_sources([TokenSource::bearer(), TokenSource::insecure_query("access_token").unwrap()])
        .unwrap();
    let hide = |mut response: Response<GateBody<String>>| {
        if response.status() == StatusCode::FORBIDDEN {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    };
    let service = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate))
        .map_response(hide)
        .layer(AuthorizeLayer::new(Policy::scope("a")))
        .service_fn(hello);
    let token = forge().token().sign();
    let by_query = Request::get(format!("/?access_token={token}")).body(String::new()).unwrap();
    for request in [request(&token), by_query] {
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn guard_without_a_gate_answers_500() {
    let service = AuthorizeLayer::new(Policy::all([])).layer(tower::service_fn(hello));
    assert_eq!(service.oneshot(request(&forge().token().sign())).await.unwrap().status(), 500);
}

#[tokio::test]
async fn response_to_token_in_url_is_private() {
    let gate = gate().with_sources([TokenSource::insecure_query("access_token").unwrap()]).unwrap();
    let answer = async |cache_control: Option<&'static str>| {
        let service =
            AuthenticateLayer::new(gate.clone()).layer(tower::service_fn(async |_: Request<String>| {
                let response = cache_control
                    .into_iter()
                    .fold(Response::builder(), |r, value| r.header("cache-control", value));
                Ok::<_, Infallible>(response.body(String::new()).unwrap())
            }));
        let uri = format!("/?access_token={}", forge().token().sign());
        let response =
            service.oneshot(Request::builder().uri(uri).body(String::new()).unwrap()).await.unwrap();
        response.headers()["cache-control"].to_str().unwrap().to_owned()
    };
    assert_eq!(answer(None).await, "private");
    assert_eq!(answer(Some("public, max-age=60")).await, "private");
    assert_eq!(answer(Some("private, max-age=60")).await, "private, max-age=60");
    assert_eq!(answer(Some("no-store")).await, "no-store");
}

#[test]
fn futures_and_services_are_send_and_sync() {
    fn assert_send<T: Send>(_: &T) {}
    fn assert_send_sync_clone<T: Send + Sync + Clone + 'static>(_: &T) {}
    let mut service = AuthenticateLayer::new(gate()).layer(Strict::default());
    assert_send_sync_clone(&service);
    service.inner_is_ready();
    assert_send(&service.call(request("x")));
}

trait InnerIsReady {
    fn inner_is_ready(&mut self);
}

impl<S: Service<Request<String>>> InnerIsReady for S {
    fn inner_is_ready(&mut self) {
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(matches!(self.poll_ready(&mut context), Poll::Ready(Ok(()))));
    }
}
