//! Tests a directory of verifiers behind a gate, through its public API and in simulated time.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::adapter::Decision;
use tollgate::{Algorithm, Audience, Gate, Issuer, Verifier, VerifierSource};
use tollgate_jwks::{
    HttpClient, HttpFuture, HttpRequest, HttpResponse, LookupOutcome, LookupRequest, RemoteKeySet,
    StartError, VerifierDirectory, VerifierDirectorySettings,
};
use tollgate_testing::{BearerRequest, Forge, keys};

const OWN: &str = "https://own.example";
const AUDIENCE: &str = "api://demo";

/// What the database says about an issuer.
#[derive(Clone, Debug)]
enum Tenant {
    Active,
    Unchanged,
    Fails,
    Hangs,
    Panics,
}

/// A database of tenants. Each query takes 100 ms.
#[derive(Debug, Default)]
struct Database {
    tenants: Mutex<HashMap<String, Tenant>>,
    asked: Mutex<Vec<String>>,
    under_way: AtomicUsize,
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Database {
    fn set(&self, issuer: &str, tenant: impl Into<Option<Tenant>>) {
        let mut tenants = self.tenants.lock().unwrap();
        match tenant.into() {
            Some(tenant) => tenants.insert(issuer.to_owned(), tenant),
            None => tenants.remove(issuer),
        };
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn lookup(self: Arc<Self>, request: LookupRequest) -> Result<LookupOutcome, std::io::Error> {
        let issuer = request.issuer().as_str().to_owned();
        self.asked.lock().unwrap().push(issuer.clone());
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        let tenant = self.tenants.lock().unwrap().get(&issuer).cloned();
        tokio::time::sleep(Duration::from_millis(100)).await;
        match tenant {
            Some(Tenant::Active) => Ok(verifier(&issuer).into()),
            Some(Tenant::Unchanged) => Ok(LookupOutcome::Unchanged),
            Some(Tenant::Fails) => Err(std::io::Error::other("the database is down")),
            Some(Tenant::Hangs) => std::future::pending().await,
            Some(Tenant::Panics) => panic!("a lookup with a bug"),
            None => Ok(LookupOutcome::Unknown),
        }
    }
}

fn verifier(issuer: &str) -> Verifier {
    Verifier::new(
        keys::verifying(Algorithm::Es256),
        Issuer::new(issuer).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    )
}

fn settings() -> VerifierDirectorySettings {
    VerifierDirectorySettings::new()
}

fn start(settings: VerifierDirectorySettings) -> (Arc<Database>, VerifierDirectory, Gate) {
    let database = Arc::new(Database::default());
    let lookups = Arc::clone(&database);
    let directory =
        VerifierDirectory::new(move |request| Arc::clone(&lookups).lookup(request), settings).unwrap();
    let gate = Gate::new(verifier(OWN)).with_verifier_source(directory.clone());
    (database, directory, gate)
}

fn token(issuer: &str) -> String {
    Forge::new(issuer, AUDIENCE).with_algorithm(Algorithm::Es256).token().sign()
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
async fn new_tenant_is_looked_up_once_for_all_requests() {
    let (database, directory, gate) = start(settings());
    database.set("https://a.example", Tenant::Active);
    let token = token("https://a.example");
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (gate, token) = (gate.clone(), token.clone());
            tokio::spawn(async move { ask(&gate, &token).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(database.asked(), 1);
    assert_eq!(ask_at_once(&gate, &token), 200);
    assert_eq!(ask(&gate, &self::token("https://b.example")).await, 401);
    assert_eq!(ask_at_once(&gate, &self::token("https://b.example")), 401, "the negative cache");
    assert_eq!(ask_at_once(&gate, &self::token(OWN)), 200, "the gate's own issuer");
    let status = directory.status();
    assert_eq!((status.found(), status.unknown(), status.verifiers(), status.absent_issuers()), (1, 1, 1, 1));
    assert_eq!((status.waited(), status.refused(), status.waiting(), database.asked()), (51, 1, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn tenant_that_is_removed_is_rejected() {
    let (database, directory, gate) = start(settings());
    let [a, b] = ["https://a.example", "https://b.example"];
    database.set(a, Tenant::Active);
    database.set(b, Tenant::Active);
    assert_eq!((ask(&gate, &token(a)).await, ask(&gate, &token(b)).await), (200, 200));
    let cached = token(a);
    assert_eq!(ask_at_once(&gate, &cached), 200);
    database.set(a, None);
    database.set(b, None);
    assert_eq!(ask_at_once(&gate, &cached), 200, "within the lifetime");
    directory.invalidate(&Issuer::new(a).unwrap());
    assert_eq!(ask(&gate, &cached).await, 401, "also a token in the gate's cache");
    pass(300).await;
    assert_eq!(ask(&gate, &token(b)).await, 401, "a lifetime later");
    // A tenant that comes back need not wait for the negative cache.
    database.set(a, Tenant::Active);
    directory.invalidate(&Issuer::new(a).unwrap());
    assert_eq!(ask(&gate, &cached).await, 200);
}

#[tokio::test(start_paused = true)]
async fn verifier_is_confirmed_in_the_background() {
    let (database, directory, gate) = start(settings());
    let a = "https://a.example";
    database.set(a, Tenant::Active);
    assert_eq!(ask(&gate, &token(a)).await, 200);
    let first = directory.verifier(a).unwrap();
    database.set(a, Tenant::Unchanged);
    for _ in 0..20 {
        pass(60).await;
        assert_eq!(ask_at_once(&gate, &token(a)), 200);
    }
    assert!(Arc::ptr_eq(&first, &directory.verifier(a).unwrap()));
    assert_eq!((directory.status().unchanged(), directory.status().failed()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn outage_is_bridged_and_new_tenants_get_503() {
    for trouble in [Tenant::Fails, Tenant::Hangs, Tenant::Panics] {
        let (database, directory, gate) = start(settings());
        let [known, new] = ["https://known.example", "https://new.example"];
        database.set(known, Tenant::Active);
        assert_eq!(ask(&gate, &token(known)).await, 200);
        database.set(known, trouble.clone());
        database.set(new, trouble.clone());
        assert_eq!(ask(&gate, &token(new)).await, 503, "{trouble:?}");
        assert_eq!(ask_at_once(&gate, &token(new)), 503, "no second lookup within the pause");
        assert_eq!(ask_at_once(&gate, &token(known)), 200);
        pass(310).await;
        assert_eq!(ask(&gate, &token(known)).await, 200, "the old verifier, after a failed lookup");
        assert_eq!(ask_at_once(&gate, &token(known)), 200);
        pass(3600).await;
        assert_eq!(ask(&gate, &token(known)).await, 503, "beyond the maximum age");
        let status = directory.status();
        assert!(status.failed() >= 3 && status.last_failure().is_some(), "{status:?}");
        assert_eq!((status.waiting(), status.lookups_in_flight()), (0, 0));
        assert_eq!(database.under_way.load(Ordering::SeqCst), 0);
        database.set(known, Tenant::Active);
        pass(5).await;
        assert_eq!(ask(&gate, &token(known)).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn made_up_issuers_cost_few_lookups_and_delay_no_known_issuer() {
    let (database, directory, gate) = start(settings().with_max_verifiers(2));
    let known = "https://known.example";
    database.set(known, Tenant::Active);
    assert_eq!(ask(&gate, &token(known)).await, 200);
    let mut waiting = Vec::new();
    for n in 0..10_000 {
        let (asking, forged) = (gate.clone(), token(&format!("https://made-up-{n}.example")));
        waiting.push(tokio::spawn(async move { ask(&asking, &forged).await }));
        if n % 100 == 0 {
            tokio::task::yield_now().await;
            assert_eq!(ask_at_once(&gate, &token(known)), 200);
        }
    }
    let mut rejected = 0;
    for request in waiting {
        let status = request.await.unwrap();
        assert!(matches!(status, 401 | 503), "{status}");
        rejected += usize::from(status == 401);
    }
    assert_eq!((database.asked() - 1, rejected), (16, 16), "the lookups in flight; the others are undecided");
    let status = directory.status();
    assert!(status.absent_issuers() <= 4096 && status.verifiers() == 1, "{status:?}");
}

/// Sends this many requests of an issuer, which wait or are rejected.
fn send(gate: &Gate, issuer: &str, count: usize) -> Vec<tokio::task::JoinHandle<u16>> {
    let token = token(issuer);
    let one = |_| {
        let (gate, token) = (gate.clone(), token.clone());
        tokio::spawn(async move { ask(&gate, &token).await })
    };
    (0..count).map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn slow_tenants_take_no_place_of_others() {
    let (database, directory, gate) = start(settings().with_max_waiting(8));
    let [known, slow_known, slow, new] =
        ["known", "slow-known", "slow", "new"].map(|name| format!("https://{name}.example"));
    for tenant in [&known, &slow_known, &new] {
        database.set(tenant, Tenant::Active);
    }
    assert_eq!((ask(&gate, &token(&known)).await, ask(&gate, &token(&slow_known)).await), (200, 200));
    pass(300).await;
    database.set(&slow, Tenant::Hangs);
    database.set(&slow_known, Tenant::Hangs);
    let (waiting, waiting_known) = (send(&gate, &slow, 100), send(&gate, &slow_known, 100));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(directory.status().waiting(), 2 + 2, "a quarter each");
    assert_eq!(ask_at_once(&gate, &token(&slow)), 503);
    assert_eq!(ask(&gate, &token(&known)).await, 200, "an expired verifier");
    assert_eq!(ask(&gate, &token(&new)).await, 200, "a new tenant");
    for request in waiting {
        assert_eq!(request.await.unwrap(), 503);
    }
    for request in waiting_known {
        assert!(matches!(request.await.unwrap(), 200 | 503), "the old verifier, or too many");
    }
    assert_eq!(directory.status().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn known_tenant_without_a_place_is_looked_up_for_later_requests() {
    let (database, _directory, gate) = start(settings().with_max_waiting(1));
    let [known, slow] = ["https://known.example", "https://slow.example"];
    database.set(known, Tenant::Active);
    database.set(slow, Tenant::Active);
    assert_eq!((ask(&gate, &token(known)).await, ask(&gate, &token(slow)).await), (200, 200));
    pass(300).await;
    database.set(slow, Tenant::Hangs);
    let waiting = send(&gate, slow, 1);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ask_at_once(&gate, &token(known)), 503);
    pass(1).await;
    assert_eq!(ask_at_once(&gate, &token(known)), 200, "when the client retries");
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200, "the old verifier");
    }
}

#[tokio::test(start_paused = true)]
async fn flood_of_made_up_issuers_makes_no_good_token_401() {
    let (database, directory, gate) = start(settings().with_max_waiting(4));
    let [known, new] = ["https://known.example", "https://new.example"];
    database.set(known, Tenant::Active);
    database.set(new, Tenant::Active);
    assert_eq!(ask(&gate, &token(known)).await, 200);
    pass(300).await;
    let flood: Vec<_> =
        (0..100).flat_map(|n| send(&gate, &format!("https://made-up-{n}.example"), 1)).collect();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(directory.status().waiting(), 4, "all places for unknown issuers");
    assert_eq!(ask_at_once(&gate, &token(new)), 503, "the pool");
    assert_eq!(ask(&gate, &token(known)).await, 200, "an expired verifier");
    for request in flood {
        request.await.unwrap();
    }
    assert_eq!(ask_at_once(&gate, &token("https://made-up-0.example")), 401, "the negative cache");
    assert_eq!(ask(&gate, &token(new)).await, 200, "as soon as there is room");

    let (database, _directory, gate) = start(settings().with_lookup_rate(Duration::from_secs(1), 1));
    database.set(new, Tenant::Active);
    assert_eq!(ask(&gate, &token("https://made-up.example")).await, 401);
    assert_eq!(ask_at_once(&gate, &token(new)), 503, "the rate");
    pass(1).await;
    assert_eq!(ask(&gate, &token(new)).await, 200);
}

#[tokio::test(start_paused = true)]
async fn looked_up_issuer_is_401_also_without_a_negative_cache() {
    let (database, _directory, gate) = start(settings().with_negative_cache(0, Duration::ZERO));
    for lookups in 1..4 {
        for request in send(&gate, "https://made-up.example", 10) {
            assert_eq!(request.await.unwrap(), 401);
        }
        assert_eq!(database.asked(), lookups);
    }
}

#[tokio::test(start_paused = true)]
async fn issuers_that_cannot_be_are_not_looked_up() {
    let (database, directory, gate) = start(settings());
    for issuer in ["x".repeat(513), " x".to_owned(), "a\u{7}".to_owned()] {
        assert_eq!(ask_at_once(&gate, &token(&issuer)), 401, "{issuer}");
    }
    assert_eq!((database.asked(), directory.status().absent_issuers()), (0, 0));
    assert_eq!(ask(&gate, &token(&"x".repeat(512))).await, 401);
    assert_eq!(database.asked(), 1);
}

/// A lookup that trusts an issuer with a verifier for another one gives nothing away.
#[tokio::test(start_paused = true)]
async fn verifier_of_another_issuer_is_not_used() {
    let lookup =
        |_request: LookupRequest| async { Ok::<_, StartError>(verifier("https://a.example").into()) };
    let directory = VerifierDirectory::new(lookup, settings()).unwrap();
    let gate = Gate::new(verifier(OWN)).with_verifier_source(directory);
    assert_eq!(ask(&gate, &token("https://evil.example")).await, 401);
    assert_eq!(ask(&gate, &token("https://a.example")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn lookups_end_with_the_directory() {
    let (database, directory, gate) = start(settings());
    database.set("https://a.example", Tenant::Hangs);
    let Decision::AwaitKeys(refresh) =
        gate.admit(&BearerRequest::new(&token("https://a.example")), gate.now())
    else {
        panic!("a lookup");
    };
    pass(1).await;
    assert_eq!((database.under_way.load(Ordering::SeqCst), directory.status().waiting()), (1, 1));
    drop((refresh, gate));
    assert_eq!(directory.status().waiting(), 0);
    drop(directory);
    tokio::task::yield_now().await;
    assert_eq!(database.under_way.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&database), 1);
}

/// Publishes the same keys for every URL, and counts its users.
#[derive(Debug)]
struct Network;

impl HttpClient for Network {
    fn get<'a>(&'a self, _request: HttpRequest<'a>) -> HttpFuture<'a> {
        Box::pin(async { Ok(HttpResponse::new(200, keys::jwk_set(&[Algorithm::Es256]))) })
    }
}

#[tokio::test(start_paused = true)]
async fn evicted_verifier_ends_the_refreshing_of_its_keys() {
    let network = Arc::new(Network);
    let shared = Arc::clone(&network);
    let lookup = move |request: LookupRequest| {
        let client = Arc::clone(&shared);
        async move {
            let issuer = request.issuer().clone();
            let keys = RemoteKeySet::from_url(format!("{issuer}/keys")).with_client(client).connect().await?;
            let verifier = Verifier::new(keys, issuer, Audience::new(AUDIENCE).unwrap());
            Ok::<LookupOutcome, StartError>(verifier.into())
        }
    };
    let directory = VerifierDirectory::new(lookup, settings().with_max_verifiers(2)).unwrap();
    let gate = Gate::new(verifier(OWN)).with_verifier_source(directory.clone());
    for n in 0..5 {
        assert_eq!(ask(&gate, &token(&format!("https://tenant-{n}.example"))).await, 200);
        pass(2).await;
    }
    assert_eq!(directory.status().verifiers(), 2);
    // One for this test, one in the lookup, and one for each key set.
    assert_eq!(Arc::strong_count(&network), 2 + 2);
}

#[test]
fn directory_needs_a_runtime_and_valid_settings() {
    let lookup = |_request: LookupRequest| async { Ok::<_, StartError>(LookupOutcome::Unknown) };
    assert!(matches!(VerifierDirectory::new(lookup, settings()), Err(StartError::NoRuntime)));
    let error = VerifierDirectory::new(lookup, settings().with_max_lookups(0)).unwrap_err();
    assert!(matches!(error, StartError::Settings(_)), "{error}");
}
