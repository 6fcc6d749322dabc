//! Tests a remote key set behind a gate, through its public API and in simulated time. The issuer is a client
//! of the test.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test; small numbers"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tollgate::adapter::Decision;
use tollgate::{Algorithm, Audience, Gate, KeyRefresh, UnixTime, Verifier};
use tollgate_jwks::{
    FetchOutcome, HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse, KeySetHealth, KeySetStatus,
    RefreshSettings, RemoteKeySet, StartError,
};
use tollgate_testing::{BearerRequest, Forge, keys};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const URL: &str = "https://issuer.example/jwks";

/// The behavior of an issuer.
#[derive(Clone, Debug)]
enum Behaviour {
    Publish(Vec<Algorithm>),
    Fail(u16),
    Hang,
    Panic,
}

/// An issuer without a network. Each response takes 100 ms.
#[derive(Debug)]
struct Issuer {
    behaviour: Mutex<Behaviour>,
    asked: AtomicUsize,
    under_way: AtomicUsize,
}

impl Issuer {
    fn new(behaviour: Behaviour) -> Arc<Self> {
        let (asked, under_way) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { behaviour: Mutex::new(behaviour), asked, under_way })
    }

    fn publishing(algorithms: &[Algorithm]) -> Arc<Self> {
        Self::new(Behaviour::Publish(algorithms.to_vec()))
    }

    fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Counts pending requests, including those that are dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HttpClient for Issuer {
    fn get<'a>(&'a self, _request: HttpRequest<'a>) -> HttpFuture<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let _under_way = UnderWay(&self.under_way);
            let behaviour = self.behaviour.lock().unwrap().clone();
            tokio::time::sleep(Duration::from_millis(100)).await;
            match behaviour {
                Behaviour::Publish(algorithms) => {
                    let answer = HttpResponse::new(200, keys::jwk_set(&algorithms));
                    Ok::<_, HttpError>(answer.with_header("content-type", "application/json"))
                }
                Behaviour::Fail(status) => Ok(HttpResponse::new(status, "")),
                Behaviour::Hang => std::future::pending().await,
                Behaviour::Panic => panic!("a client with a bug"),
            }
        })
    }
}

fn settings() -> RefreshSettings {
    RefreshSettings::new().with_quick_retry(None)
}

fn builder(issuer: &Arc<Issuer>) -> tollgate_jwks::RemoteKeySetBuilder {
    RemoteKeySet::from_url(URL).with_client(Arc::clone(issuer)).with_settings(settings())
}

