//! Examples of RFC 7515, RFC 7517, RFC 7519, RFC 7520, RFC 7638 and RFC 8037.

use serde_json::Value;
use tollgate::adapter::CompactToken;
use tollgate::{
    Algorithm, Audience, AuthError, ClaimError, HeaderError, Issuer, KeyError, KeySet, TokenError, UnixTime,
    Verifier, VerifyingKey,
};
use tollgate_sessions::SigningKey;

use crate::fixture;

fn text<'a>(example: &'a Value, member: &str) -> &'a str {
    example[member].as_str().unwrap_or_else(|| panic!("{member} in {example}"))
}

/// Returns the key of an example, bound to the algorithm of its token.
fn key(example: &Value) -> VerifyingKey {
    let mut jwk = example["jwk"].clone();
    jwk["alg"] = example["alg"].clone();
    VerifyingKey::from_jwk(jwk.to_string()).expect("the key of the example")
}

fn compact(token: &str) -> CompactToken<'_> {
    CompactToken::parse(token, 8192).expect("three parts")
}

fn parse_error(token: &str) -> TokenError {
    CompactToken::parse(token, 8192).expect_err("no signed compact token")
}

#[test]
fn signed_examples_verify_unless_a_symbol_changes() {
    let rfc7515 = ["rfc7515-a1", "rfc7515-a2", "rfc7515-a3", "rfc7515-a4", "rfc8037-a4"];
    let rfc7520 = ["rfc7520-4-1", "rfc7520-4-2", "rfc7520-4-3", "rfc7520-4-4"];
    for name in rfc7515.into_iter().chain(rfc7520) {
        let example = fixture(&format!("rfc/{name}.json"));
        let token = text(&example, "token");
        assert_eq!(key(&example).verify_signature(&compact(token)), Ok(()), "{name}");

        // Changing any symbol invalidates the token.
        for at in [0, token.len() / 2, token.len() - 2] {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            let verdict =
                CompactToken::parse(&changed, 8192).and_then(|token| key(&example).verify_signature(&token));
            assert!(verdict.is_err(), "{name} {at}");
        }
    }
}

#[test]
fn examples_do_not_verify_with_keys_of_other_algorithms() {
    let names = ["rfc7515-a1", "rfc7515-a2", "rfc7515-a3", "rfc7515-a4", "rfc7520-4-2", "rfc8037-a4"];
    for a in names {
        for b in names.into_iter().filter(|b| *b != a) {
            let (a, b) = (fixture(&format!("rfc/{a}.json")), fixture(&format!("rfc/{b}.json")));
            let verdict = key(&a).verify_signature(&compact(text(&b, "token")));
            assert!(matches!(verdict, Err(TokenError::AlgorithmMismatch { .. })));
        }
    }
}

/// RFC 7515 appendix A.5, RFC 7519 §6.1: an unsecured token.
#[test]
fn unsecured_example_is_rejected() {
    let example = fixture("rfc/rfc7515-a5.json");
    assert_eq!(parse_error(text(&example, "token")), TokenError::Unsigned);
    let with_signature = format!("{}AA", text(&example, "token"));
    let verdict = key(&fixture("rfc/rfc7515-a1.json")).verify_signature(&compact(&with_signature));
    assert!(matches!(verdict, Err(TokenError::Header(HeaderError::UnsupportedAlgorithm { .. }))));
}

/// RFC 7515 appendices A.6 and A.7, RFC 7516 appendix A.1: the error names what the token is instead of a signed JWT.
#[test]
fn other_serializations_are_rejected_by_name() {
    for name in ["rfc7515-a6", "rfc7515-a7"] {
        let example = fixture(&format!("rfc/{name}.json"));
        assert_eq!(
            parse_error(text(&example, "token").trim_start()),
            TokenError::JsonSerialization,
            "{name}"
        );
    }
    let encrypted = fixture("rfc/rfc7516-a1.json");
    assert_eq!(parse_error(text(&encrypted, "token")), TokenError::Encrypted);
}

