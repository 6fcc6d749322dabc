//! The cryptography alone: checks of the token's bytes with a prepared key.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self as aws, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::Algorithm;
use tollgate_benches::fixtures;
use tollgate_testing::keys;

/// Computes an HS256 MAC over the token's signing input, whatever algorithm signed the token.
pub(crate) fn mac(token: &str) -> impl FnMut() -> hmac::Tag {
    let (input, _) = token.rsplit_once('.').expect("three parts");
    let input = input.as_bytes().to_vec();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &keys::SECRET);
    move || hmac::sign(&key, std::hint::black_box(&input))
}

/// Checks the token's signature.
pub(crate) fn signature(algorithm: Algorithm, token: &str) -> Box<dyn FnMut()> {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let input = input.as_bytes().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    if algorithm == Algorithm::Hs256 {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys::SECRET);
        return Box::new(move || hmac::verify(&key, &input, &signature).expect("good"));
    }
    let member = |name: &str| fixtures::jwk_member(algorithm, name);
    let point = || [&[4], &member("x")[..], &member("y")].concat();
    let components = || aws::RsaPublicKeyComponents { n: member("n"), e: member("e") };
    let key = match algorithm {
        Algorithm::Rs256 => components().to_parsed_public_key(&aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => components().to_parsed_public_key(&aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::Es256 => ParsedPublicKey::new(&aws::ECDSA_P256_SHA256_FIXED, point()),
        Algorithm::Es384 => ParsedPublicKey::new(&aws::ECDSA_P384_SHA384_FIXED, point()),
        Algorithm::EdDsa => ParsedPublicKey::new(&aws::ED25519, member("x")),
        other => panic!("{other} is not measured"),
    };
    let key = key.expect("a key");
    Box::new(move || key.verify_sig(&input, &signature).expect("good"))
}
