//! A real OpenID provider (`oidc-provider` from npm): the example applications find its keys by discovery, accept its
//! access tokens, and see nothing of its rotations.

mod provider;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tollgate_conformance::app::{App, PACKAGES, scratch};
use tollgate_conformance::client::{Response, send};
use tollgate_conformance::services;

use provider::Provider;

/// How long keys are used before they are fetched again, in seconds: the bound for a withdrawn key.
const LIFETIME: &str = "2";
const CLIENTS: usize = 50;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match Provider::start() {
        Some(_) => vec![
            trial("every_application_accepts_its_tokens", every_application_accepts_its_tokens),
            trial("fifty_clients_see_no_rotation", fifty_clients_see_no_rotation),
        ],
        None => vec![missing()],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok::<_, Failed>(())
    })
}

/// One ignored test where the program is not there; a failing one where it has to be.
fn missing() -> Trial {
    let message = "oidc-provider is not installed; run `npm ci` in tests/provider";
    Trial::test("oidc_provider::is_installed", move || Err(Failed::from(message)))
        .with_ignored_flag(!services::required())
}

fn start_all(provider: &Provider, data: &Path) -> Vec<App> {
    let environment = [
        ("TOLLGATE_DISCOVER", "1"),
        ("TOLLGATE_ISSUER", &*provider.issuer),
        ("TOLLGATE_AUDIENCE", &*provider.audience),
        ("TOLLGATE_JWKS_LIFETIME", LIFETIME),
    ];
    PACKAGES.iter().map(|package| App::start(package, data, &environment)).collect()
}

fn get(app: &App, path: &str, token: &str) -> Response {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n",
        app.address
    );
    send(app.address, request.as_bytes())
}

fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.body))
}

fn every_application_accepts_its_tokens() {
    let (provider, data) = (Provider::start().expect("a provider"), scratch("provider"));
    let (service, user) = (provider.token("client_credentials"), provider.token("authorization_code"));
    for app in start_all(&provider, &data) {
        let me = get(&app, "/me", &service);
        assert_eq!(me.status, 200, "{}", me.body);
        assert_eq!(json(&me)["claims"]["client_id"], "service");
        let me = get(&app, "/me", &user);
        assert_eq!((me.status, json(&me)["sub"].as_str()), (200, Some("alice")));
        assert_eq!(get(&app, "/items", &user).status, 200, "the scope that was consented to");
        let (signed, signature) = user.rsplit_once('.').expect("three parts");
        let tampered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        assert_eq!(get(&app, "/me", &tampered).status, 401);
        let ready = get(&app, "/readyz", "");
        let keys = &json(&ready)["keys"];
        assert_eq!((ready.status, keys["state"].as_str()), (200, Some("fresh")), "{}", ready.body);
        assert_eq!((keys["usable"].as_u64(), keys["failures"].as_u64()), (Some(1), Some(0)));
        let metrics = get(&app, "/metrics", "").body;
        assert!(
            metrics.contains("tollgate_jwks_health{") && metrics.contains("outcome=\"new\"} 1"),
            "{metrics}"
        );
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// What the fifty clients share.
struct Traffic {
    apps: Vec<App>,
    token: RwLock<String>,
    answered: AtomicU64,
    stop: AtomicBool,
}

impl Traffic {
    /// Every client asks every application in turn. Any answer but 200 is a failure.
    fn client(&self, number: usize) {
        let mut turn = number;
        while !self.stop.load(Ordering::SeqCst) {
            let token = self.token.read().expect("a token").clone();
            let response = get(&self.apps[turn % self.apps.len()], "/me", &token);
            assert_eq!(response.status, 200, "{}", response.body);
            self.answered.fetch_add(1, Ordering::SeqCst);
            turn += 1;
        }
    }

    /// Waits until so many more requests were answered.
    fn pass(&self, requests: u64) {
        let goal = self.answered.load(Ordering::SeqCst) + requests;
        wait_until(|| self.answered.load(Ordering::SeqCst) >= goal);
    }

    fn use_token(&self, token: String) {
        *self.token.write().expect("a token") = token;
    }

    /// Refreshes that each application has made.
    fn refreshes(&self) -> Vec<u64> {
        let count = |app: &App| {
            let ready = json(&get(app, "/readyz", ""));
            let outcomes = ready["keys"]["refreshes"].as_object().expect("counts").clone();
            outcomes.values().filter_map(Value::as_u64).sum()
        };
        self.apps.iter().map(count).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it took is reported, not judged")]
fn fifty_clients_see_no_rotation() {
    let (provider, data) = (Provider::start().expect("a provider"), scratch("rotation"));
    let first = provider.token("client_credentials");
    let traffic = Arc::new(Traffic {
        apps: start_all(&provider, &data),
        token: RwLock::new(first.clone()),
        answered: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let traffic = Arc::clone(&traffic);
            std::thread::spawn(move || {
                // A client that fails ends the test, and the others with it.
                let failed = Failing(Arc::clone(&traffic));
                traffic.client(number);
                drop(failed);
            })
        })
        .collect();
    traffic.pass(500);

    // A new key signs at once; the old one stays published. Both kinds of tokens are good.
    provider.ask("rotate");
    traffic.pass(200);
    traffic.use_token(provider.token("authorization_code"));
    traffic.pass(1000);
    for app in &traffic.apps {
        assert_eq!(get(app, "/me", &first).status, 200, "a token of the old key");
    }

    // The old key is withdrawn: gone with the second refresh that ends after that, as one may be under way.
    provider.ask("withdraw");
    let (withdrawn, before) = (Instant::now(), traffic.refreshes());
    let is_refused = |app: &App| get(app, "/me", &first).status == 401;
    let mut took = None;
    wait_until(|| {
        if took.is_none() && traffic.apps.iter().all(is_refused) {
            took = Some(withdrawn.elapsed());
        }
        traffic.refreshes().iter().zip(&before).all(|(now, before)| *now >= before + 2)
    });
    assert!(traffic.apps.iter().all(is_refused), "a token of the withdrawn key");
    let took = took.unwrap_or_else(|| withdrawn.elapsed());
    println!("tokens of the withdrawn key refused after {} ms; {LIFETIME} s are promised", took.as_millis());
    traffic.pass(500);
    let answered = traffic.answered.load(Ordering::SeqCst);
    traffic.stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().expect("a client whose requests all succeeded");
    }
    println!("{answered} requests of {CLIENTS} clients, none failed");
    std::fs::remove_dir_all(data).expect("removed");
}

/// Stops the traffic when a client ends, for whatever reason.
struct Failing(Arc<Traffic>);

impl Drop for Failing {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        // So that who waits for answers is not kept waiting by a failure.
        self.0.answered.fetch_add(1_000_000, Ordering::SeqCst);
    }
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not happen in a minute");
}
