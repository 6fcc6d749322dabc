//! A fixed key for each algorithm. The private keys are public: never use them for anything but tests.

use tollgate::{Algorithm, VerifyingKey};
use tollgate_sessions::SigningKey;

/// The HMAC secret of [`signing`] and [`verifying`]. It is long enough for every HMAC algorithm.
pub const SECRET: [u8; 64] = [
    0x81, 0xd2, 0x37, 0x2e, 0xf6, 0xdb, 0x0a, 0xdc, 0xd6, 0x98, 0xe1, 0xb3, 0x96, 0x1b, 0x92, 0x53, 0x1e,
    0x04, 0xe3, 0xa1, 0xc1, 0x91, 0x63, 0x6e, 0x1b, 0xb2, 0x25, 0xc5, 0x33, 0xff, 0xfd, 0x2a, 0xde, 0xfc,
    0x92, 0xcb, 0x50, 0x67, 0x10, 0x24, 0x75, 0x88, 0xec, 0x73, 0x7e, 0xcd, 0x33, 0x75, 0xc2, 0xc6, 0x90,
    0x9f, 0x57, 0x49, 0x7a, 0x82, 0x54, 0xc0, 0x2a, 0x66, 0x42, 0xa1, 0x0d, 0x8e,
];

/// Returns the private key for `algorithm` as PKCS #8 PEM, or `None` for an HMAC algorithm.
#[must_use]
pub const fn pem(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512 => Some(include_str!("../keys/rsa.pem")),
        Algorithm::Es256 => Some(include_str!("../keys/p256.pem")),
        Algorithm::Es384 => Some(include_str!("../keys/p384.pem")),
        Algorithm::Es512 => Some(include_str!("../keys/p521.pem")),
        Algorithm::EdDsa => Some(include_str!("../keys/ed25519.pem")),
        _ => None,
    }
}

/// Returns the fixed key that signs with `algorithm`.
///
/// # Panics
/// Never for an algorithm in [`Algorithm::ALL`].
#[must_use]
#[expect(clippy::expect_used, reason = "for tests; the keys are fixed")]
pub fn signing(algorithm: Algorithm) -> SigningKey {
    match pem(algorithm) {
        Some(pem) => SigningKey::from_pem(algorithm, pem).expect("fixed key"),
        None => SigningKey::hmac(algorithm, SECRET).expect("fixed secret"),
    }
}

/// Returns the key that verifies the signatures of [`signing`] with the same algorithm.
///
/// # Panics
/// Never for an algorithm in [`Algorithm::ALL`].
#[must_use]
#[expect(clippy::expect_used, reason = "for tests; the keys are fixed")]
pub fn verifying(algorithm: Algorithm) -> VerifyingKey {
    signing(algorithm).verifying_key().expect("fixed key")
}

/// Returns a JWK Set document (RFC 7517 §5) of the public keys for `algorithms`, as an issuer publishes it.
///
/// HMAC algorithms have no public key and are left out.
#[must_use]
pub fn jwk_set(algorithms: &[Algorithm]) -> String {
    let keys: Vec<SigningKey> = algorithms.iter().copied().map(signing).collect();
    let public: Vec<&str> = keys.iter().filter_map(SigningKey::public_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, public.join(","))
}

#[cfg(test)]
mod tests {
    use tollgate::KeySet;

    use super::*;

    #[test]
    fn jwk_set_contains_the_public_keys() {
        let keys = KeySet::from_jwk_set(jwk_set(&Algorithm::ALL)).unwrap();
        assert_eq!(keys.skipped(), []);
        // The six RSA algorithms share a key, which the set contains once for each of them.
        assert_eq!(keys.iter().count(), Algorithm::ALL.len() - 3);
    }
}
