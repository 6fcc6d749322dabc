//! Tests of both backends side by side: they must give the same results.

#![cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]

use proptest::prelude::*;

use super::material::PublicMaterial;
use super::{aws_lc_rs, rust_crypto};
use crate::algorithm::{Algorithm, Curve};
use crate::base64url;

struct Pair {
    aws_lc_rs: aws_lc_rs::Verifier,
    rust_crypto: rust_crypto::Verifier,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Pair {
    /// Returns the verdict of both backends, which must be the same.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verdict = self.aws_lc_rs.verify(message, signature);
        assert_eq!(verdict, self.rust_crypto.verify(message, signature));
        verdict
    }
}

fn pairs() -> Vec<(Algorithm, Pair)> {
    let samples: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../tests/fixtures/tokens.json")).unwrap();
    samples.iter().map(pair).collect()
}

fn pair(sample: &serde_json::Value) -> (Algorithm, Pair) {
    let algorithm = Algorithm::from_name(sample["alg"].as_str().unwrap()).unwrap();
    let member = |name: &str| base64url::decode(sample["jwk"][name].as_str().unwrap()).unwrap();
    let point = |curve| PublicMaterial::ec(curve, &[&[4], &member("x")[..], &member("y")].concat()).unwrap();
    let material = match sample["jwk"]["kty"].as_str().unwrap() {
        "RSA" => Some(PublicMaterial::rsa(&member("n"), &member("e")).unwrap()),
        "EC" => Some(point(Curve::from_name(sample["jwk"]["crv"].as_str().unwrap()).unwrap())),
        "OKP" => Some(PublicMaterial::ed25519(&member("x")).unwrap()),
        _ => None,
    };
    let (aws_lc_rs, rust_crypto) = match &material {
        Some(material) => (
            aws_lc_rs::Verifier::public(algorithm, material).unwrap(),
            rust_crypto::Verifier::public(algorithm, material).unwrap(),
        ),
        None => (
            aws_lc_rs::Verifier::hmac(algorithm, &member("k")).unwrap(),
            rust_crypto::Verifier::hmac(algorithm, &member("k")).unwrap(),
        ),
    };
    let (message, signature) = sample["token"].as_str().unwrap().rsplit_once('.').unwrap();
    let pair = Pair {
        aws_lc_rs,
        rust_crypto,
        message: message.as_bytes().to_vec(),
        signature: base64url::decode(signature).unwrap(),
    };
    (algorithm, pair)
}

#[test]
fn good_signatures() {
    for (algorithm, pair) in pairs() {
        assert!(pair.verify(&pair.message, &pair.signature), "{algorithm}");
        assert!(!pair.verify(b"", &pair.signature), "{algorithm}");
        assert!(!pair.verify(&pair.message, &[]), "{algorithm}");
        assert!(!pair.verify(&pair.message, &vec![0; pair.signature.len()]), "{algorithm}");
    }
}

/// A careless implementation accepts an Ed25519 signature with S + L instead of S (RFC 8032 §5.1.7).
#[test]
fn ed25519_is_not_malleable() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (_, pair) = pairs().into_iter().find(|(algorithm, _)| *algorithm == Algorithm::EdDsa).unwrap();
    let mut forged = pair.signature.clone();
    let mut carry = 0_u16;
    for (byte, order) in forged[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_ne!(forged, pair.signature);
    assert!(!pair.verify(&pair.message, &forged));
}

/// Both backends reject points that are not on the curve or have the wrong length.
#[test]
fn points_off_the_curve_are_rejected() {
    for (curve, algorithm) in
        [(Curve::P256, Algorithm::Es256), (Curve::P384, Algorithm::Es384), (Curve::P521, Algorithm::Es512)]
    {
        for fill in [0, 1, 0x7f, 0xff] {
            let point = [&[4][..], &vec![fill; curve.coordinate_len() * 2]].concat();
            let material = PublicMaterial::ec(curve, &point).unwrap();
            assert!(aws_lc_rs::Verifier::public(algorithm, &material).is_none());
            assert!(rust_crypto::Verifier::public(algorithm, &material).is_none());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_signatures(at in 0_usize..1024, bit in 0_u8..8) {
        for (algorithm, pair) in pairs() {
            let mut damaged = pair.signature.clone();
            let at = at % damaged.len();
            damaged[at] ^= 1 << bit;
            prop_assert!(!pair.verify(&pair.message, &damaged), "{}", algorithm);
        }
    }

    /// aws-lc-rs accepts an Ed25519 key that is not on the curve, and then verifies no signature with it.
    #[test]
    fn arbitrary_ed25519_keys(key in any::<[u8; 32]>(), signature in any::<[u8; 64]>()) {
        if let Ok(material) = PublicMaterial::ed25519(&key) {
            let aws_lc_rs = aws_lc_rs::Verifier::public(Algorithm::EdDsa, &material).unwrap();
            prop_assert!(!aws_lc_rs.verify(b"message", &signature));
            if let Some(rust_crypto) = rust_crypto::Verifier::public(Algorithm::EdDsa, &material) {
                prop_assert!(!rust_crypto.verify(b"message", &signature));
            }
        }
    }
}
