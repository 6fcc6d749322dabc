//! Tests every algorithm and key format through the public API. Run once for each backend:
//! `cargo test -p tollgate` and `cargo test -p tollgate --no-default-features --features rust-crypto`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a panic is a failed test"
)]

use std::path::Path;

use serde_json::{Value, json};
use tollgate::{
    Algorithm, Audience, AuthError, Issuer, KeyError, KeySet, TokenError, UnixTime, Verifier, VerifyingKey,
    WeakSecret,
};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

struct Sample {
    algorithm: Algorithm,
    jwk: Value,
    token: String,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn samples() -> Vec<Sample> {
    let list: Vec<Value> = serde_json::from_slice(&fixture("tokens.json")).unwrap();
    let samples: Vec<Sample> = list.into_iter().map(sample).collect();
    assert_eq!(samples.len(), Algorithm::ALL.len());
    samples
}

fn sample(mut value: Value) -> Sample {
    let algorithm = Algorithm::from_name(value["alg"].as_str().unwrap()).unwrap();
    let token = value["token"].as_str().unwrap().to_owned();
    Sample { algorithm, jwk: value["jwk"].take(), token }
}

fn sample_of(algorithm: Algorithm) -> Sample {
    samples().into_iter().find(|sample| sample.algorithm == algorithm).unwrap()
}

fn verify(key: VerifyingKey, token: &str) -> Result<(), TokenError> {
    match Verifier::new(
        key,
        Issuer::new("https://issuer.example").unwrap(),
        Audience::new("api://demo").unwrap(),
    )
    .verify(token, NOW)
    {
        Ok(verified) => {
            assert_eq!(verified.subject(), Some("alice"));
            Ok(())
        }
        Err(AuthError::InvalidToken(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn jwk_key(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(jwk.to_string())
}

#[test]
fn every_algorithm_verifies_only_its_own_token() {
    for key in samples() {
        for token in samples() {
            let verdict = verify(jwk_key(&key.jwk).unwrap(), &token.token);
            let same = key.algorithm == token.algorithm;
            assert_eq!(verdict.is_ok(), same, "{} with a key for {}", token.algorithm, key.algorithm);
        }
    }
}

#[test]
fn signature_with_any_changed_bit_is_rejected() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    for sample in samples() {
        let (input, signature) = sample.token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = jwk_key(&sample.jwk).unwrap();
        let with = |signature: &[u8]| format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(verify(key.clone(), &with(&signature)), Ok(()));
        for byte in (0..signature.len()).step_by(signature.len() / 16) {
            let mut broken = signature.clone();
            broken[byte] ^= 0x10;
            let verdict = verify(key.clone(), &with(&broken));
            assert_eq!(verdict, Err(TokenError::SignatureMismatch), "{} byte {byte}", sample.algorithm);
        }
        // Other lengths: shortened, lengthened, leading zero, all zero, DER in place of R and S (RFC 7518 §3.4).
        let mut variants = vec![signature[1..].to_vec(), signature[..signature.len() - 1].to_vec()];
        variants.push([&signature[..], &[0]].concat());
        variants.push([&[0], &signature[..]].concat());
        variants.push(vec![0; signature.len()]);
        variants.push(vec![0xff; signature.len()]);
        variants.push(der_signature(&signature));
        for variant in variants {
            let verdict = verify(key.clone(), &with(&variant));
            assert_eq!(
                verdict,
                Err(TokenError::SignatureMismatch),
                "{} {} bytes",
                sample.algorithm,
                variant.len()
            );
        }
    }
}

/// Returns R and S as an ASN.1 SEQUENCE, the form of other protocols.
fn der_signature(fixed: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let len = u8::try_from(number.len() + 1).unwrap_or(0x7f);
        [&[2, len, 0], number].concat()
    };
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(content.len()).unwrap_or(0x81)], &content[..]].concat()
}

#[test]
fn public_keys_are_read_in_every_format() {
    let table = [
        (Algorithm::Rs256, &["rsa.spki.pem", "rsa.pkcs1.pem", "rsa.cert.pem"][..]),
        (Algorithm::Ps384, &["rsa.spki.pem", "rsa.pkcs1.pem", "rsa.cert.pem"]),
        (Algorithm::Es256, &["p256.spki.pem", "p256.cert.pem", "chain.pem"]),
        (Algorithm::Es384, &["p384.spki.pem", "p384.cert.pem"]),
        (Algorithm::Es512, &["p521.spki.pem", "p521.cert.pem"]),
        (Algorithm::EdDsa, &["ed25519.spki.pem", "ed25519.cert.pem"]),
    ];
    for (algorithm, files) in table {
        let token = sample_of(algorithm).token;
        for file in files {
            let key = VerifyingKey::from_pem(algorithm, fixture(file))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            // The sample's `kid` is its thumbprint. A key from PEM has no ID to compare.
            assert_eq!(verify(key, &token), Ok(()), "{file}");
            let windows = String::from_utf8(fixture(file)).unwrap().replace('\n', "\r\n");
            assert!(VerifyingKey::from_pem(algorithm, windows).is_ok(), "{file} with CRLF");
        }
    }
    for (algorithm, file) in [
        (Algorithm::Rs512, "rsa.cert.der"),
        (Algorithm::Ps256, "rsa.pkcs1.der"),
        (Algorithm::Es256, "p256.spki.der"),
    ] {
        let key = VerifyingKey::from_der(algorithm, fixture(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(verify(key, &sample_of(algorithm).token), Ok(()), "{file}");
    }
}

#[test]
fn rejected_keys_report_the_reason() {
    let pem = |algorithm, file: &str| VerifyingKey::from_pem(algorithm, fixture(file)).unwrap_err();
    assert_eq!(pem(Algorithm::Rs256, "weak-rsa.spki.pem"), KeyError::RsaModulus { bits: 1024 });
    assert_eq!(
        pem(Algorithm::Es256, "secp256k1.spki.pem"),
        KeyError::Unsupported { what: "this elliptic curve" }
    );
    assert!(matches!(pem(Algorithm::Ps256, "rsa-pss.spki.pem"), KeyError::Unsupported { .. }));
    assert_eq!(
        pem(Algorithm::EdDsa, "x25519.spki.pem"),
        KeyError::Unsupported { what: "this kind of public key" }
    );
    // An algorithm of another kind, a truncated file, text that is not PEM.
    let algorithm = Algorithm::Es384;
    assert_eq!(pem(algorithm, "p256.spki.pem"), KeyError::AlgorithmMismatch { algorithm });
    assert_eq!(
        pem(Algorithm::Hs256, "rsa.spki.pem"),
        KeyError::AlgorithmMismatch { algorithm: Algorithm::Hs256 }
    );
    let whole = fixture("rsa.spki.pem");
    for cut in [0, 10, 100, whole.len() - 20] {
        assert_eq!(VerifyingKey::from_pem(Algorithm::Rs256, &whole[..cut]).unwrap_err(), KeyError::Pem);
    }
    let der = fixture("rsa.cert.der");
    for cut in 0..der.len() {
        assert_eq!(
            VerifyingKey::from_der(Algorithm::Rs256, &der[..cut]).unwrap_err(),
            KeyError::Der,
            "{cut}"
        );
    }
    assert_eq!(
        VerifyingKey::from_der(Algorithm::Rs256, [&der[..], &[0]].concat()).unwrap_err(),
        KeyError::Der
    );
}

#[test]
fn pem_with_escaped_line_breaks_names_the_mend() {
    let pem = String::from_utf8(fixture("p256.spki.pem")).unwrap();
    let escaped = pem.replace('\n', "\\n");
    for text in
        [escaped.clone(), format!("\"{escaped}\""), pem.replace('\n', "\\r\\n"), format!("{escaped}\n")]
    {
        let error = VerifyingKey::from_pem(Algorithm::Es256, &text).unwrap_err();
        assert_eq!(error, KeyError::EscapedPem, "{text}");
    }
    assert_eq!(
        KeyError::EscapedPem.to_string(),
        "not PEM text: it has the two characters `\\n` where line breaks belong; replace them, for example with \
         `replace(\"\\\\n\", \"\\n\")`"
    );
    VerifyingKey::from_pem(Algorithm::Es256, escaped.replace("\\n", "\n")).unwrap();
    // Text before the block may have backslashes.
    VerifyingKey::from_pem(Algorithm::Es256, format!("C:\\new\n{pem}")).unwrap();
}

/// A public key never acts as an HMAC secret, in any form that an attacker may try (RFC 8725 §2.1).
#[test]
fn public_key_is_not_accepted_as_hmac_secret() {
    for file in ["rsa.spki.pem", "p256.spki.pem", "rsa.pkcs1.der"] {
        let key = VerifyingKey::from_pem(Algorithm::Hs256, fixture(file));
        assert!(key.is_err(), "{file}");
    }
    let rsa = sample_of(Algorithm::Rs256);
    let key = jwk_key(&rsa.jwk).unwrap();
    assert!(matches!(
        verify(key, &sample_of(Algorithm::Hs256).token),
        Err(TokenError::UnknownKey { algorithm: Algorithm::Hs256, .. })
    ));
}

fn with(jwk: &Value, member: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk[member] = value;
    jwk
}

fn without(jwk: &Value, member: &str) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

#[test]
fn jwk_members_are_respected() {
    let ec = sample_of(Algorithm::Es256).jwk;
    let rsa = sample_of(Algorithm::Rs256).jwk;
    let okp = sample_of(Algorithm::EdDsa).jwk;
    let refused = |jwk: Value| jwk_key(&jwk).expect_err(&jwk.to_string());
    assert_eq!(refused(with(&ec, "use", json!("enc"))), KeyError::NotForSignatures { member: "use" });
    assert_eq!(refused(with(&ec, "use", json!(1))), KeyError::Malformed { name: "use" });
    assert_eq!(
        refused(with(&ec, "key_ops", json!(["sign"]))),
        KeyError::NotForSignatures { member: "key_ops" }
    );
    assert_eq!(
        refused(with(&ec, "key_ops", json!(["verify", "verify"]))),
        KeyError::Malformed { name: "key_ops" }
    );
    assert_eq!(refused(with(&ec, "key_ops", json!("verify"))), KeyError::Malformed { name: "key_ops" });
    assert!(jwk_key(&with(&ec, "key_ops", json!(["verify", "sign"]))).is_ok());
    let algorithm = Algorithm::Es384;
    assert_eq!(refused(with(&ec, "alg", json!("ES384"))), KeyError::AlgorithmMismatch { algorithm });
    assert_eq!(
        refused(with(&ec, "alg", json!("ES256K"))),
        KeyError::Unsupported { what: "`alg` of the key" }
    );
    assert_eq!(refused(with(&ec, "kid", json!(1))), KeyError::Malformed { name: "kid" });
    assert_eq!(refused(with(&ec, "kty", json!("AKP"))), KeyError::Unsupported { what: "`kty` of the key" });
    for (jwk, name) in
        [(&ec, "kty"), (&ec, "crv"), (&ec, "x"), (&ec, "y"), (&rsa, "n"), (&rsa, "e"), (&okp, "x")]
    {
        assert_eq!(refused(without(jwk, name)), KeyError::Missing { name });
    }
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        assert_eq!(refused(with(&ec, private, json!("AA"))), KeyError::Private);
    }
    assert_eq!(
        refused(with(&ec, "crv", json!("secp256k1"))),
        KeyError::Unsupported { what: "`crv` of the key" }
    );
    assert_eq!(
        refused(with(&okp, "crv", json!("X25519"))),
        KeyError::Unsupported { what: "`crv` of the key" }
    );
    // A text with the object twice, or a JWK with a duplicate member.
    assert!(VerifyingKey::from_jwk(format!("{ec}{ec}")).is_err());
    let twice = ec.to_string().replacen('{', r#"{"kty":"EC","#, 1);
    assert!(matches!(VerifyingKey::from_jwk(twice), Err(KeyError::Json(_))));
}

#[test]
fn jwk_is_rejected_when_numbers_are_out_of_range() {
    let ec = sample_of(Algorithm::Es256).jwk;
    let rsa = sample_of(Algorithm::Rs256).jwk;
    let okp = sample_of(Algorithm::EdDsa).jwk;
    let refused = |jwk: Value| jwk_key(&jwk).expect_err(&jwk.to_string());
    // Coordinates have the full length of the field, and their point is on the curve.
    let x = ec["x"].as_str().unwrap();
    assert_eq!(refused(with(&ec, "x", json!(format!("AA{x}")))), KeyError::Malformed { name: "x" });
    assert_eq!(refused(with(&ec, "x", json!(x[..40]))), KeyError::Malformed { name: "x" });
    assert_eq!(refused(with(&ec, "x", json!(format!("{x}=")))), KeyError::Malformed { name: "x" });
    assert_eq!(refused(with(&ec, "y", json!(x))), KeyError::Point);
    let zero = "A".repeat(43);
    assert_eq!(refused(with(&with(&ec, "x", json!(zero)), "y", json!(zero))), KeyError::Point);
    assert_eq!(refused(with(&ec, "y", json!(format!("{}8", "_".repeat(42))))), KeyError::Point);
    assert_eq!(refused(with(&ec, "crv", json!("P-384"))), KeyError::Malformed { name: "x" });
    // RSA: size and exponent.
    assert_eq!(refused(with(&rsa, "e", json!("AQ"))), KeyError::RsaExponent);
    assert_eq!(refused(with(&rsa, "e", json!("Ag"))), KeyError::RsaExponent);
    assert_eq!(refused(with(&rsa, "n", json!("AQAB"))), KeyError::RsaModulus { bits: 17 });
    // Ed25519: 32 bytes, not a point of low order, on the curve.
    for bad in ["AA".to_owned(), "A".repeat(42), "A".repeat(44), String::new()] {
        assert_eq!(refused(with(&okp, "x", json!(bad))), KeyError::Malformed { name: "x" }, "{bad}");
    }
    assert_eq!(refused(with(&okp, "x", json!("A".repeat(43)))), KeyError::Point);
    // Off the curve: aws-lc-rs detects it when it verifies, the other backend when it loads the key. Neither
    // accepts a signature.
    let off_curve = jwk_key(&with(&okp, "x", json!(format!("Ag{}", "A".repeat(41)))));
    match off_curve {
        Ok(key) => {
            assert_eq!(verify(key, &sample_of(Algorithm::EdDsa).token), Err(TokenError::SignatureMismatch));
        }
        Err(error) => assert_eq!(error, KeyError::Point),
    }
}

#[test]
fn jwk_without_alg_gets_the_default_algorithm() {
    for algorithm in
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa]
    {
        let sample = sample_of(algorithm);
        let key = jwk_key(&without(&sample.jwk, "alg")).unwrap();
        assert_eq!(key.algorithms().collect::<Vec<_>>(), [algorithm]);
        assert_eq!(verify(key, &sample.token), Ok(()));
    }
    // An RSA key without `alg` is for RS256, unless the operator says otherwise. The token never decides.
    let rsa = without(&sample_of(Algorithm::Rs256).jwk, "alg");
    let pss = sample_of(Algorithm::Ps256).token;
    let algorithm = Algorithm::Ps256;
    assert_eq!(verify(jwk_key(&rsa).unwrap(), &pss), Err(TokenError::AlgorithmMismatch { algorithm }));
    assert_eq!(verify(jwk_key(&rsa).unwrap().with_algorithm(algorithm).unwrap(), &pss), Ok(()));
    assert!(jwk_key(&rsa).unwrap().with_algorithm(Algorithm::Es256).is_err());
    let secret = sample_of(Algorithm::Hs256).jwk;
    assert_eq!(jwk_key(&without(&secret, "alg")).unwrap_err(), KeyError::Missing { name: "alg" });
}

#[test]
fn ed25519_is_accepted_under_both_names() {
    let sample = sample_of(Algorithm::EdDsa);
    for name in ["EdDSA", "Ed25519"] {
        let key = jwk_key(&with(&sample.jwk, "alg", json!(name))).unwrap();
        assert_eq!(verify(key, &sample.token), Ok(()), "{name}");
    }
}

#[test]
fn weak_secrets_are_rejected_with_the_reason() {
    let weak = |secret: &[u8]| match VerifyingKey::hmac(Algorithm::Hs256, secret) {
        Err(KeyError::WeakSecret { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(weak(b"secret"), WeakSecret::TooShort { bytes: 6, min: 32 });
    assert_eq!(weak(&[0; 32]), WeakSecret::Repetitive);
    let text = VerifyingKey::hmac(Algorithm::Hs512, "short").unwrap_err().to_string();
    assert_eq!(text, "HMAC secret rejected for HS512; generate one with `openssl rand -base64 64`");
    let jwk = json!({"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"});
    assert!(matches!(jwk_key(&jwk), Err(KeyError::WeakSecret { .. })));
}

fn set(keys: &[Value]) -> Result<KeySet, KeyError> {
    KeySet::from_jwk_set(json!({ "keys": keys }).to_string())
}

#[test]
fn key_set_skips_unusable_keys() {
    let (ec, rsa) = (sample_of(Algorithm::Es256).jwk, sample_of(Algorithm::Rs256).jwk);
    let secret = sample_of(Algorithm::Hs256).jwk;
    let bad = [
        json!({"kty": "AKP"}),
        json!(null),
        json!(42),
        json!("x"),
        json!([]),
        json!({}),
        with(&ec, "d", json!("AA")),
    ];
    let mut keys = vec![ec, secret];
    keys.extend(bad);
    keys.push(rsa);
    let set = set(&keys).unwrap();
    assert_eq!(set.iter().count(), 2);
    assert_eq!(set.skipped().iter().map(|key| key.index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(set.skipped()[0].reason, KeyError::Symmetric);
    assert_eq!(set.skipped()[7].reason, KeyError::Private);
    assert!(set.skipped()[7].key_id.is_some());
}

#[test]
fn document_is_rejected_when_not_a_key_set() {
    for bad in [
        "",
        "[]",
        "null",
        "{",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":"x"}"#,
        "<html></html>",
    ] {
        assert!(KeySet::from_jwk_set(bad).is_err(), "{bad}");
    }
    assert_eq!(set(&[]).unwrap_err(), KeyError::NoUsableKey { skipped: 0, first: None });
    assert!(KeySet::from_jwk_set(r#"{"keys":[],"keys":[]}"#).is_err());
    assert!(KeySet::from_jwk_set(b"\xff").is_err());
    let key = sample_of(Algorithm::Es256).jwk;
    assert!(KeySet::from_jwk_set(json!({"other": {"keys": 1}, "keys": [key]}).to_string()).is_ok());
}

#[test]
fn keys_with_the_same_id_are_skipped() {
    let (es256, es384) = (sample_of(Algorithm::Es256).jwk, sample_of(Algorithm::Es384).jwk);
    let rs256 = sample_of(Algorithm::Rs256).jwk;
    let named = |jwk: &Value| with(jwk, "kid", json!("same"));
    // Different algorithms: the token's `alg` selects the key (RFC 7517 §4.5).
    let mixed = set(&[named(&es256), named(&es384)]).unwrap();
    assert_eq!((mixed.iter().count(), mixed.skipped().len()), (2, 0));
    // Two identical keys count as one.
    let twice = set(&[named(&rs256), named(&rs256)]).unwrap();
    assert_eq!((twice.iter().count(), twice.skipped()[0].index), (1, 1));
    // Two keys with one ID and one algorithm are ambiguous, so neither is used.
    let mut other = named(&es256);
    let (x, y) = (other["x"].clone(), other["y"].clone());
    other["x"] = json!("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4");
    other["y"] = json!("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
    assert!(x != other["x"] && y != other["y"]);
    let clash = set(&[named(&es256), other, rs256]).unwrap();
    assert_eq!(clash.iter().count(), 1);
    assert!(clash.skipped().iter().all(|key| key.reason == KeyError::DuplicateKeyId));
    assert_eq!(clash.skipped().len(), 2);
}
