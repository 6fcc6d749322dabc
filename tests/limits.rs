//! Hostile input costs bounded time and memory. No test measures time: without the bounds, these tests would run for
//! hours or exhaust the memory.

use proptest::prelude::*;
use tollgate::{
    Algorithm, Audience, AuthError, Gate, Issuer, KeyError, KeySet, TokenError, UnixTime, Verifier,
    VerifyingKey,
};
use tollgate_testing::{Forge, ManualClock, keys};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn verifier() -> Verifier {
    Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    )
    .with_max_token_bytes(usize::MAX)
}

fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE).with_clock(&ManualClock::at(NOW.as_secs()))
}

fn refusal(token: &str) -> TokenError {
    match verifier().verify(token, NOW) {
        Err(AuthError::InvalidToken(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_megabyte_of_header_is_rejected() {
    let token = format!("{}.e30.AA", "A".repeat(1_000_000));
    let strict = Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    let error = strict.verify(&token, NOW).expect_err("too long");
    assert_eq!(error, AuthError::InvalidToken(TokenError::TooLong { bytes: 1_000_007, max: 8192 }));
    // Parsing ends even without the length limit.
    assert!(matches!(refusal(&token), TokenError::Json { .. }));
    let certificates = forge().token().header("x5c", vec!["A".repeat(100_000); 10]).sign();
    assert!(verifier().verify(&certificates, NOW).is_ok(), "`x5c` is skipped without allocation");
}

#[test]
fn ten_thousand_levels_of_json_are_rejected() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let in_payload = forge().token().raw_payload(format!(r#"{{"iss":"{ISSUER}","deep":{deep}}}"#)).sign();
        assert!(matches!(refusal(&in_payload), TokenError::Json { .. }));
        let in_header = forge().token().raw_header(format!(r#"{{"alg":"HS256","deep":{deep}}}"#)).sign();
        assert!(matches!(refusal(&in_header), TokenError::Json { .. }));
        assert!(KeySet::from_jwk_set(format!(r#"{{"keys":[{{"kty":"EC","deep":{deep}}}]}}"#)).is_err());
        assert!(KeySet::from_jwk_set(&deep).is_err());
    }
}

#[test]
fn many_members_and_many_dots_are_rejected() {
    let members: Vec<String> = (0..100_000).map(|i| format!(r#""m{i}":0"#)).collect();
    let wide = forge().token().raw_payload(format!("{{{}}}", members.join(","))).sign();
    assert!(matches!(refusal(&wide), TokenError::Json { .. }));
    assert!(matches!(refusal(&".".repeat(1_000_000)), TokenError::PartCount { parts: 1_000_001 }));
}

#[test]
fn verifier_reads_a_hundred_thousand_scopes() {
    let scopes: Vec<String> = (0..100_000).map(|i| format!("s{i}")).collect();
    let token = forge().token().scope(&scopes.join(" ")).sign();
    let verified = verifier().verify(&token, NOW).expect("a good token");
    assert!(verified.scopes().expect("scopes").contains("s99999"));
}

#[test]
fn oversized_key_sets_are_rejected() {
    let keys = vec!["{}"; 100_000].join(",");
    assert_eq!(
        KeySet::from_jwk_set(format!(r#"{{"keys":[{keys}]}}"#)).unwrap_err(),
        KeyError::TooManyKeys { max: 256 }
    );

    let real = keys::signing(Algorithm::Es256).public_jwk().expect("a public key").to_owned();
    let large = format!(r#"{{"keys":[{}]}}"#, vec![real; 100_000].join(","));
    assert!(matches!(KeySet::from_jwk_set(large), Err(KeyError::TooLarge { .. })));

    let exponent = "A".repeat(64 * 1024 * 4 / 3);
    // A modulus of 2048 set bits; the last base64url symbol has no trailing bits.
    let modulus = format!("{}w", "_".repeat(341));
    let set = format!(r#"{{"keys":[{{"kty":"RSA","n":"{modulus}","e":"{exponent}AQAB"}}]}}"#);
    assert!(KeySet::from_jwk_set(set).is_err());

    let odd_exponent =
        format!(r#"{{"keys":[{{"kty":"RSA","n":"{modulus}","e":"{}"}}]}}"#, "_".repeat(87_380));
    let Err(KeyError::NoUsableKey { first, .. }) = KeySet::from_jwk_set(odd_exponent) else {
        panic!("accepted")
    };
    assert_eq!(first.as_deref(), Some(&KeyError::RsaExponent));
}

/// A key with 50,000 distinct operations is rejected by their number, without comparing them.
#[test]
fn a_key_with_many_operations_is_rejected() {
    let mut key: serde_json::Value =
        serde_json::from_str(keys::signing(Algorithm::Es256).public_jwk().expect("a public key"))
            .expect("JSON");
    key["key_ops"] = (0..50_000).map(|i| format!("o{i}")).collect();
    let error = VerifyingKey::from_jwk(key.to_string()).expect_err("too many");
    assert_eq!(error, KeyError::Malformed { name: "key_ops" });
}

/// A token is checked against at most one key. If it has no key ID and several keys match, it is rejected.
#[test]
fn verifier_does_not_try_keys_in_turn() {
    let named = |i: u8| {
        let mut secret = keys::SECRET;
        secret[0] ^= i;
        VerifyingKey::hmac(Algorithm::Hs256, secret)
            .and_then(|key| key.with_key_id(format!("k{i}")))
            .expect("a key")
    };
    let keys = KeySet::new((0..=255).map(named)).expect("256 keys");
    let verifier = Verifier::new(keys, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let error = verifier.verify(&forge().token().sign(), NOW).expect_err("ambiguous");

    assert_eq!(error, AuthError::InvalidToken(TokenError::AmbiguousKey { algorithm: Algorithm::Hs256 }));
    assert!(verifier.verify(&forge().token().header("kid", "k0").sign(), NOW).is_ok());
}

proptest! {
    /// Parsing arbitrary bytes never panics and never yields a key.
    #[test]
    fn arbitrary_bytes_never_parse_as_keys(bytes: Vec<u8>, text: String) {
        prop_assert!(KeySet::from_jwk_set(&bytes).is_err());
        prop_assert!(VerifyingKey::from_jwk(&text).is_err());
        for algorithm in Algorithm::ALL {
            prop_assert!(VerifyingKey::from_pem(algorithm, &bytes).is_err());
            prop_assert!(VerifyingKey::from_der(algorithm, &bytes).is_err());
        }
    }

    /// A JWK with arbitrary members never panics.
    #[test]
    fn arbitrary_jwk_members_never_panic(
        kty in prop::sample::select(vec!["RSA", "EC", "OKP", "oct", "AKP"]),
        crv in prop::sample::select(vec!["P-256", "P-384", "P-521", "Ed25519", "X25519", "secp256k1"]),
        alg in prop::option::of(prop::sample::select(vec!["RS256", "ES256", "ES384", "EdDSA", "HS256", "none"])),
        values in prop::collection::vec("[A-Za-z0-9_-]{0,90}", 6),
    ) {
        let mut key = serde_json::json!({
            "kty": kty, "crv": crv, "n": values[0], "e": values[1], "x": values[2], "y": values[3], "k": values[4], "kid": values[5],
        });
        if let Some(alg) = alg {
            key["alg"] = alg.into();
        }
        // A key that is accepted by chance verifies no token.
        if let Ok(key) = VerifyingKey::from_jwk(key.to_string()) {
            let verifier = Verifier::new(key, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
            prop_assert!(verifier.verify(&forge().token().sign(), NOW).is_err());
        }
    }

    /// Truncating a key set anywhere, or changing one byte, never causes a panic.
    #[test]
    fn damaged_key_sets_never_panic(cut in 0_usize..2000, at in 0_usize..2000, byte: u8) {
        let jwk = |algorithm| keys::signing(algorithm).public_jwk().expect("a public key").to_owned();
        let set = format!(r#"{{"keys":[{},{},{}]}}"#, jwk(Algorithm::Es256), jwk(Algorithm::EdDsa), jwk(Algorithm::Rs256));
        let mut bytes = set.into_bytes();
        let _cut = KeySet::from_jwk_set(&bytes[..cut.min(bytes.len())]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(keys) = KeySet::from_jwk_set(&bytes) {
            prop_assert_eq!(keys.iter().count() + keys.skipped().len(), 3);
        }
    }
}

/// A gate never admits a request with arbitrary credential headers.
#[test]
fn gate_rejects_arbitrary_requests() {
    let gate = Gate::new(verifier()).with_clock(ManualClock::at(NOW.as_secs()));
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&(any::<Vec<u8>>(), any::<Vec<u8>>()), |(authorization, cookie)| {
            let mut request = http::Request::new(());
            for (name, value) in [("authorization", authorization), ("cookie", cookie)] {
                if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                    request.headers_mut().append(name, value);
                }
            }
            let decision = gate.admit(&tollgate_tower::HttpRequest::from(&request), NOW);
            prop_assert!(matches!(decision, tollgate::adapter::Decision::Rejected(_)));
            Ok(())
        })
        .expect("never admitted");
}
