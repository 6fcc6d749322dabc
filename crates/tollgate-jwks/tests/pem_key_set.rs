//! Tests a set of PEM keys behind a gate, through its public API and in simulated time.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::adapter::Decision;
use tollgate::{Algorithm, Audience, Gate, Issuer, KeySource as _, UnixTime, Verifier};
use tollgate_jwks::{
    HttpClient, HttpFuture, HttpRequest, HttpResponse, PemKeySet, PemKeySetSettings, StartError,
};
use tollgate_testing::{BearerRequest, Forge};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const KNOWN: &str = "0b5d4f0e-6f1c-4a34-9d52-0c6a3c0f9f11";

/// The public key of `keys::signing(Es256)`.
const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/EMYey9HqoaXLhgeiAUxixR6g5hj\n\
    AHzLrDn5xxhGlz3yO8QfeanUpk3JwbXKfcmVJhqdGD/oRms4u7SN71Tk3w==\n\
    -----END PUBLIC KEY-----\n";

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Fails,
    Hangs,
    Panics,
}

/// A server of keys. Each answer takes 100 ms.
#[derive(Debug, Default)]
struct Server {
    keys: Mutex<HashMap<String, &'static str>>,
    trouble: Mutex<Option<Trouble>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    fn publish(&self, key_id: &str) {
        self.keys.lock().unwrap().insert(key_id.to_owned(), PEM);
    }

    fn remove(&self, key_id: &str) {
        self.keys.lock().unwrap().remove(key_id);
    }

    fn begin(&self, trouble: impl Into<Option<Trouble>>) {
        *self.trouble.lock().unwrap() = trouble.into();
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl HttpClient for Server {
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
        let key_id = request.url().strip_prefix("https://keys.example/eu/").unwrap().to_owned();
        self.asked.lock().unwrap().push(key_id.clone());
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let trouble = *self.trouble.lock().unwrap();
            match trouble {
                None => {}
                Some(Trouble::Fails) => return Ok(HttpResponse::new(500, "")),
                Some(Trouble::Hangs) => std::future::pending().await,
                Some(Trouble::Panics) => panic!("a client with a bug"),
            }
            let key = self.keys.lock().unwrap().get(&key_id).copied();
            Ok(key.map_or_else(|| HttpResponse::new(404, ""), |key| HttpResponse::new(200, key)))
        })
    }
}

fn settings() -> PemKeySetSettings {
    PemKeySetSettings::new()
}

