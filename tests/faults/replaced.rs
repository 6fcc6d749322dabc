//! An issuer that replaces its key and writes no key ID, or keeps it, and forged signatures for the same key.

use std::time::{Duration, Instant};

use tollgate::{Algorithm, Audience, Gate, Verifier};
use tollgate_jwks::{RefreshSettings, RemoteKeySet};
use tollgate_sessions::SigningKey;
use tollgate_testing::Forge;
use tollgate_tests::issuer::{Answer, Issuer, json, response};
use tollgate_tests::requests::ask;

use crate::{AUDIENCE, ISSUER};

const COOLDOWN: Duration = Duration::from_millis(500);

/// How an issuer names its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Naming {
    Without,
    TheSame,
}

/// A key of the issuer, with tokens that it signs.
struct Key(SigningKey, Naming);

impl Key {
    fn new(naming: Naming) -> Self {
        Self(SigningKey::generate(Algorithm::Es256).expect("a key"), naming)
    }

    /// Returns the key set with this key.
    fn published(&self) -> Answer {
        let mut jwk: serde_json::Value =
            serde_json::from_str(self.0.public_jwk().expect("a public key")).expect("JSON");
        let members = jwk.as_object_mut().expect("an object");
        match self.1 {
            Naming::Without => members.remove("kid"),
            Naming::TheSame => members.insert("kid".to_owned(), "signing".into()),
        };
        json(&format!(r#"{{"keys":[{jwk}]}}"#))
    }

    fn token(&self, subject: &str) -> String {
        let token = Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es256).token().subject(subject);
        let token = match self.1 {
            Naming::Without => token.without_header("kid"),
            Naming::TheSame => token.header("kid", "signing"),
        };
        token.sign_with(&self.0)
    }

    /// Returns a token whose signature is one of another token.
    fn forged(&self, n: usize) -> String {
        let (good, other) = (self.token("alice"), self.token(&format!("mallory-{n}")));
        let signature = good.rsplit_once('.').expect("a token").1;
        format!("{}.{signature}", other.rsplit_once('.').expect("a token").0)
    }
}

async fn start(key: &Key, cooldown: Duration) -> (Issuer, RemoteKeySet, Gate) {
    let issuer = Issuer::start(None).await;
    issuer.answer(key.published());
    let set = RemoteKeySet::from_url(format!("http://{}/jwks", issuer.address()))
        .with_insecure_loopback()
        .with_settings(RefreshSettings::new().with_cooldown(cooldown).with_quick_retry(None))
        .connect()
        .await
        .expect("keys");
    let (name, audience) = (tollgate::Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let gate = Gate::new(Verifier::new(set.clone(), name, audience));
    (issuer, set, gate)
}

pub(crate) async fn rotation(naming: Naming) {
    let (old, new) = (Key::new(naming), Key::new(naming));
    let (issuer, _set, gate) = start(&old, Duration::from_secs(60)).await;
    assert_eq!(ask(&gate, &old.token("alice")).await.status, 200);
    issuer.answer(new.published());
    assert_eq!(ask(&gate, &old.token("bob")).await.status, 200, "until the new set arrives");
    assert_eq!(issuer.requests(), 1);
    let answer = ask(&gate, &new.token("alice")).await;
    assert_eq!((answer.status, answer.waited, issuer.requests()), (200, true, 2));
    assert_eq!(ask(&gate, &old.token("carol")).await.status, 401, "the key was replaced");
    assert_eq!(ask(&gate, &old.token("alice")).await.status, 401, "also for a cached token");
    assert_eq!(issuer.requests(), 2, "the cooldown");
}

/// A forged signature is 401, whether the issuer answers or not.
pub(crate) async fn outage(naming: Naming) {
    let key = Key::new(naming);
    let (issuer, set, gate) = start(&key, COOLDOWN).await;
    issuer.answer(Answer::Bytes(response("500 Internal Server Error", &[], "")));
    for n in 0..10 {
        assert_eq!(ask(&gate, &key.forged(n)).await.status, 401);
        assert_eq!(ask(&gate, &key.token("alice")).await.status, 200);
    }
    assert!(set.status().failures() >= 1, "the issuer was asked");
}

#[expect(clippy::disallowed_methods, reason = "cooldowns run in real time")]
pub(crate) async fn flood(naming: Naming) {
    let key = Key::new(naming);
    let (issuer, set, gate) = start(&key, COOLDOWN).await;
    let forged: Vec<String> = (0..10_000).map(|n| key.forged(n)).collect();
    let good = key.token("alice");
    let began = Instant::now();
    for (n, token) in forged.iter().enumerate() {
        assert_eq!(ask(&gate, token).await.status, 401);
        if n % 10 == 0 {
            let answer = ask(&gate, &good).await;
            assert_eq!((answer.status, answer.waited), (200, false));
        }
    }
    // Only this bound depends on time: the slower the machine, the more cooldowns pass.
    let cooldowns = began.elapsed().as_millis() / COOLDOWN.as_millis() + 1;
    let fetches = issuer.requests() - 1;
    assert!(u128::from(fetches) <= cooldowns, "{fetches} fetches in {cooldowns} cooldowns");
    assert!(fetches >= 1, "the first forged signature caused a fetch");
    assert!(set.status().absent_keys() <= 1024, "bounded memory");
    assert_eq!(set.status().waiting(), 0);
}
