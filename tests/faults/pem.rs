//! An issuer that publishes each key as a PEM document of its own, and fails, and clients that forge key IDs.

use std::time::{Duration, Instant};

use tollgate::providers::KeyLocation;
use tollgate::{Algorithm, Audience, Gate, TokenSource, Verifier};
use tollgate_jwks::{PemKeySet, PemKeySetSettings};
use tollgate_sessions::SigningKey;
use tollgate_testing::{Forge, keys};
use tollgate_tests::issuer::{Answer, Issuer, response};
use tollgate_tests::pem::public_pem;
use tollgate_tests::presets;
use tollgate_tests::requests::{ask, ask_in};

use crate::{AUDIENCE, ISSUER};

const ES256: Algorithm = Algorithm::Es256;
const KNOWN: &str = "0b5d4f0e-6f1c-4a34-9d52-0c6a3c0f9f11";
const NEW: &str = "7f2d1f53-9d36-4c8e-8f0b-5a1b7c9e2d44";

/// The pause before a key that is absent, or whose fetch failed, is fetched again.
const PAUSE: Duration = Duration::from_secs(5);

fn settings() -> PemKeySetSettings {
    PemKeySetSettings::new()
        .with_timeout(Duration::from_secs(2))
        .with_retry(PAUSE)
        .with_negative_cache(1024, PAUSE)
        .with_fetch_rate(Duration::from_millis(1), 100)
}

/// Serves the fixed key under [`KNOWN`], and gives this answer to every other request.
fn serve(issuer: &Issuer, others: Answer) {
    let key = published();
    issuer.behave(move |request, _| {
        let is_known = request.starts_with(&format!("GET /eu/{KNOWN} HTTP/1.1\r\n"));
        if is_known { key.clone() } else { others.clone() }
    });
}

fn published() -> Answer {
    let fields = ["Content-Type: binary/octet-stream"];
    Answer::Bytes(response("200 OK", &fields, &public_pem(&keys::signing(ES256))))
}

fn absent() -> Answer {
    Answer::Bytes(response("404 Not Found", &[], ""))
}

