//! A property: whatever checks one issuer gives up, the answer to a token of another issuer under the same gate stays.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use tollgate::{
    Algorithm, Audience, AudienceRule, ClaimPaths, Gate, Issuer, IssuerRule, TokenBinding, Verifier,
};
use tollgate_testing::{Forge, TokenBuilder, keys};

use crate::status;

const STRICT: &str = "https://strict.example";
const AUDIENCE: &str = "api://demo";

/// A setting that gives up a check.
type Loosening = fn(Verifier) -> Verifier;

const LOOSENINGS: [Loosening; 12] = [
    Verifier::tolerate_id_tokens,
    Verifier::tolerate_missing_type,
    Verifier::tolerate_numeric_subject,
    Verifier::tolerate_padding,
    |verifier| verifier.tolerate_id_token_claim("events"),
    |verifier| verifier.with_leeway(Verifier::MAX_LEEWAY).expect("a leeway"),
    |verifier| verifier.with_max_token_bytes(1024 * 1024),
    |verifier| verifier.with_audience(AudienceRule::insecure_absent(TokenBinding::DedicatedIssuer)),
    |verifier| verifier.with_audience(AudienceRule::claim("client_id", ["app", "api"]).expect("a rule")),
    |verifier| verifier.with_audience(Audience::new("api://other").expect("an audience")),
    |verifier| verifier.with_types(["x+jwt", "JWT", "id+jwt"]).expect("types"),
    |verifier| verifier.with_claim_paths(ClaimPaths::default().with_scopes_at(["sub", "client_id"])),
];

/// The issuers that the loose verifier accepts, and its key: another one, or the same as that of the strict issuer.
fn loose(rule: usize, is_same_key: bool, loosenings: &[Loosening]) -> Verifier {
    let rule = match rule {
        0 => Issuer::new("https://loose.example").expect("an issuer").into(),
        // The template describes the strict issuer too.
        1 => IssuerRule::template_where("https://{name}.example", |_| true).expect("a template"),
        2 => IssuerRule::subject_prefix("spiffe://example.org/", None).expect("a prefix"),
        _ => IssuerRule::insecure_absent(),
    };
    let algorithm = if is_same_key { Algorithm::Hs256 } else { Algorithm::Es256 };
    let verifier =
        Verifier::new(keys::verifying(algorithm), rule, Audience::new(AUDIENCE).expect("an audience"));
    loosenings.iter().fold(verifier, |verifier, loosen| loosen(verifier))
}

fn strict() -> Gate {
    let issuer = Issuer::new(STRICT).expect("an issuer");
    let audience = Audience::new(AUDIENCE).expect("an audience");
    Gate::new(Verifier::new(keys::verifying(Algorithm::Hs256), issuer, audience))
}

/// A change to a token of the strict issuer.
type Change = (&'static str, Value);

fn changes() -> Vec<Change> {
    let now = Forge::new("x", "x").now().as_secs();
    vec![
        ("aud", Value::Null),
        ("aud", json!("api://other")),
        ("aud", json!([])),
        ("client_id", json!("app")),
        ("sub", json!(17)),
        ("sub", json!("spiffe://example.org/web")),
        ("name", json!("strict")),
        ("nonce", json!("n")),
        ("events", json!({})),
        ("exp", json!(now - 100)),
        ("nbf", json!(now + 200)),
        ("iat", json!(now + 200)),
        ("cnf", json!({"jkt": "x"})),
        ("header typ", Value::Null),
        ("header typ", json!("id+jwt")),
        ("header kid", json!("x")),
        ("filler", json!("x".repeat(9000))),
    ]
}

fn changed(token: TokenBuilder, (name, value): &Change) -> TokenBuilder {
    match (name.strip_prefix("header "), value) {
        (Some(name), Value::Null) => token.without_header(name),
        (Some(name), value) => token.header(name, value),
        (None, value) => token.claim(name, value),
    }
}

fn pad(token: &str, parts: usize) -> String {
    let pad = |(at, part): (usize, &str)| match parts & (1 << at) {
        0 => part.to_owned(),
        _ => format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4)),
    };
    token.split('.').enumerate().map(pad).collect::<Vec<_>>().join(".")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn loosening_one_issuer_does_not_change_the_answer_to_tokens_of_another(
        loosenings in subsequence(LOOSENINGS.to_vec(), 0..=LOOSENINGS.len()),
        rule in 0_usize..4,
        is_same_key: bool,
        changes in subsequence(changes(), 0..4),
        signature in 0_usize..3,
        padding in 0_usize..8,
    ) {
        let token = Forge::new(STRICT, AUDIENCE).token();
        let token = changes.iter().fold(token, changed);
        let token = match signature {
            0 => token.sign(),
            1 => token.sign_with(&keys::signing(Algorithm::Es256)),
            _ => token.with_broken_signature(),
        };
        let token = pad(&token, padding);
        let alone = status(&strict(), &token);
        let beside = strict().with_verifier(loose(rule, is_same_key, &loosenings)).expect("no overlap");
        prop_assert_eq!(status(&beside, &token), alone, "{}", token);
        // From the cache, and with the loose issuer first.
        prop_assert_eq!(status(&beside, &token), alone);
        let issuer = Issuer::new(STRICT).expect("an issuer");
        let audience = Audience::new(AUDIENCE).expect("an audience");
        let strict = Verifier::new(keys::verifying(Algorithm::Hs256), issuer, audience);
        let first = Gate::new(loose(rule, is_same_key, &loosenings)).with_verifier(strict).expect("no overlap");
        prop_assert_eq!(status(&first, &token), alone);
    }
}

/// The property is not met because all tokens are rejected.
#[test]
fn good_and_bad_tokens_occur_in_the_property() {
    let good = Forge::new(STRICT, AUDIENCE).token();
    assert_eq!(status(&strict(), &good.clone().sign()), 200);
    for change in changes() {
        // The default accepts a missing type.
        let accepted = ["client_id", "name", "header kid"].contains(&change.0)
            || change == ("header typ", Value::Null)
            || change.1 == json!("spiffe://example.org/web");
        let found = status(&strict(), &changed(good.clone(), &change).sign());
        assert_eq!(found == 200, accepted, "{change:?}");
    }
    let lenient = loose(0, true, &LOOSENINGS).with_leeway(Duration::from_secs(300)).expect("a leeway");
    let token =
        Forge::new("https://loose.example", AUDIENCE).token().without("aud").claim("nonce", "n").sign();
    assert_eq!(status(&Gate::new(lenient), &token), 200, "the loosenings have an effect");
}