fn gate(keys: &RemoteKeySet) -> Gate {
    Gate::new(Verifier::new(
        keys.clone(),
        tollgate::Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
}

fn token(algorithm: Algorithm) -> String {
    Forge::new(ISSUER, AUDIENCE).with_algorithm(algorithm).token().sign()
}

fn forged(key_id: &str) -> String {
    Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es256).token().header("kid", key_id).sign()
}

/// Returns the status of the response that an adapter would send.
async fn ask(gate: &Gate, token: &str) -> u16 {
    BearerRequest::new(token).status_after_refresh(gate).await
}

/// Returns the status for a request that must not wait.
fn ask_at_once(gate: &Gate, token: &str) -> u16 {
    let status = BearerRequest::new(token).status(gate, gate.now());
    status.unwrap_or_else(|| panic!("the request would wait"))
}

fn awaited(gate: &Gate, token: &str) -> KeyRefresh {
    match gate.admit(&BearerRequest::new(token), gate.now()) {
        Decision::AwaitKeys(refresh) => refresh,
        other => panic!("{other:?}"),
    }
}

async fn pass(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

#[tokio::test(start_paused = true)]
async fn connecting_fails_fast() {
    for behaviour in [Behaviour::Fail(404), Behaviour::Hang, Behaviour::Publish(vec![])] {
        let issuer = Issuer::new(behaviour);
        let error = builder(&issuer).connect().await.unwrap_err();
        assert!(matches!(error, StartError::Fetch { .. }), "{error}");
        assert_eq!((issuer.asked(), issuer.under_way.load(Ordering::SeqCst)), (1, 0));
    }
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    assert_eq!(ask_at_once(&gate(&keys), &token(Algorithm::Es256)), 200);
}

#[test]
fn start_fails_when_setup_is_invalid() {
    let start = |builder: tollgate_jwks::RemoteKeySetBuilder| builder.start().unwrap_err();
    let issuer = Issuer::publishing(&[]);
    assert!(matches!(start(builder(&issuer)), StartError::NoRuntime));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    assert!(matches!(start(RemoteKeySet::from_url("http://issuer.example/")), StartError::Url { .. }));
    assert!(matches!(start(RemoteKeySet::from_url("http://127.0.0.1/")), StartError::Url { .. }));
    let settings = RefreshSettings::new().with_timeout(Duration::ZERO);
    assert!(matches!(start(builder(&issuer).with_settings(settings)), StartError::Settings(_)));
}

#[tokio::test(start_paused = true)]
async fn requests_get_503_until_there_are_keys() {
    let issuer = Issuer::new(Behaviour::Fail(404));
    let keys = builder(&issuer).start().unwrap();
    let gate = gate(&keys);
    let token = token(Algorithm::Es256);
    assert_eq!(keys.status().health(), KeySetHealth::Unavailable);
    assert_eq!(ask(&gate, &token).await, 503, "after the first fetch");
    assert_eq!(ask_at_once(&gate, &token), 503, "during the backoff no request waits");
    issuer.now(Behaviour::Publish(vec![Algorithm::Es256]));
    pass(2).await;
    assert_eq!(ask_at_once(&gate, &token), 200);
    assert_eq!(keys.status().health(), KeySetHealth::Fresh);
    assert_eq!(keys.status().count(FetchOutcome::Status), 1);
}

#[tokio::test(start_paused = true)]
async fn requests_share_the_first_fetch() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).start().unwrap();
    let (gate, token) = (gate(&keys), token(Algorithm::Es256));
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let (gate, token) = (gate.clone(), token.clone());
            tokio::spawn(async move { ask(&gate, &token).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(keys.status().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn key_rotation_costs_one_fetch_and_fails_no_request() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let gate = gate(&keys);
    let (old, new) = (token(Algorithm::Es256), token(Algorithm::Es384));
    assert_eq!(ask_at_once(&gate, &old), 200);
    issuer.now(Behaviour::Publish(vec![Algorithm::Es384]));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (gate, new) = (gate.clone(), new.clone());
            tokio::spawn(async move { ask(&gate, &new).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(ask_at_once(&gate, &old), 200, "a known key does not wait");
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(issuer.asked(), 2);
    // Removing the key invalidated the cached token.
    assert_eq!(ask_at_once(&gate, &old), 401);
}

#[tokio::test(start_paused = true)]
async fn removed_key_is_rejected_within_the_lifetime() {
    let issuer = Issuer::publishing(&[Algorithm::Es256, Algorithm::Es384]);
    let keys = builder(&issuer).connect().await.unwrap();
    let (gate, withdrawn) = (gate(&keys), token(Algorithm::Es256));
    assert_eq!(ask_at_once(&gate, &withdrawn), 200);
    issuer.now(Behaviour::Publish(vec![Algorithm::Es384]));
    pass(600).await;
    // The `kid` is now unknown, so the issuer is asked once.
    assert_eq!(ask(&gate, &withdrawn).await, 401);
    assert_eq!(ask_at_once(&gate, &withdrawn), 401);
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es384)), 200);
}

#[tokio::test(start_paused = true)]
async fn unchanged_document_keeps_cached_tokens() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let set = |keys: &RemoteKeySet| {
        let set = tollgate::KeySource::keys(keys, UnixTime::from_secs(0)).unwrap();
        // The same memory means the same set.
        std::ptr::from_ref(set.iter().next().unwrap()).addr()
    };
    let before = set(&keys);
    pass(3600).await;
    assert!(keys.status().count(FetchOutcome::Unchanged) >= 6);
    assert_eq!(set(&keys), before);
}

#[tokio::test(start_paused = true)]
async fn fetch_continues_when_client_disconnects() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let gate = gate(&keys);
    issuer.now(Behaviour::Publish(vec![Algorithm::Es384]));
    let mut first = awaited(&gate, &token(Algorithm::Es384));
    tokio::select! {
        biased;
        () = &mut first => panic!("not yet"),
        () = tokio::time::sleep(Duration::from_millis(50)) => drop(first),
    }
    let second = awaited(&gate, &token(Algorithm::Es384));
    second.await;
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es384)), 200);
    assert_eq!(issuer.asked(), 2, "the fetch that the first one caused");
}