async fn start(settings: PemKeySetSettings) -> (Issuer, PemKeySet, Gate) {
    let issuer = Issuer::start(None).await;
    serve(&issuer, absent());
    let keys = PemKeySet::from_url(format!("http://{}/eu/", issuer.address()), ES256)
        .with_insecure_loopback()
        .with_settings(settings)
        .start()
        .expect("a good setup");
    let (name, audience) = (tollgate::Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let gate = Gate::new(Verifier::new(keys.clone(), name, audience));
    (issuer, keys, gate)
}

fn token(key_id: &str) -> String {
    Forge::new(ISSUER, AUDIENCE).with_algorithm(ES256).token().header("kid", key_id).sign()
}

/// What the issuer answers for a new key, and the status for its token.
pub(crate) struct PemFault {
    name: &'static str,
    answer: Answer,
    status: u16,
}

pub(crate) fn faults() -> Vec<PemFault> {
    let key = public_pem(&keys::signing(ES256));
    let fault = |name, status, answer| PemFault { name, answer, status };
    let bytes = |status: &str, fields: &[&str], body: &str| Answer::Bytes(response(status, fields, body));
    let whole = response("200 OK", &[], &key);
    let half = whole[..whole.len() - key.len() / 2].to_vec();
    let private = keys::pem(ES256).expect("a private key");
    let flood = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n-----BEGIN PUBLIC KEY-----\n".to_vec();
    let html = ["Content-Type: text/html"];
    vec![
        fault("answers 404", 401, absent()),
        fault("answers 410", 401, bytes("410 Gone", &[], "")),
        fault("answers 403", 401, bytes("403 Forbidden", &[], "<Error><Code>AccessDenied</Code></Error>")),
        fault("answers 500", 503, bytes("500 Internal Server Error", &[], &key)),
        fault("answers 429", 503, bytes("429 Too Many Requests", &["Retry-After: 600"], "")),
        fault("redirects", 503, bytes("302 Found", &[&format!("Location: /eu/{KNOWN}")], "")),
        fault("answers garbage", 503, bytes("200 OK", &[], "-----BEGIN PUBLIC KEY-----\nnot base64\n")),
        fault("answers nothing", 503, bytes("200 OK", &[], "")),
        fault("answers HTML", 503, bytes("200 OK", &html, &key)),
        fault("answers a page with a key", 503, bytes("200 OK", &[], &format!("<pre>{key}</pre>"))),
        fault("answers a key set", 503, bytes("200 OK", &[], &keys::jwk_set(&[ES256]))),
        fault("answers a private key", 503, bytes("200 OK", &[], private)),
        fault("answers more than 16 KiB", 503, bytes("200 OK", &[], &(key.clone() + &" ".repeat(16 * 1024)))),
        fault("answers 100 MB", 503, Answer::Flood(flood, 100_000_000)),
        fault("hangs", 503, Answer::Hang),
        fault("trickles, a byte a second", 503, Answer::Trickle(whole)),
        fault("resets", 503, Answer::Reset(half.clone())),
        fault("closes in the body", 503, Answer::Bytes(half)),
    ]
}

impl PemFault {
    /// Returns the name of the test: `issuer_` and what the issuer does.
    pub(crate) fn test_name(&self) -> String {
        format!("issuer_{}", self.name.replace(", ", "_").replace(' ', "_"))
    }

    /// A new key costs one request and gets the right status, and a known key is not affected.
    pub(crate) async fn examine(self) {
        let (issuer, keys, gate) = start(settings()).await;
        let answer = ask(&gate, &token(KNOWN)).await;
        assert_eq!((answer.status, answer.waited, issuer.requests()), (200, true, 1));
        serve(&issuer, self.answer);
        let all: Vec<_> = (0..20)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { ask(&gate, &token(NEW)).await.status })
            })
            .collect();
        let known = ask(&gate, &token(KNOWN)).await;
        assert_eq!((known.status, known.waited), (200, false));
        for status in all {
            assert_eq!(status.await.expect("an answer"), self.status);
        }
        assert_eq!(issuer.requests(), 2, "one fetch for all");
        let known = ask(&gate, &token(KNOWN)).await;
        assert_eq!((known.status, known.waited), (200, false));
        let status = keys.status();
        let expected = if self.status == 401 { (1, 0) } else { (0, 1) };
        assert_eq!((status.unknown(), status.failed()), expected, "{status:?}");
        assert!(issuer.flooded() < 20_000_000, "{} bytes were sent", issuer.flooded());

        serve(&issuer, published());
        for _ in 0..600 {
            if ask(&gate, &token(NEW)).await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no recovery in a minute");
    }
}

/// Ten thousand forged key IDs at full speed, beside tokens with a known key.
#[expect(clippy::disallowed_methods, reason = "the rate of fetches is one in real time")]
pub(crate) async fn flood() {
    const INTERVAL: Duration = Duration::from_millis(100);
    let (issuer, keys, gate) = start(PemKeySetSettings::new().with_fetch_rate(INTERVAL, 8)).await;
    assert_eq!(ask(&gate, &token(KNOWN)).await.status, 200);
    let forged: Vec<String> = (0..10_000).map(|n| token(&format!("forged-{n}"))).collect();
    let good = token(KNOWN);
    let began = Instant::now();
    let senders: Vec<_> = forged
        .chunks(2_500)
        .map(|forged| {
            let (gate, forged) = (gate.clone(), forged.to_vec());
            tokio::spawn(async move {
                let mut fetched = 0;
                for token in forged {
                    let status = ask(&gate, &token).await.status;
                    assert!(matches!(status, 401 | 503), "{status}");
                    fetched += u64::from(status == 401);
                }
                fetched
            })
        })
        .collect();
    for _ in 0..2000 {
        let answer = ask(&gate, &good).await;
        assert_eq!((answer.status, answer.waited), (200, false));
        tokio::task::yield_now().await;
    }
    let mut rejected = 0;
    for sender in senders {
        rejected += sender.await.expect("all forged tokens are rejected");
    }
    // Only this bound depends on time: the slower the machine, the more intervals pass.
    let most = 8 + began.elapsed().as_millis() / INTERVAL.as_millis() + 1;
    let fetches = issuer.requests() - 1;
    assert!(u128::from(fetches) <= most, "{fetches} fetches, not {most}");
    assert!(fetches >= 7, "{fetches} fetches, not the burst");
    // Every key ID is used once: 401 after its fetch, and 503 if there was none.
    assert_eq!(fetches, rejected, "only what was fetched is known to be forged");
    let status = keys.status();
    assert!(status.absent_keys() <= 1024 && status.keys() == 1 && status.waiting() == 0, "{status:?}");
}

