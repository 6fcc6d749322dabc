//! A faulty issuer, over TCP and TLS. For each fault, the tests check the answers to tokens with a cached key,
//! with a new key and with forged key IDs, and how many requests reach the issuer.
//!
//! `TOLLGATE_FAULTS_REPORT` is the path of a table with the slowest answers.

mod amplification;
mod fault;
mod pem;
mod proxy;
mod replaced;
mod report;

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use tollgate::{Algorithm, Audience, Gate, Verifier};
use tollgate_jwks::{FetchOutcome, HttpsClient, RefreshSettings, RemoteKeySet, RemoteKeySetBuilder};
use tollgate_testing::{Forge, keys};
use tollgate_tests::certificates::{Authority, Validity};
use tollgate_tests::issuer::{Issuer, json};
use tollgate_tests::requests::{Answered, ask};

use fault::Fault;
use replaced::Naming;
use report::{Report, Row};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
/// The algorithm of the key that is cached before the fault.
const KNOWN: Algorithm = Algorithm::Es256;
/// The algorithm of the key that signs tokens during the fault.
const NEW: Algorithm = Algorithm::Es384;

fn main() {
    let mut arguments = Arguments::from_args();
    // The tests mostly wait.
    arguments.test_threads.get_or_insert(40);
    let (report, authority) = (Report::default(), Arc::new(Authority::default()));
    let mut trials: Vec<Trial> = fault::all()
        .into_iter()
        .map(|fault| {
            let (report, authority) = (report.clone(), Arc::clone(&authority));
            trial(&fault.test_name(), move || {
                run(async move { report.add(examine(&fault, &authority).await) });
            })
        })
        .collect();
    let rows = report.clone();
    trials.push(trial("forged_key_ids_cost_one_fetch_per_cooldown", move || run(amplification::flood(rows))));
    trials.extend([
        trial("proxy_tunnels_to_the_issuer", || run(proxy::tunnels())),
        trial("proxy_forwards_plain_http", || run(proxy::forwards_plain_http())),
        trial("proxy_cannot_answer_for_the_issuer", || run(proxy::cannot_answer_for_the_issuer())),
        trial("proxy_refuses", || run(proxy::refuses())),
        trial("proxy_is_unreachable", || run(proxy::is_unreachable())),
    ]);
    for (naming, name) in [(Naming::Without, "without_key_id"), (Naming::TheSame, "under_the_same_key_id")] {
        trials.extend([
            trial(&format!("key_is_replaced_{name}"), move || run(replaced::rotation(naming))),
            trial(&format!("forged_signatures_get_401_in_an_outage_{name}"), move || {
                run(replaced::outage(naming));
            }),
            trial(&format!("forged_signatures_cost_one_fetch_per_cooldown_{name}"), move || {
                run(replaced::flood(naming));
            }),
        ]);
    }
    trials.extend(pem::faults().into_iter().map(|fault| {
        trial(&format!("pem_{}", fault.test_name()), move || run(async move { fault.examine().await }))
    }));
    trials.extend([
        trial("pem_forged_key_ids_cost_a_bounded_number_of_fetches", || run(pem::flood())),
        trial("pem_key_ids_stay_below_the_url", || run(pem::odd_key_ids())),
        trial("pem_forged_signature_for_a_known_key_costs_no_fetch", || run(pem::forged_signature())),
        trial("pem_keys_of_an_aws_load_balancer", || run(pem::aws_load_balancer())),
    ]);
    let conclusion = libtest_mimic::run(&arguments, trials);
    report.write();
    conclusion.exit();
}

fn trial(name: &str, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok::<_, Failed>(())
    })
}

fn run(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(body);
}

fn settings() -> RefreshSettings {
    RefreshSettings::new()
        .with_timeout(Duration::from_secs(3))
        .with_cooldown(Duration::from_secs(8))
        .with_quick_retry(Some(Duration::from_millis(20)))
}

fn builder(issuer: &Issuer, authority: &Authority) -> RemoteKeySetBuilder {
    let client = HttpsClient::builder()
        .without_public_authorities()
        .with_authorities(authority.pem())
        .and_then(tollgate_jwks::HttpsClientBuilder::build)
        .expect("a client");
    RemoteKeySet::from_url(format!("https://{}/jwks", issuer.address()))
        .with_client(client)
        .with_settings(settings())
}

