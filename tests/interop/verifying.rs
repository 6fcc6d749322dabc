//! We verify tokens of other implementations and load their keys.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tollgate::{
    Algorithm, Audience, AuthError, Clock as _, Issuer, KeySet, SystemClock, TokenError, Verified, Verifier,
    VerifyingKey,
};

use crate::peer::Peer;
use crate::trial;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

pub(crate) fn trials(name: &'static str, peer: &Peer) -> Vec<Trial> {
    let mut trials = Vec::new();
    for algorithm in peer.algorithms() {
        let peer = peer.clone();
        trials.push(trial(format!("{name}::{algorithm}::signs_tokens_that_we_verify"), move || {
            signs_tokens_that_we_verify(&peer, &algorithm);
        }));
    }

    if name == "jwcrypto" {
        let (sets, others) = (peer.clone(), peer.clone());
        trials.push(trial(format!("{name}::exports_a_key_set_that_we_load"), move || {
            exports_a_key_set_that_we_load(&sets);
        }));
        trials.push(trial(format!("{name}::other_serializations_are_rejected"), move || {
            other_serializations_are_rejected(&others);
        }));
    }
    trials
}

fn claims() -> Value {
    let now = SystemClock::new().now().as_secs();
    json!({"iss": ISSUER, "aud": [AUDIENCE, "x"], "sub": "älice \"1\"", "exp": now + 600, "nbf": now, "iat": now, "scope": "a b"})
}

fn verify(key: impl Into<tollgate::VerifierKeys>, token: &str) -> Result<Verified, AuthError> {
    Verifier::new(key, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap())
        .verify(token, SystemClock::new().now())
}

fn signs_tokens_that_we_verify(peer: &Peer, name: &str) {
    let algorithm = Algorithm::from_name(name).expect("a known algorithm");
    let key_id = format!("{name}-1");
    let key = peer.ask(json!({"op": "generate", "alg": name, "kid": key_id}));
    let mint = |header: Value| {
        let minted =
            peer.ask(json!({"op": "mint", "alg": name, "kid": key_id, "header": header, "claims": claims()}));
        minted["token"].as_str().expect("a token").to_owned()
    };
    let (with_id, without_id) = (mint(json!({"kid": key_id, "typ": "at+jwt"})), mint(json!({})));

    for key in our_keys(algorithm, &key) {
        for token in [&with_id, &without_id] {
            let verified = verify(key.clone(), token).expect("their token");
            assert_eq!(verified.subject(), Some("älice \"1\""));
            assert_eq!(verified.scopes().expect("scopes").to_string(), "a b");
            assert_eq!(verified.header().algorithm(), algorithm);
            assert_eq!(refusal(key.clone(), &with_another_symbol(token)), TokenError::SignatureMismatch);
        }
    }

    let other = peer.ask(json!({"op": "generate", "alg": name, "kid": format!("{name}-2")}));
    for key in our_keys(algorithm, &other) {
        assert!(verify(key, &without_id).is_err(), "another key of theirs");
    }
}

/// Changes one symbol in the middle of the token's signature.
fn with_another_symbol(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let mut symbols: Vec<char> = signature.chars().collect();
    let middle = symbols.len() / 2;
    symbols[middle] = if symbols[middle] == 'A' { 'B' } else { 'A' };
    format!("{input}.{}", symbols.into_iter().collect::<String>())
}

fn refusal(key: impl Into<tollgate::VerifierKeys>, token: &str) -> TokenError {
    match verify(key, token) {
        Err(AuthError::InvalidToken(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Loads the peer's key in every format that it exports.
fn our_keys(algorithm: Algorithm, exported: &Value) -> Vec<VerifyingKey> {
    if let Some(secret) = exported["secret"].as_str() {
        let jwk = json!({"kty": "oct", "k": secret, "alg": algorithm.name()});
        return vec![VerifyingKey::from_jwk(jwk.to_string()).expect("their secret")];
    }

    let jwk = VerifyingKey::from_jwk(exported["public_jwk"].to_string()).expect("their JWK");
    let pem =
        VerifyingKey::from_pem(algorithm, exported["public_pem"].as_str().expect("PEM")).expect("their PEM");
    // The peers' RSA keys have no `alg`, so the algorithm is added here.
    let jwk = if jwk.algorithms().any(|bound| bound == algorithm) {
        jwk
    } else {
        jwk.with_algorithm(algorithm).expect("an RSA key")
    };
    vec![jwk, pem]
}

fn exports_a_key_set_that_we_load(peer: &Peer) {
    for (name, id) in [("ES256", "set-1"), ("EdDSA", "set-2"), ("RS256", "set-3")] {
        peer.ask(json!({"op": "generate", "alg": name, "kid": id}));
    }

    let exported = peer.ask(json!({"op": "jwks"}));
    let keys = KeySet::from_jwk_set(exported["jwks"].to_string()).expect("their key set");
    assert_eq!(keys.skipped(), []);

    for (name, id) in [("ES256", "set-1"), ("EdDSA", "set-2"), ("RS256", "set-3")] {
        let minted = peer
            .ask(json!({"op": "mint", "alg": name, "kid": id, "header": {"kid": id}, "claims": claims()}));
        let verified = verify(keys.clone(), minted["token"].as_str().expect("a token")).expect("their token");
        assert_eq!(verified.header().key_id().map(tollgate::KeyId::as_str), Some(id));
    }
}

/// The error names the serialization if a token is not a signed JWT in compact form.
fn other_serializations_are_rejected(peer: &Peer) {
    peer.ask(json!({"op": "generate", "alg": "ES256", "kid": "other"}));
    let refused = |answer: Value| {
        refusal(
            tollgate_testing::keys::verifying(Algorithm::Es256),
            answer["token"].as_str().expect("a token"),
        )
    };
    let flattened =
        peer.ask(json!({"op": "json_serialisation", "kid": "other", "alg": "ES256", "claims": claims()}));
    assert_eq!(refused(flattened), TokenError::JsonSerialization);
    let encrypted = peer.ask(json!({"op": "encrypt", "claims": claims()}));
    assert_eq!(refused(encrypted), TokenError::Encrypted);
}