pub(crate) async fn odd_key_ids() {
    let (issuer, _keys, gate) = start(settings()).await;
    serve(&issuer, published());
    for key_id in ["..", "../admin", "a/b", "a?b", "a#b", "%2e%2e%2fadmin", "/evil.example/", "a\r\nX: b", ""]
    {
        let answer = ask(&gate, &token(key_id)).await;
        assert_eq!((answer.status, answer.waited), (401, false), "{key_id}");
    }
    assert_eq!(issuer.connections(), 0);
}

/// A key ID keeps its key, so a wrong signature is no reason to fetch the key again.
pub(crate) async fn forged_signature() {
    let (issuer, _keys, gate) = start(settings()).await;
    assert_eq!(ask(&gate, &token(KNOWN)).await.status, 200);
    let thief = SigningKey::generate(ES256).expect("a key");
    for _ in 0..10 {
        let forged = Forge::new(ISSUER, AUDIENCE).with_algorithm(ES256).token().header("kid", KNOWN);
        let answer = ask(&gate, &forged.sign_with(&thief)).await;
        assert_eq!((answer.status, answer.waited), (401, false));
    }
    assert_eq!(issuer.requests(), 1);
    assert_eq!(ask(&gate, &token(KNOWN)).await.status, 200);
}

/// The preset, its header field, padded tokens, and a key under its ID.
pub(crate) async fn aws_load_balancer() {
    const FIELD: &str = "x-amzn-oidc-data";
    let preset = presets::all().into_iter().find(|preset| preset.name == "aws-alb").expect("the preset");
    let KeyLocation::PemPerKeyId(url) = preset.provider.keys() else { panic!("PEM documents") };
    assert_eq!(&**url, "https://public-keys.auth.elb.eu-central-1.amazonaws.com/");
    PemKeySet::of_provider(&preset.provider, ES256).and_then(|keys| keys.start()).expect("the keys of AWS");

    let issuer = Issuer::start(None).await;
    let signing = keys::signing(ES256);
    let path = format!("GET /{} HTTP/1.1\r\n", signing.key_id().expect("a key ID"));
    let key = published();
    issuer.behave(move |request, _| if request.starts_with(&path) { key.clone() } else { absent() });
    let keys = PemKeySet::from_url(format!("http://{}/", issuer.address()), ES256)
        .with_insecure_loopback()
        .start()
        .expect("a good setup");
    let gate = Gate::new(preset.provider.verifier(keys))
        .with_sources([TokenSource::header(FIELD).expect("a header field")])
        .expect("a source");

    let token = preset.token();
    assert!(token.contains('='), "padded");
    let first = ask_in(FIELD, &gate, &token).await;
    assert_eq!((first.status, first.waited), (200, true));
    let again = ask_in(FIELD, &gate, &token).await;
    assert_eq!((again.status, again.waited), (200, false));
    for attack in &preset.attacks {
        let answer = ask_in(FIELD, &gate, &preset.attacked(attack)).await;
        // A padded token of an issuer that may not pad is no token at all.
        let status = if attack.name == "another issuer" { 400 } else { 401 };
        assert_eq!((answer.status, answer.waited), (status, false), "{}", attack.name);
    }
    assert_eq!(ask(&gate, &token).await.status, 401, "in another header field");
    assert_eq!(issuer.requests(), 1);
}