/// RFC 7519 §3.1: issuer `joe`, expired in 2011, and without an audience.
#[test]
fn rfc7519_section_3_1_token_fails_issuer_and_audience_checks() {
    let example = fixture("rfc/rfc7515-a1.json");
    let verify = |issuer: &str, now: i64| {
        let verdict =
            Verifier::new(key(&example), Issuer::new(issuer).unwrap(), Audience::new("api").unwrap())
                .verify(text(&example, "token"), UnixTime::from_secs(now));
        match verdict {
            Err(AuthError::InvalidToken(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let missing = TokenError::Claim { name: "aud".into(), error: ClaimError::Missing };

    assert_eq!(verify("joe", 1_300_819_379), missing);
    assert!(matches!(verify("jim", 1_300_819_379), TokenError::IssuerMismatch { .. }));
    // Header and claims contain line breaks, because the signature covers their encoding.
    assert!(text(&example, "payload").contains("\r\n"));
}

#[test]
fn rfc7517_appendix_a1_set_yields_its_rsa_key_only() {
    let example = fixture("rfc/rfc7517-a1.json");
    let keys = KeySet::from_jwk_set(example["jwks"].to_string()).expect("a key set");
    // The EC key is for encryption.
    assert_eq!(keys.iter().count(), 1);
    assert_eq!(keys.skipped()[0].reason, KeyError::NotForSignatures { member: "use" });
    let rsa = keys.iter().next().expect("the RSA key");
    assert_eq!(rsa.key_id().map(tollgate::KeyId::as_str), Some("2011-04-29"));
    assert_eq!(rsa.algorithms().collect::<Vec<_>>(), [Algorithm::Rs256]);
}

/// RFC 7517 appendices A.2 and A.3: private and symmetric keys are not allowed in a public key set.
#[test]
fn rfc7517_appendix_a2_and_a3_sets_have_no_usable_key() {
    let encryption = KeyError::Unsupported { what: "`alg` of the key" };
    for (name, reason) in [("rfc7517-a2", KeyError::Private), ("rfc7517-a3", encryption)] {
        let error =
            KeySet::from_jwk_set(fixture(&format!("rfc/{name}.json"))["jwks"].to_string()).expect_err(name);
        assert_eq!(error, KeyError::NoUsableKey { skipped: 2, first: Some(Box::new(reason)) });
    }

    // The second key of A.3 is an HMAC key.
    let hmac = fixture("rfc/rfc7517-a3.json")["jwks"]["keys"][1].clone();
    let error =
        KeySet::from_jwk_set(serde_json::json!({ "keys": [hmac] }).to_string()).expect_err("symmetric");
    assert_eq!(error, KeyError::NoUsableKey { skipped: 1, first: Some(Box::new(KeyError::Symmetric)) });
}

/// RFC 7517 appendix B: a key with its certificate chain.
#[test]
fn rfc7517_appendix_b_key_loads_despite_its_certificates() {
    let example = fixture("rfc/rfc7517-b.json");
    let key = VerifyingKey::from_jwk(example["jwk"].to_string()).expect("a key");
    assert_eq!(key.key_id().map(tollgate::KeyId::as_str), Some("1b94c"));
}

/// RFC 8037 appendices A.1 to A.3: signing with the private key reproduces the example, and the thumbprint is the
/// key ID.
#[test]
fn rfc8037_appendix_a_key_reproduces_signature_and_thumbprint() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let example = fixture("rfc/rfc8037-a4.json");
    let seed = URL_SAFE_NO_PAD.decode(text(&example, "private_d")).expect("base64url");
    // PKCS #8 of an Ed25519 key is this prefix and the seed (RFC 8410 §7).
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = STANDARD.encode([&prefix[..], &seed].concat());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let key = SigningKey::from_pem(Algorithm::EdDsa, pem).expect("a key");
    assert_eq!(key.key_id().map(tollgate::KeyId::as_str), Some(text(&example, "thumbprint")));
    let (input, signature) = text(&example, "token").rsplit_once('.').expect("three parts");
    assert_eq!(URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).expect("a signature")), signature);
}

/// RFC 7638 §3.1: the thumbprint of an RSA key, which becomes its key ID.
#[test]
fn rfc7638_section_3_1_thumbprint_is_the_key_id() {
    let example = fixture("rfc/rfc7638-3-1.json");
    let key = SigningKey::from_pem(Algorithm::Rs256, text(&example, "private_pem")).expect("a key");
    assert_eq!(key.key_id().map(tollgate::KeyId::as_str), Some(text(&example, "thumbprint")));
}
