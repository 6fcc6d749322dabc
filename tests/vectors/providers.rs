//! Key sets as providers publish them, and tokens signed with their keys.

use std::path::Path;

use tollgate::{Algorithm, Audience, Issuer, KeyError, KeySet, TokenError, UnixTime, Verifier};
use tollgate_sessions::SigningKey;
use tollgate_testing::{Forge, ManualClock};

use crate::fixture;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const NOW: i64 = 1_700_000_000;

fn set(name: &str) -> KeySet {
    KeySet::from_jwk_set(fixture(&format!("jwks/{name}.json")).to_string()).expect("a key set")
}

/// Returns the private key at `index` of the set.
fn signing_key(name: &str, index: usize, algorithm: Algorithm) -> SigningKey {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/jwks/keys/{name}-{index}.pem"));
    let pem = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    SigningKey::from_pem(algorithm, pem).expect("a private key")
}

/// Returns a token signed by the key at `index`, with the key ID from the set.
fn token(name: &str, index: usize, algorithm: Algorithm) -> String {
    let key_id =
        fixture(&format!("jwks/{name}.json"))["keys"][index]["kid"].as_str().expect("a key id").to_owned();
    let key = signing_key(name, index, algorithm).with_key_id(key_id).expect("a key id");
    Forge::new(ISSUER, AUDIENCE).with_clock(&ManualClock::at(NOW)).with_key(key).token().sign()
}

fn verify(keys: &KeySet, token: &str) -> Result<(), TokenError> {
    match Verifier::new(keys.clone(), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap())
        .verify(token, UnixTime::from_secs(NOW))
    {
        Ok(_verified) => Ok(()),
        Err(tollgate::AuthError::InvalidToken(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn key_sets_verify_tokens_of_all_their_signing_keys() {
    let rs256 = Algorithm::Rs256;
    let table = [
        ("google", 0, rs256),
        ("google", 1, rs256),
        ("microsoft", 0, rs256),
        ("microsoft", 1, rs256),
        ("microsoft", 2, rs256),
        ("auth0", 0, rs256),
        ("okta", 0, rs256),
        ("keycloak", 0, rs256),
        ("keycloak", 2, Algorithm::Es256),
        ("keycloak", 3, Algorithm::EdDsa),
        ("cognito", 0, rs256),
        ("cognito", 1, rs256),
    ];

    for (name, index, algorithm) in table {
        assert_eq!(verify(&set(name), &token(name, index, algorithm)), Ok(()), "{name} {index}");
    }

    for name in ["google", "microsoft", "auth0", "okta", "cognito"] {
        assert_eq!(set(name).skipped(), [], "{name}");
    }
}

/// Keycloak publishes its encryption key beside the others.
#[test]
fn a_key_for_encryption_is_skipped() {
    let keys = set("keycloak");
    let skipped: Vec<_> = keys.skipped().iter().map(|key| (key.index, key.reason.clone())).collect();
    assert_eq!(skipped, [(1, KeyError::NotForSignatures { member: "use" })]);
    let error = verify(&keys, &token("keycloak", 1, Algorithm::Rs256)).expect_err("not a signing key");
    assert!(matches!(error, TokenError::UnknownKey { .. }));
}

/// Entra's keys have no `alg`. They verify RS256 only, regardless of the token's header.
#[test]
fn a_key_without_alg_verifies_rs256_only() {
    let keys = set("microsoft");
    assert_eq!(verify(&keys, &token("microsoft", 0, Algorithm::Rs256)), Ok(()));
    for algorithm in [Algorithm::Ps256, Algorithm::Rs384, Algorithm::Rs512] {
        let error = verify(&keys, &token("microsoft", 0, algorithm)).expect_err("another algorithm");
        assert_eq!(error, TokenError::AlgorithmMismatch { algorithm });
    }
}

/// A provider's key set rejects tokens signed with another provider's key.
#[test]
fn key_set_rejects_tokens_of_another_provider() {
    let error = verify(&set("google"), &token("okta", 0, Algorithm::Rs256)).expect_err("another key id");
    assert!(matches!(error, TokenError::UnknownKey { .. }));
}

#[test]
fn key_set_keeps_good_keys_and_explains_skipped_ones() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jwks/odd.json"))
        .expect("a file");
    let keys = KeySet::from_jwk_set(&text).expect("a key set");
    let good: Vec<_> = keys.iter().filter_map(|key| key.key_id().map(tollgate::KeyId::as_str)).collect();
    assert_eq!(good, ["good", "no-alg"]);

    let reasons: Vec<(usize, String)> =
        keys.skipped().iter().map(|key| (key.index, key.reason.to_string())).collect();
    let expected = [
        (1, "`alg` of the key is not supported"),
        (2, "key is not valid JSON for a JWK"),
        (3, "symmetric key in a public key set"),
        (4, "private key where a public key is expected; treat it as leaked and replace it"),
        (5, "RSA modulus has 1024 bits, must be 2048 to 8192"),
        (6, "RSA exponent must be odd, at least 3 and at most 2^33"),
        (7, "`alg` of the key is not supported"),
        (8, "`crv` of the key is not supported"),
        (9, "member `x` is malformed"),
        (10, "public key is not a valid point on its curve"),
        (11, "member `x` is malformed"),
        (12, "member `x` is malformed"),
        (13, "ES256 cannot be used with this kind of key"),
        (14, "`use` does not allow verifying signatures"),
        (15, "`key_ops` does not allow verifying signatures"),
        (16, "member `kid` is malformed"),
        (17, "another key has the same key ID and algorithm"),
        (18, "another key has the same key ID and algorithm"),
        (19, "key is not valid JSON for a JWK"),
        (20, "key is not valid JSON for a JWK"),
        (21, "key is not valid JSON for a JWK"),
    ];
    assert_eq!(reasons, expected.map(|(index, reason)| (index, reason.to_owned())));

    let good = Forge::new(ISSUER, AUDIENCE).with_clock(&ManualClock::at(NOW));
    let key = signing_key("odd", 0, Algorithm::Es256).with_key_id("good").expect("a key id");
    assert_eq!(verify(&keys, &good.clone().with_key(key).token().sign()), Ok(()));

    let key = signing_key("odd", 22, Algorithm::Rs256).with_key_id("no-alg").expect("a key id");
    assert_eq!(verify(&keys, &good.with_key(key).token().sign()), Ok(()));
}