fn start(settings: PemKeySetSettings) -> (Arc<Server>, PemKeySet, Gate) {
    let server = Arc::new(Server::default());
    server.publish(KNOWN);
    let keys = PemKeySet::from_url("https://keys.example/eu/", Algorithm::Es256)
        .with_client(Arc::clone(&server))
        .with_settings(settings)
        .start()
        .unwrap();
    let (issuer, audience) = (Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let gate = Gate::new(Verifier::new(keys.clone(), issuer, audience));
    (server, keys, gate)
}

fn token(key_id: &str) -> String {
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

async fn pass(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

#[tokio::test(start_paused = true)]
async fn new_key_is_fetched_once_for_all_requests() {
    let (server, keys, gate) = start(settings());
    let token = token(KNOWN);
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (gate, token) = (gate.clone(), token.clone());
            tokio::spawn(async move { ask(&gate, &token).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(server.asked(), 1);
    assert_eq!(ask_at_once(&gate, &token), 200);
    assert_eq!(ask(&gate, &self::token("forged")).await, 401);
    assert_eq!(ask_at_once(&gate, &self::token("forged")), 401, "the negative cache");
    assert_eq!(ask_at_once(&gate, &token), 200);
    let status = keys.status();
    assert_eq!((status.found(), status.unknown(), status.keys(), status.absent_keys()), (1, 1, 1, 1));
    assert_eq!((status.waited(), status.refused(), status.waiting(), server.asked()), (51, 1, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn keys_are_confirmed_in_the_background_and_keep_their_set() {
    let (server, keys, gate) = start(settings());
    server.publish("other");
    assert_eq!((ask(&gate, &token(KNOWN)).await, ask(&gate, &token("other")).await), (200, 200));
    let id = keys.key_set_id(UnixTime::from_secs(0)).unwrap();
    for _ in 0..100 {
        pass(120).await;
        // Requests with one key also refresh the other.
        assert_eq!(ask_at_once(&gate, &token(KNOWN)), 200);
        ask(&gate, &token("forged")).await;
    }
    assert_eq!(ask_at_once(&gate, &token("other")), 200);
    assert_eq!(keys.key_set_id(UnixTime::from_secs(0)).unwrap(), id, "cached tokens stay verified");
    let status = keys.status();
    assert_eq!((status.found(), status.unchanged(), status.failed()), (2, 8, 0));
}

#[tokio::test(start_paused = true)]
async fn removed_key_is_rejected_within_the_lifetime() {
    let (server, _keys, gate) = start(settings());
    let cached = token(KNOWN);
    assert_eq!(ask(&gate, &cached).await, 200);
    server.remove(KNOWN);
    assert_eq!(ask_at_once(&gate, &cached), 200, "within the lifetime");
    pass(2881).await;
    assert_eq!(ask_at_once(&gate, &cached), 200, "begins the fetch");
    pass(1).await;
    assert_eq!(ask_at_once(&gate, &cached), 401, "also a token in the gate's cache");
    server.publish(KNOWN);
    pass(60).await;
    assert_eq!(ask(&gate, &cached).await, 200);
    server.remove(KNOWN);
    pass(3600).await;
    assert_eq!(ask(&gate, &cached).await, 401, "after a pause, the first request waits");
}

#[tokio::test(start_paused = true)]
async fn outage_is_bridged_and_new_keys_get_503() {
    for trouble in [Trouble::Fails, Trouble::Hangs, Trouble::Panics] {
        let (server, keys, gate) = start(settings());
        assert_eq!(ask(&gate, &token(KNOWN)).await, 200);
        server.begin(trouble);
        assert_eq!(ask(&gate, &token("new")).await, 503, "{trouble:?}");
        assert_eq!(ask_at_once(&gate, &token("new")), 503, "no second fetch within the pause");
        assert_eq!(ask_at_once(&gate, &token(KNOWN)), 200);
        pass(3610).await;
        assert_eq!(ask(&gate, &token(KNOWN)).await, 200, "the old key, after a failed fetch");
        assert_eq!(ask_at_once(&gate, &token(KNOWN)), 200);
        pass(3600).await;
        assert_eq!(ask(&gate, &token(KNOWN)).await, 503, "beyond the maximum age");
        let status = keys.status();
        assert!(status.failed() >= 3 && status.consecutive_failures() >= 3, "{status:?}");
        assert!(status.last_failure().is_some() && status.waiting() == 0, "{status:?}");
        server.begin(None);
        pass(5).await;
        assert_eq!(ask(&gate, &token(KNOWN)).await, 200);
        assert_eq!(ask(&gate, &token("new")).await, 401, "the issuer answers again");
    }
}

#[tokio::test(start_paused = true)]
async fn forged_key_ids_cost_few_fetches_and_delay_no_known_key() {
    let (server, keys, gate) = start(settings());
    assert_eq!(ask(&gate, &token(KNOWN)).await, 200);
    let mut waiting = Vec::new();
    for n in 0..10_000 {
        let (asking, forged) = (gate.clone(), token(&format!("forged-{n}")));
        waiting.push(tokio::spawn(async move { ask(&asking, &forged).await }));
        if n % 100 == 0 {
            tokio::task::yield_now().await;
            assert_eq!(ask_at_once(&gate, &token(KNOWN)), 200);
        }
    }
    let mut rejected = 0;
    for request in waiting {
        let status = request.await.unwrap();
        assert!(matches!(status, 401 | 503), "{status}");
        rejected += usize::from(status == 401);
    }
    assert_eq!((server.asked() - 1, rejected), (7, 7), "the burst, of which the known key took one");
    assert_eq!(ask_at_once(&gate, &token("forged-0")), 401, "the negative cache");
    server.publish("new");
    assert_eq!(ask_at_once(&gate, &token("new")), 503, "not fetched yet");
    let status = keys.status();
    assert!(status.absent_keys() <= 1024 && status.keys() == 1 && status.waiting() == 0, "{status:?}");
    // Keys that are due do not depend on the rate.
    pass(3000).await;
    assert_eq!(ask_at_once(&gate, &token(KNOWN)), 200);
    pass(1).await;
    assert_eq!(keys.status().unchanged(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_no_key_can_verify_cause_no_fetch() {
    let (server, keys, gate) = start(settings());
    let longest = "k".repeat(65);
    for key_id in ["", "../admin", "a/b", "a.pem", "a?b", "%2e%2e", "a b", "//evil.example", "ä", &*longest]
    {
        assert_eq!(ask_at_once(&gate, &token(key_id)), 401, "{key_id}");
    }
    let forge = || Forge::new(ISSUER, AUDIENCE);
    let without = forge().with_algorithm(Algorithm::Es256).token().without_header("kid").sign();
    assert_eq!(ask_at_once(&gate, &without), 401, "no key ID");
    let other = forge().with_algorithm(Algorithm::Es384).token().header("kid", KNOWN).sign();
    assert_eq!(ask_at_once(&gate, &other), 401, "another algorithm");
    assert_eq!((server.asked(), keys.status().absent_keys()), (0, 0));

    assert_eq!(ask(&gate, &token(KNOWN)).await, 200);
    let forged =
        forge().with_algorithm(Algorithm::Es256).token().header("kid", KNOWN).with_signature(&[7; 64]);
    assert_eq!(ask_at_once(&gate, &forged), 401, "another signature under a known key ID");
    server.begin(Trouble::Fails);
    assert_eq!(ask(&gate, &token("new")).await, 503);
    assert_eq!(ask_at_once(&gate, &forged), 401, "also in an outage");
    assert_eq!(ask_at_once(&gate, &token("a/b")), 401, "also in an outage");
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn oldest_key_is_evicted_and_fetched_again_when_it_is_used() {
    let (server, keys, gate) = start(settings().with_max_keys(2));
    for key_id in ["a", "b", "c"] {
        server.publish(key_id);
        assert_eq!(ask(&gate, &token(key_id)).await, 200);
        pass(2).await;
    }
    assert_eq!((keys.status().keys(), server.asked()), (2, 3));
    assert_eq!((ask_at_once(&gate, &token("b")), ask_at_once(&gate, &token("c"))), (200, 200));
    assert_eq!((ask(&gate, &token("a")).await, server.asked()), (200, 4));
}

#[tokio::test(start_paused = true)]
async fn fetches_end_with_the_key_set() {
    let (server, keys, gate) = start(settings());
    server.begin(Trouble::Hangs);
    let Decision::AwaitKeys(refresh) = gate.admit(&BearerRequest::new(&token(KNOWN)), gate.now()) else {
        panic!("a fetch");
    };
    pass(1).await;
    assert_eq!((keys.status().fetches_in_flight(), keys.status().waiting()), (1, 1));
    drop((refresh, gate));
    assert_eq!(keys.status().waiting(), 0);
    drop(keys);
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&server), 1);
}

#[test]
fn key_set_needs_a_runtime() {
    let builder = PemKeySet::from_url("https://keys.example/", Algorithm::Es256);
    assert!(matches!(builder.with_client(Server::default()).start(), Err(StartError::NoRuntime)));
}
