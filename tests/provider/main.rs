//! A real OpenID provider (`oidc-provider` from npm). The example applications find its keys by discovery, accept its
//! access tokens, and keep serving while it rotates its keys.

mod provider;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tollgate_tests::app::{App, PACKAGES, scratch};
use tollgate_tests::client::{Response, send};
use tollgate_tests::services;

use provider::Provider;

/// The lifetime of cached keys in seconds, which bounds how long a withdrawn key stays valid.
const LIFETIME: &str = "2";
const CLIENTS: usize = 50;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match Provider::start() {
        Some(_) => vec![
            trial(
                "applications_accept_tokens_of_a_real_provider",
                applications_accept_tokens_of_a_real_provider,
            ),
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

/// Returns one test that stands for all others if the provider is missing. It is ignored, or fails if it is required.
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

fn applications_accept_tokens_of_a_real_provider() {
    let (provider, data) = (Provider::start().expect("a provider"), scratch("provider"));
    let (service, user) = (provider.token("client_credentials"), provider.token("authorization_code"));
    for app in start_all(&provider, &data) {
        let me = get(&app, "/me", &service);
        assert_eq!(me.status, 200, "{}", me.body);
        assert_eq!(json(&me)["claims"]["client_id"], "service");

        let me = get(&app, "/me", &user);
        assert_eq!((me.status, json(&me)["sub"].as_str()), (200, Some("alice")));
        assert_eq!(get(&app, "/items", &user).status, 200, "the user consented to this scope");

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

/// The state that the clients share.
struct Traffic {
    apps: Vec<App>,
    token: RwLock<String>,
    answered: AtomicU64,
    stop: AtomicBool,
}

impl Traffic {
    /// Calls the applications in turn until the test stops. Any status but 200 is a failure.
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

    /// Waits for this many further responses.
    fn pass(&self, requests: u64) {
        let goal = self.answered.load(Ordering::SeqCst) + requests;
        wait_until(|| self.answered.load(Ordering::SeqCst) >= goal);
    }

    fn use_token(&self, token: String) {
        *self.token.write().expect("a token") = token;
    }

    /// Returns the number of key refreshes of each application.
    fn refreshes(&self) -> Vec<u64> {
        let count = |app: &App| {
            let ready = json(&get(app, "/readyz", ""));
            let outcomes = ready["keys"]["refreshes"].as_object().expect("counts").clone();
            outcomes.values().filter_map(Value::as_u64).sum()
        };
        self.apps.iter().map(count).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the time is reported, not asserted")]
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
                // A failed client stops the test and the other clients.
                let failed = Failing(Arc::clone(&traffic));
                traffic.client(number);
                drop(failed);
            })
        })
        .collect();
    traffic.pass(500);

    // A new key signs at once and the old one stays published. Tokens of both are accepted.
    provider.ask("rotate");
    traffic.pass(200);
    traffic.use_token(provider.token("authorization_code"));
    traffic.pass(1000);
    for app in &traffic.apps {
        assert_eq!(get(app, "/me", &first).status, 200, "a token of the previous key");
    }

    // The old key is withdrawn. Each application drops it by the second refresh after that: one may be in flight.
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
    println!(
        "tokens of the withdrawn key were rejected after {} ms; the bound is {LIFETIME} s",
        took.as_millis()
    );
    traffic.pass(500);
    let answered = traffic.answered.load(Ordering::SeqCst);
    traffic.stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().expect("a client whose requests all succeeded");
    }
    println!("{answered} requests of {CLIENTS} clients, none failed");
    std::fs::remove_dir_all(data).expect("removed");
}

/// Stops the traffic when a client ends, even by a panic.
struct Failing(Arc<Traffic>);

impl Drop for Failing {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        // Releases the test if it waits in `pass`.
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
    panic!("the condition does not hold within a minute");
}