fn token(algorithm: Algorithm) -> String {
    Forge::new(ISSUER, AUDIENCE).with_algorithm(algorithm).token().sign()
}

fn forged(key_id: &str) -> String {
    Forge::new(ISSUER, AUDIENCE).with_algorithm(KNOWN).token().header("kid", key_id).sign()
}

/// Runs one fault: the issuer works, then fails while it rotates its key, then works again.
async fn examine(fault: &Fault, authority: &Authority) -> Row {
    let mut issuer = Issuer::start(Some(authority.server("127.0.0.1", Validity::Now))).await;
    issuer.answer(json(&keys::jwk_set(&[KNOWN])));
    let set = builder(&issuer, authority).connect().await.expect("a good issuer");
    let gate = Gate::new(Verifier::new(
        set.clone(),
        tollgate::Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    assert_eq!(ask(&gate, &token(KNOWN)).await.status, 200);
    let (requests_before, connections_before) = (issuer.requests(), issuer.connections());

    fault.begin(&mut issuer, authority).await;
    let (known, new, forged) = ask_all(&gate).await;
    for answer in &known {
        assert_eq!((answer.status, answer.waited), (200, false), "{}: a cached key", fault.name);
    }
    for answer in &new {
        assert_eq!(answer.status, fault.new_key, "{}: a new key", fault.name);
    }
    for answer in &forged {
        assert_eq!(answer.status, fault.forged_key, "{}: a forged key", fault.name);
    }
    let status = set.status();
    assert_eq!(
        status.count(fault.outcome),
        if fault.outcome == FetchOutcome::New { 2 } else { 1 },
        "{status:?}"
    );
    let fetches = issuer.requests() - requests_before;
    let connections = issuer.connections() - connections_before;
    assert_eq!(fetches, fault.requests, "{}: requests", fault.name);
    assert_eq!(connections, fault.connections, "{}: connections", fault.name);
    fault.check(&issuer);

    // An application that starts during the fault gets no keys.
    let started = builder(&issuer, authority).connect().await;
    assert_eq!(started.is_ok(), fault.new_key == 200, "{}: a start", fault.name);
    drop(started);

    fault.end(&mut issuer, authority).await;
    recover(&gate, &issuer).await;
    Row::new(fault, fetches.max(connections), &known, &new, &forged)
}

/// Sends many requests at once. The first one with the new key causes a fetch. The others share it, or the cooldown
/// prevents a second fetch.
async fn ask_all(gate: &Gate) -> (Vec<Answered>, Vec<Answered>, Vec<Answered>) {
    let new: Vec<_> = (0..5).map(|_| spawn(gate, token(NEW))).collect();
    let forged: Vec<_> = (0..50).map(|n| spawn(gate, forged(&format!("forged-{n}")))).collect();
    let known: Vec<_> = (0..50).map(|_| spawn(gate, token(KNOWN))).collect();
    let (known, mut new, mut forged) = (all(known).await, all(new).await, all(forged).await);
    // One more of each after the fetch.
    new.push(ask(gate, &token(NEW)).await);
    forged.push(ask(gate, &crate::forged("forged-late")).await);
    (known, new, forged)
}

fn spawn(gate: &Gate, token: String) -> tokio::task::JoinHandle<Answered> {
    let gate = gate.clone();
    tokio::spawn(async move { ask(&gate, &token).await })
}

async fn all(requests: Vec<tokio::task::JoinHandle<Answered>>) -> Vec<Answered> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.expect("an answer"));
    }
    answers
}

/// Publishes both keys again. The new key must work without a restart as soon as the cooldown permits a fetch.
async fn recover(gate: &Gate, issuer: &Issuer) {
    issuer.answer(json(&keys::jwk_set(&[KNOWN, NEW])));
    for _ in 0..600 {
        let answer = ask(gate, &token(NEW)).await;
        if answer.status == 200 {
            assert_eq!(ask(gate, &token(KNOWN)).await.status, 200);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no recovery in a minute");
}
