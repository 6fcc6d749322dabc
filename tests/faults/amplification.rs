//! Ten thousand forged key IDs at full speed, and their cost for the issuer and for concurrent valid requests.

use std::time::{Duration, Instant};

use tollgate::{Audience, Gate, Verifier};
use tollgate_jwks::{RefreshSettings, RemoteKeySet};
use tollgate_testing::keys;
use tollgate_tests::issuer::{Issuer, json};
use tollgate_tests::requests::ask;

use crate::report::{Report, Row};
use crate::{AUDIENCE, ISSUER, KNOWN, forged, token};

const FORGED: usize = 10_000;
const SENDERS: usize = 4;
const COOLDOWN: Duration = Duration::from_millis(500);

#[expect(clippy::disallowed_methods, reason = "cooldowns run in real time")]
pub(crate) async fn flood(report: Report) {
    let issuer = Issuer::start(None).await;
    issuer.answer(json(&keys::jwk_set(&[KNOWN])));
    let set = RemoteKeySet::from_url(format!("http://{}/jwks", issuer.address()))
        .with_insecure_loopback()
        .with_settings(RefreshSettings::new().with_cooldown(COOLDOWN))
        .connect()
        .await
        .expect("keys");
    let gate = Gate::new(Verifier::new(
        set.clone(),
        tollgate::Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let tokens: Vec<String> = (0..FORGED).map(|n| forged(&format!("forged-{n}"))).collect();
    let alone = good_requests(&gate).await;

    let began = Instant::now();
    let senders: Vec<_> = tokens
        .chunks(FORGED / SENDERS)
        .map(|tokens| {
            let (gate, tokens) = (gate.clone(), tokens.to_vec());
            tokio::spawn(async move {
                for token in tokens {
                    assert_eq!(ask(&gate, &token).await.status, 401);
                }
            })
        })
        .collect();
    let beside = good_requests(&gate).await;
    for sender in senders {
        sender.await.expect("all forged tokens are rejected");
    }
    // Only this bound depends on time: the slower the machine, the more cooldowns pass.
    let cooldowns = began.elapsed().as_millis() / COOLDOWN.as_millis() + 1;
    let fetches = issuer.requests() - 1;
    assert!(u128::from(fetches) <= cooldowns, "{fetches} fetches in {cooldowns} cooldowns");
    assert!(fetches >= 1, "the flood caused a fetch");
    assert!(set.status().absent_keys() <= 1024, "bounded memory");
    assert_eq!(set.status().waiting(), 0);
    report.add(Row::flood(fetches, &alone, &beside));
}

/// Sends valid requests and asserts that none of them waits. The times are only reported.
async fn good_requests(gate: &Gate) -> Vec<Duration> {
    let token = token(KNOWN);
    let mut times = Vec::new();
    for _ in 0..2000 {
        let answer = ask(gate, &token).await;
        assert_eq!((answer.status, answer.waited), (200, false));
        times.push(answer.took);
        tokio::task::yield_now().await;
    }
    times
}
