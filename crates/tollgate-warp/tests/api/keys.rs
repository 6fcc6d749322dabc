//! Tests requests that wait for keys.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tollgate::{KeyRefresh, KeyRequest, KeySource, KeysUnavailable, UnixTime, VerifierKeys};
use tollgate_testing::keys;
use tollgate_warp::{
    Algorithm, Audience, Claims, Gate, Issuer, KeySet, Verifier, claims, handle_rejection, protect,
};
use warp::{Filter, Reply};

use crate::support::{
    AUDIENCE, INVALID_TOKEN, ISSUER, User, bad, challenge, clock, field, gate, get, good, text,
};

/// A source without keys until a refresh has ended.
#[derive(Debug, Default)]
struct LateKeys {
    keys: Mutex<Option<KeySet>>,
    refreshes: AtomicUsize,
    asked: Arc<Notify>,
    refuses: bool,
}

impl LateKeys {
    fn end_refresh(&self, keys: Option<KeySet>) {
        *self.keys.lock().unwrap() = keys;
        self.asked.notify_one();
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
        let asked = Arc::clone(&self.0.asked);
        (!self.0.refuses).then(|| KeyRefresh::new(async move { asked.notified().await }))
    }
}

fn right() -> Option<KeySet> {
    Some(keys::verifying(Algorithm::Hs256).into())
}

fn late(refuses: bool) -> (Arc<LateKeys>, Gate) {
    let source = Arc::new(LateKeys { refuses, ..LateKeys::default() });
    let keys = VerifierKeys::from_shared(Arc::new(Shared(Arc::clone(&source))));
    (
        source,
        Gate::new(Verifier::new(keys, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap()))
            .with_clock(clock()),
    )
}

fn app(
    gate: &Gate,
) -> impl Filter<Extract = impl Reply + use<>, Error = warp::Rejection> + Clone + 'static + use<> {
    let hello = claims(gate).map(|user: Claims<User>| format!("hello {}", user.sub));
    warp::path!("hello").and(hello).recover(handle_rejection)
}

#[tokio::test]
async fn request_waits_once_for_its_key() {
    let (source, gate) = late(false);
    let app = app(&gate);
    let (response, ()) = tokio::join!(good("/hello").reply(&app), async { source.end_refresh(right()) });
    assert_eq!((response.status().as_u16(), text(&response)), (200, "hello alice"));
    assert_eq!(source.refreshes(), 1);

    assert_eq!(good("/hello").reply(&app).await.status(), 200);
    assert_eq!(source.refreshes(), 1);
}

#[tokio::test]
async fn invalid_token_is_rejected_after_the_refresh() {
    let (source, gate) = late(false);
    let app = app(&gate);
    let (response, ()) = tokio::join!(bad("/hello").reply(&app), async { source.end_refresh(right()) });
    assert_eq!((response.status().as_u16(), challenge(&response)), (401, INVALID_TOKEN));
    assert_eq!(source.refreshes(), 1);
}

#[tokio::test]
async fn request_gets_503_when_refresh_finds_no_keys() {
    let (source, gate) = late(false);
    let app = app(&gate);
    let (response, ()) = tokio::join!(good("/hello").reply(&app), async { source.end_refresh(None) });
    assert_eq!((response.status().as_u16(), field(&response, "retry-after")), (503, Some("7")));
    assert_eq!(challenge(&response), None);
}

#[tokio::test]
async fn request_does_not_wait_when_refresh_would_not_help() {
    let (source, gate) = late(true);
    let response = good("/hello").reply(&app(&gate)).await;
    assert_eq!((response.status().as_u16(), field(&response, "retry-after")), (503, Some("7")));
    assert_eq!(source.refreshes(), 1);
}

#[tokio::test]
async fn request_dropped_while_waiting_leaves_nothing_behind() {
    let (source, gate) = late(false);
    let app = app(&gate);
    {
        let mut reply = Box::pin(good("/hello").reply(&app));
        assert!(reply.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(source.refreshes(), 1);
    }
    source.end_refresh(right());
    let response = good("/hello").reply(&app).await;
    assert_eq!((response.status().as_u16(), text(&response)), (200, "hello alice"));
}

#[tokio::test]
async fn protected_tree_waits_for_keys() {
    let (source, gate) = late(false);
    let app = protect(&gate, warp::path!("hello").map(|| "hello"));
    let (response, ()) = tokio::join!(good("/hello").reply(&app), async { source.end_refresh(right()) });
    assert_eq!(text(&response), "hello");
}

#[tokio::test]
async fn other_branches_are_tried_after_waiting() {
    let (source, late) = late(false);
    let first = claims(&late).map(|_: Claims<User>| "first");
    let second = claims(&gate()).map(|_: Claims<User>| "second");
    let app = warp::path!("hello").and(first.or(second)).recover(handle_rejection);
    let (response, ()) = tokio::join!(good("/hello").reply(&app), async { source.end_refresh(None) });
    assert_eq!(text(&response), "second");
    // The path still works as before.
    assert_eq!(get("/nowhere").reply(&app).await.status(), 404);
}