#[tokio::test(start_paused = true)]
async fn keys_are_used_during_outage_until_too_stale() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let (gate, known) = (gate(&keys), token(Algorithm::Es256));
    issuer.now(Behaviour::Hang);
    pass(650).await;
    assert!(matches!(keys.status().health(), KeySetHealth::Stale { .. }));
    assert_eq!(ask_at_once(&gate, &known), 200);
    // The maximum staleness after the lifetime.
    pass(3600).await;
    assert_eq!(ask(&gate, &known).await, 503);
    let status = keys.status();
    assert_eq!(status.health(), KeySetHealth::Unavailable);
    assert!(status.consecutive_failures() > 40 && status.failures() == status.count(FetchOutcome::Timeout));
    assert!(status.last_failure().unwrap().cause().contains("5000 ms"));
    issuer.now(Behaviour::Publish(vec![Algorithm::Es256]));
    pass(80).await;
    assert_eq!(ask_at_once(&gate, &known), 200, "without a restart");
}

#[tokio::test(start_paused = true)]
async fn new_key_gets_503_during_outage() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let gate = gate(&keys);
    issuer.now(Behaviour::Fail(500));
    assert_eq!(ask(&gate, &token(Algorithm::Es384)).await, 503, "after asking");
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es384)), 503, "and in the cooldown");
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es256)), 200);
    assert_eq!(issuer.asked(), 2);
    issuer.now(Behaviour::Publish(vec![Algorithm::Es384]));
    pass(30).await;
    assert_eq!(ask(&gate, &token(Algorithm::Es384)).await, 200);
}

#[tokio::test(start_paused = true)]
async fn forged_key_ids_cause_one_fetch_per_cooldown() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let gate = gate(&keys);
    let first = awaited(&gate, &forged("first"));
    let second = awaited(&gate, &forged("second"));
    first.await;
    second.await;
    for n in 0..2000 {
        assert_eq!(ask_at_once(&gate, &forged(&n.to_string())), 401);
    }
    assert_eq!(issuer.asked(), 2);
    pass(30).await;
    assert_eq!(ask_at_once(&gate, &forged("first")), 401, "the negative cache has the key");
    assert_eq!(ask(&gate, &forged("third")).await, 401);
    assert_eq!(issuer.asked(), 3);
    assert!(keys.status().absent_keys() <= 1024);
}

