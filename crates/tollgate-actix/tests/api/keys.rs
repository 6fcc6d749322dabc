//! Tests requests that wait for keys.

use std::cell::Cell;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform as _};
use actix_web::test::init_service;
use actix_web::{App, Error, HttpResponse, web};
use tokio::sync::Notify;
use tollgate::{KeyRefresh, KeyRequest, KeySource, KeysUnavailable, UnixTime, VerifierKeys};
use tollgate_actix::{
    Algorithm, Audience, Authenticate, Authenticated, Claims, Gate, Issuer, KeySet, Optional, TokenSource,
    Verifier,
};
use tollgate_testing::keys;

use crate::support::{
    AUDIENCE, Answer, Employee, INVALID_TOKEN, ISSUER, ask, clock, forge, get, good, subject,
};

/// A source without keys until a refresh has ended.
#[derive(Debug, Default)]
struct LateKeys {
    keys: Mutex<Option<KeySet>>,
    refreshes: AtomicUsize,
    ended: Arc<Notify>,
}

impl LateKeys {
    fn end_refresh(&self, keys: Option<KeySet>) {
        *self.keys.lock().unwrap() = keys;
        self.ended.notify_waiters();
    }

    fn refreshes(&self) -> usize {
        self.refreshes.load(Ordering::SeqCst)
    }
}

/// The same keys for the verifier and for the test.
#[derive(Clone, Debug)]
struct Shared(Arc<LateKeys>);

impl KeySource for Shared {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        let keys = self.0.keys.lock().unwrap().clone();
        keys.ok_or_else(|| KeysUnavailable::new("not fetched yet", Duration::from_secs(7)))
    }

    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        self.0.refreshes.fetch_add(1, Ordering::SeqCst);
        let ended = Arc::clone(&self.0.ended).notified_owned();
        Some(KeyRefresh::new(ended))
    }
}

fn right() -> Option<KeySet> {
    Some(keys::verifying(Algorithm::Hs256).into())
}

fn wrong() -> Option<KeySet> {
    Some(keys::verifying(Algorithm::Es256).into())
}

fn late() -> (Arc<LateKeys>, Gate) {
    let source = Arc::new(LateKeys::default());
    let keys = VerifierKeys::from(Shared(Arc::clone(&source)));
    (
        source,
        Gate::new(Verifier::new(keys, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap()))
            .with_clock(clock()),
    )
}

fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[actix_web::test]
async fn request_waits_for_its_key() {
    let (source, gate) = late();
    let app = App::new().route("/", web::get().to(subject)).wrap(Authenticate::new(gate));
    let app = init_service(app).await;
    let mut first = pin!(app.call(good("/").to_request()));
    let mut second = pin!(app.call(good("/").to_request()));
    assert!(is_pending(first.as_mut()));
    assert!(is_pending(second.as_mut()));
    source.end_refresh(right());
    Answer::from_outcome(first.await).await.is(200, "alice");
    Answer::from_outcome(second.await).await.is(200, "alice");
    assert_eq!(source.refreshes(), 2);
    ask(&app, good("/").to_request()).await.is(200, "alice");
    assert_eq!(source.refreshes(), 2);
}

#[actix_web::test]
async fn decision_after_a_refresh_is_final() {
    for (brought, status, challenge) in [(wrong(), 401, INVALID_TOKEN), (None, 503, None)] {
        let (source, gate) = late();
        let app = App::new().route("/", web::get().to(subject)).wrap(Authenticate::new(gate));
        let app = init_service(app).await;
        let mut waiting = pin!(app.call(good("/").to_request()));
        assert!(is_pending(waiting.as_mut()));
        source.end_refresh(brought);
        let answer = Answer::from_outcome(waiting.await).await;
        answer.is_refused(status, challenge);
        assert_eq!(answer.field("retry-after"), (status == 503).then_some("7"));
        assert_eq!(source.refreshes(), 1);
    }
}

#[actix_web::test]
async fn request_can_be_dropped_while_waiting_for_keys() {
    let (source, gate) = late();
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    let handler = move |user: Optional<Authenticated>| {
        counter.set(counter.get() + 1);
        ready(user.as_ref().and_then(|user| user.subject()).unwrap_or("anonymous").to_owned())
    };
    let app =
        App::new().route("/", web::get().to(handler)).wrap(Authenticate::new(gate.with_optional_token()));
    let app = init_service(app).await;
    {
        let mut waiting = pin!(app.call(good("/").to_request()));
        assert!(is_pending(waiting.as_mut()));
    }
    source.end_refresh(right());
    // The reused request has no identity of the earlier one, which was dropped.
    ask(&app, get("/").to_request()).await.is(200, "anonymous");
    assert_eq!(runs.get(), 1);
    ask(&app, good("/").to_request()).await.is(200, "alice");
}

#[actix_web::test]
async fn requests_with_known_keys_do_not_wait() {
    let (source, gate) = late();
    let app = App::new()
        .route("/", web::get().to(async || "in"))
        .wrap(Authenticate::new(gate.with_optional_token()));
    let app = init_service(app).await;
    let mut waiting = pin!(app.call(good("/").to_request()));
    assert!(is_pending(waiting.as_mut()));
    ask(&app, get("/").to_request()).await.is(200, "in");
    source.end_refresh(right());
    Answer::from_outcome(waiting.await).await.is(200, "in");
}

#[actix_web::test]
async fn all_checks_apply_after_waiting() {
    let (source, gate) = late();
    let gate = gate.with_sources([TokenSource::insecure_query("access_token").unwrap()]).unwrap();
    let app = App::new()
        .route("/", web::get().to(subject))
        .route("/option", web::get().to(async |_: Option<Claims<Employee>>| "anonymous"))
        .wrap(Authenticate::new(gate));
    let app = init_service(app).await;
    let token = forge().token().sign();
    let mut private = pin!(app.call(get(&format!("/?access_token={token}")).to_request()));
    let mut swallowed = pin!(app.call(get(&format!("/option?access_token={token}")).to_request()));
    assert!(is_pending(private.as_mut()));
    assert!(is_pending(swallowed.as_mut()));
    source.end_refresh(right());
    let answer = Answer::from_outcome(private.await).await;
    assert_eq!((&*answer.body, answer.field("cache-control")), ("alice", Some("private")));
    Answer::from_outcome(swallowed.await).await.is_refused(401, INVALID_TOKEN);
}

/// A service that is ready only after it was polled several times.
#[derive(Clone)]
struct Busy(Rc<Cell<u32>>);

impl Service<ServiceRequest> for Busy {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Ready<Result<ServiceResponse, Error>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.0.get() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.0.set(self.0.get() - 1);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        assert_eq!(self.0.get(), 0, "called before it was ready");
        ready(Ok(request.into_response(HttpResponse::Ok())))
    }
}

#[actix_web::test]
async fn service_is_polled_ready_again_after_waiting() {
    let (source, gate) = late();
    let busy = Busy(Rc::new(Cell::new(0)));
    let service = Authenticate::new(gate).new_transform(busy.clone()).await.unwrap();
    let mut waiting = pin!(service.call(good("/").to_srv_request()));
    assert!(is_pending(waiting.as_mut()));
    busy.0.set(3);
    source.end_refresh(right());
    assert_eq!(waiting.await.unwrap().status(), 200);
}

#[actix_web::test]
async fn readiness_comes_from_the_inner_service() {
    let (_, gate) = late();
    let service = Authenticate::new(gate).new_transform(Busy(Rc::new(Cell::new(1)))).await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_pending());
    assert!(service.poll_ready(&mut context).is_ready());
}
