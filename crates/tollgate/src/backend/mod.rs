//! The cryptography, behind one type: [`Prepared`], a key ready to verify with one algorithm.
//!
//! Both backends give the same results. With both features enabled, aws-lc-rs is used, and the tests compare it
//! with the other one. Neither touches process-wide state, so features enabled by other crates cannot change
//! the behavior.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc_rs;
mod material;
#[cfg(all(feature = "rust-crypto", any(test, not(feature = "aws-lc-rs"))))]
mod rust_crypto;

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!("tollgate needs a cryptographic backend: enable the feature `aws-lc-rs` or `rust-crypto`");

#[cfg(feature = "aws-lc-rs")]
use self::aws_lc_rs as chosen;
#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
use self::rust_crypto as chosen;

use crate::algorithm::{Algorithm, Curve, Family};
use crate::error::KeyError;

pub(crate) use material::PublicMaterial;

/// The length of the longest signature: RSA with 8192 bits.
pub(crate) const MAX_SIGNATURE_BYTES: usize = 1024;

/// A key, ready to verify with one algorithm.
pub(crate) struct Prepared {
    verifier: chosen::Verifier,
    signature_len: usize,
}

impl Prepared {
    /// Prepares an HMAC key. The caller has checked its strength.
    pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let verifier =
            chosen::Verifier::hmac(algorithm, secret).ok_or(KeyError::AlgorithmMismatch { algorithm })?;
        Ok(Self { verifier, signature_len: algorithm.hash_len() })
    }

    /// Prepares a public key that fits `algorithm`.
    pub(crate) fn public(algorithm: Algorithm, material: &PublicMaterial) -> Result<Self, KeyError> {
        let verifier = chosen::Verifier::public(algorithm, material).ok_or(KeyError::Point)?;
        Ok(Self { verifier, signature_len: signature_len(algorithm, material) })
    }

    /// Returns whether `signature` is valid for `message` under this key.
    ///
    /// The length is checked here for both backends. A signature has exactly one length (RFC 7518 §3.3, §3.4,
    /// RFC 8017 §8.2.2 step 1), and any other length is another encoding.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == self.signature_len && self.verifier.verify(message, signature)
    }
}

fn signature_len(algorithm: Algorithm, material: &PublicMaterial) -> usize {
    match (algorithm.family(), material) {
        (Family::Rsa, PublicMaterial::Rsa { modulus, .. }) => modulus.len(),
        (Family::Ec(curve), _) => ecdsa_signature_len(curve),
        (Family::Ed25519, _) => 64,
        _ => algorithm.hash_len(),
    }
}

/// Returns the length of R and S, each as long as a coordinate (RFC 7518 §3.4).
const fn ecdsa_signature_len(curve: Curve) -> usize {
    curve.coordinate_len().saturating_mul(2)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
