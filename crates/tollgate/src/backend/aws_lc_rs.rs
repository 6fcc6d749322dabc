//! aws-lc-rs: parsed keys that are `Send` and `Sync`, and are kept.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::signature::{
    self as aws, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use aws_lc_rs::{digest, hmac};

use super::material::PublicMaterial;
use crate::algorithm::Algorithm;

pub(crate) enum Verifier {
    /// Boxed, because it is twenty times as large as the other variant.
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Verifier {
    pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let algorithm = match algorithm {
            Algorithm::Hs256 => hmac::HMAC_SHA256,
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => return None,
        };
        Some(Self::Hmac(Box::new(hmac::Key::new(algorithm, secret))))
    }

    pub(crate) fn public(algorithm: Algorithm, material: &PublicMaterial) -> Option<Self> {
        let parsed = match material {
            PublicMaterial::Rsa { modulus, exponent } => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(rsa(algorithm)?)
            }
            PublicMaterial::Ec { point, .. } => ParsedPublicKey::new(other(algorithm)?, point),
            PublicMaterial::Ed25519(key) => ParsedPublicKey::new(other(algorithm)?, key),
        };
        parsed.ok().map(Self::Public)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hmac(key) => verify_hmac(key, message, signature),
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// Does what `hmac::verify` does, without its last copy of the context, which takes as long as a block of the
/// hash.
fn verify_hmac(key: &hmac::Key, message: &[u8], signature: &[u8]) -> bool {
    let mut buffer = [0; digest::MAX_OUTPUT_LEN];
    // Constant time (RFC 7518 §3.2).
    hmac::sign_to_buffer(key, message, &mut buffer)
        .is_ok_and(|expected| verify_slices_are_equal(expected, signature).is_ok())
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &aws::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &aws::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &aws::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &aws::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &aws::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &aws::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn other(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Es256 => &aws::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &aws::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &aws::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa => &aws::ED25519,
        _ => return None,
    })
}