#[tokio::test(start_paused = true)]
async fn number_of_waiting_requests_is_limited() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let set = builder(&issuer).with_settings(settings().with_max_waiting(10)).connect().await.unwrap();
    let gate = gate(&set);
    issuer.now(Behaviour::Hang);
    let waiting: Vec<KeyRefresh> = (0..10).map(|n| awaited(&gate, &forged(&n.to_string()))).collect();
    assert_eq!(set.status().waiting(), 10);
    tokio::task::yield_now().await;
    assert_eq!(ask_at_once(&gate, &forged("eleventh")), 503);
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es256)), 200);
    drop(waiting);
    assert_eq!(set.status().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn refreshing_stops_with_the_last_clone() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let keys = builder(&issuer).connect().await.unwrap();
    let gate = gate(&keys);
    issuer.now(Behaviour::Hang);
    let waiting = awaited(&gate, &token(Algorithm::Es384));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(issuer.under_way.load(Ordering::SeqCst), 1);
    drop(keys);
    assert_eq!(issuer.under_way.load(Ordering::SeqCst), 1, "the gate holds a clone");
    drop(gate);
    // Waiting requests are released, long before the timeout.
    tokio::time::timeout(Duration::from_millis(1), waiting).await.expect("an end");
    tokio::task::yield_now().await;
    assert_eq!(issuer.under_way.load(Ordering::SeqCst), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    let asked = issuer.asked();
    pass(10_000).await;
    assert_eq!(issuer.asked(), asked);
    assert_eq!(Arc::strong_count(&issuer), 1);
}

#[tokio::test(start_paused = true)]
async fn fetch_fails_when_client_panics() {
    let issuer = Issuer::new(Behaviour::Panic);
    let keys = builder(&issuer).start().unwrap();
    let (gate, token) = (gate(&keys), token(Algorithm::Es256));
    assert_eq!(ask(&gate, &token).await, 503);
    issuer.now(Behaviour::Publish(vec![Algorithm::Es256]));
    pass(2).await;
    assert_eq!(ask_at_once(&gate, &token), 200);
}

/// Two issuers under one gate. One does not answer.
#[tokio::test(start_paused = true)]
async fn hanging_issuer_does_not_delay_another_issuer() {
    let (good, bad) = (Issuer::publishing(&[Algorithm::Es256]), Issuer::new(Behaviour::Hang));
    let good_keys = builder(&good).connect().await.unwrap();
    let bad_keys = builder(&bad).start().unwrap();
    let gate = gate(&good_keys)
        .with_verifier(Verifier::new(
            bad_keys.clone(),
            tollgate::Issuer::new("https://other.example").unwrap(),
            Audience::new(AUDIENCE).unwrap(),
        ))
        .unwrap();
    let of_bad =
        Forge::new("https://other.example", AUDIENCE).with_algorithm(Algorithm::Es256).token().sign();
    let stuck = awaited(&gate, &of_bad);
    assert_eq!(ask_at_once(&gate, &token(Algorithm::Es256)), 200);
    good.now(Behaviour::Publish(vec![Algorithm::Es384]));
    let began = tokio::time::Instant::now();
    assert_eq!(ask(&gate, &token(Algorithm::Es384)).await, 200);
    assert_eq!(began.elapsed(), Duration::from_millis(100), "one fetch of the simulated issuer");
    stuck.await;
    assert_eq!(began.elapsed(), Duration::from_secs(5), "the timeout");
    assert_eq!(ask_at_once(&gate, &of_bad), 503);
    let metrics = KeySetStatus::prometheus([&good_keys.status(), &bad_keys.status()]);
    assert!(
        metrics.contains(
            "tollgate_jwks_refreshes_total{keys=\"https://issuer.example/jwks\",outcome=\"new\"} 2"
        )
    );
    assert!(metrics.contains("state=\"unavailable\"} 1") && metrics.contains("outcome=\"timeout\"} 1"));
}

/// Readers on other threads, while keys are replaced, see the old set or the new one, and never wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_readers_see_complete_sets() {
    let issuer = Issuer::publishing(&[Algorithm::Es256]);
    let settings = settings()
        .with_lifetime(Duration::from_millis(10))
        .with_lifetime_bounds(Duration::from_millis(10), Duration::from_millis(10))
        .with_cooldown(Duration::ZERO);
    let keys = builder(&issuer).with_settings(settings).connect().await.unwrap();
    let gate = gate(&keys);
    let done = Arc::new(Notify::new());
    let reader = {
        let (gate, done) = (gate.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let token = token(Algorithm::Es256);
            let mut count = 0_u32;
            loop {
                tokio::select! {
                    biased;
                    () = done.notified() => return count,
                    status = ask(&gate, &token) => assert_eq!(status, 200),
                }
                count += 1;
            }
        })
    };
    for round in 0..20 {
        let other = if round % 2 == 0 { Algorithm::Es384 } else { Algorithm::EdDsa };
        issuer.now(Behaviour::Publish(vec![Algorithm::Es256, other]));
        assert_eq!(ask(&gate, &token(other)).await, 200);
    }
    done.notify_one();
    assert!(reader.await.unwrap() > 0);
}
