//! Tests with the private keys of the specifications, and with defective ones.

use serde_json::{Value, json};

use super::*;
use crate::issuing::SigningKey;

/// The key of RFC 7517 appendix A.2.
fn ec() -> Value {
    json!({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"1"})
}

/// The key of RFC 8037 appendix A.1.
fn okp() -> Value {
    json!({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

/// The key of RFC 7515 appendix A.1.
fn oct() -> Value {
    json!({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})
}

/// The key of RFC 7515 appendix A.2.
fn rsa() -> Value {
    json!({"kty":"RSA",
        "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e":"AQAB",
        "d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
        "p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
        "q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
        "dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
        "dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
        "qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"})
}

fn key(algorithm: Algorithm, jwk: &Value) -> Result<SigningKey, SigningKeyError> {
    SigningKey::from_jwk(algorithm, jwk.to_string())
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

#[test]
fn keys_of_the_specifications_are_accepted() {
    let signed = |algorithm, jwk: &Value| {
        let key = key(algorithm, jwk).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(key.verifying_key().unwrap().algorithms().any(|bound| bound == algorithm));
        (key, signature)
    };
    let (key, _) = signed(Algorithm::Es256, &ec());
    assert_eq!(key.key_id().unwrap().as_str(), "1");
    assert!(key.public_jwk().unwrap().contains("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"));
    let (key, _) = signed(Algorithm::EdDsa, &okp());
    assert_eq!(key.key_id().unwrap().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037 A.3");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps384] {
        signed(algorithm, &rsa());
    }
    let (key, _) = signed(Algorithm::Hs256, &with(oct(), "kid", json!("secret-1")));
    assert_eq!(key.key_id().unwrap().as_str(), "secret-1");
}

/// RFC 8037 appendix A.4, and RFC 7515 appendix A.1 and A.2.
#[test]
fn signatures_match_the_specifications() {
    let sign = |algorithm, jwk: &Value, message: &str| {
        URL_SAFE_NO_PAD.encode(key(algorithm, jwk).unwrap().sign(message.as_bytes()).unwrap())
    };
    assert_eq!(
        sign(Algorithm::EdDsa, &okp(), "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    assert_eq!(
        sign(Algorithm::Hs256, &oct(), &format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{claims}")),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let rs256 = sign(Algorithm::Rs256, &rsa(), &format!("eyJhbGciOiJSUzI1NiJ9.{claims}"));
    assert!(rs256.starts_with("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"), "{rs256}");
}

#[test]
fn key_for_another_purpose_or_algorithm_is_rejected() {
    let not_for = |member| SigningKeyError::NotForSigning { member };
    let malformed = |name| SigningKeyError::Key(KeyError::Malformed { name });
    for (name, value, expected) in [
        ("use", json!("enc"), not_for("use")),
        ("use", json!(1), malformed("use")),
        ("key_ops", json!(["verify"]), not_for("key_ops")),
        ("key_ops", json!([]), not_for("key_ops")),
        ("key_ops", json!(["sign", "sign"]), malformed("key_ops")),
        ("key_ops", json!(["sign", 1]), malformed("key_ops")),
        ("key_ops", json!("sign"), malformed("key_ops")),
        ("kid", json!(7), malformed("kid")),
        ("alg", Value::Null, malformed("alg")),
    ] {
        let jwk = with(ec(), name, value);
        assert_eq!(key(Algorithm::Es256, &jwk).unwrap_err(), expected, "{jwk}");
    }
    for (name, value) in [("use", json!("sig")), ("key_ops", json!(["sign", "verify"])), ("ext", json!(true))]
    {
        key(Algorithm::Es256, &with(ec(), name, value)).unwrap();
    }
    key(Algorithm::EdDsa, &with(okp(), "alg", json!("Ed25519"))).unwrap();
    for (algorithm, jwk) in [
        (Algorithm::Es256, with(ec(), "alg", json!("ES384"))),
        (Algorithm::Es384, ec()),
        (Algorithm::Es256, okp()),
        (Algorithm::EdDsa, ec()),
        (Algorithm::Rs256, ec()),
        (Algorithm::Rs256, with(rsa(), "alg", json!("PS256"))),
        (Algorithm::Rs256, oct()),
        (Algorithm::Hs256, rsa()),
        (Algorithm::Es256, with(ec(), "alg", json!("none"))),
    ] {
        let refused = key(algorithm, &jwk).unwrap_err();
        assert_eq!(refused, KeyError::AlgorithmMismatch { algorithm }.into(), "{jwk}");
    }
}

#[test]
fn key_with_mismatched_halves_is_rejected() {
    let other = json!("u8SZX1gtiWHYaSEIWUK0LlXBNsX-fUoDqnbJMYlVoZY");
    for (algorithm, jwk) in [
        (Algorithm::Es256, with(ec(), "d", other.clone())),
        (Algorithm::Es256, with(ec(), "y", other.clone())),
        (Algorithm::EdDsa, with(okp(), "d", other.clone())),
        (Algorithm::EdDsa, with(okp(), "x", other)),
        (Algorithm::Rs256, with(rsa(), "p", rsa()["q"].clone())),
        (Algorithm::Rs256, with(rsa(), "dp", rsa()["dq"].clone())),
        (Algorithm::Rs256, with(rsa(), "qi", rsa()["dq"].clone())),
        (Algorithm::Rs256, with(rsa(), "d", rsa()["n"].clone())),
        (Algorithm::Rs256, with(rsa(), "e", json!("Aw"))),
    ] {
        assert_eq!(key(algorithm, &jwk).unwrap_err(), SigningKeyError::Rejected { algorithm }, "{jwk}");
    }
}

#[test]
fn key_with_missing_or_malformed_members_is_rejected() {
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi", "kty"] {
        let missing = KeyError::Missing { name };
        assert_eq!(key(Algorithm::Rs256, &without(rsa(), name)).unwrap_err(), missing.into());
    }
    for name in ["x", "y", "d", "crv"] {
        let missing = KeyError::Missing { name };
        assert_eq!(key(Algorithm::Es256, &without(ec(), name)).unwrap_err(), missing.into());
    }
    for (name, value) in [
        ("d", "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE="),
        ("d", "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAF"),
        ("d", "AA"),
        ("x", "+KBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"),
    ] {
        let malformed = KeyError::Malformed { name };
        assert_eq!(key(Algorithm::Es256, &with(ec(), name, json!(value))).unwrap_err(), malformed.into());
    }
    let leading_zero = key(Algorithm::Rs256, &with(rsa(), "e", json!("AAEAAQ"))).unwrap_err();
    assert_eq!(leading_zero, KeyError::Malformed { name: "e" }.into());
    assert!(key(Algorithm::Rs256, &with(rsa(), "oth", json!([]))).is_err());
    assert!(key(Algorithm::Hs256, &with(oct(), "k", json!("c2VjcmV0"))).is_err(), "weak");
}

#[test]
fn jwk_must_be_one_object_with_distinct_members() {
    let text = ec().to_string();
    let twice = |member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for wrong in [
        String::new(),
        "[]".to_owned(),
        format!("{text}x"),
        format!("[{text}]"),
        twice(r#""d":"AA""#),
        twice(r#""\u006bty":"EC""#),
        twice(r#""unknown":1,"unknown":1"#),
        text.replace("P-256", "\u{1}"),
    ] {
        assert_eq!(
            SigningKey::from_jwk(Algorithm::Es256, &wrong).unwrap_err(),
            SigningKeyError::Jwk,
            "{wrong}"
        );
    }
    let long = format!("{}{text}", " ".repeat(MAX_BYTES));
    assert!(SigningKey::from_jwk(Algorithm::Es256, long).is_err());
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(SigningKey::from_jwk(Algorithm::Es256, nested).is_err());
}
