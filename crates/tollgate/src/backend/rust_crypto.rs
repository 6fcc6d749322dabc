//! RustCrypto and dalek: the pure Rust backend.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use rsa::signature::Verifier as _;
use rsa::{BoxedUint, PublicKey as RsaKey, pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};

use super::material::PublicMaterial;
use crate::algorithm::Algorithm;

pub(crate) enum Verifier {
    Hs256(Hmac<Sha256>),
    Hs384(Hmac<Sha384>),
    Hs512(Hmac<Sha512>),
    Rs256(pkcs1v15::VerifyingKey<Sha256>),
    Rs384(pkcs1v15::VerifyingKey<Sha384>),
    Rs512(pkcs1v15::VerifyingKey<Sha512>),
    Ps256(pss::VerifyingKey<Sha256>),
    Ps384(pss::VerifyingKey<Sha384>),
    Ps512(pss::VerifyingKey<Sha512>),
    Es256(p256::ecdsa::VerifyingKey),
    Es384(p384::ecdsa::VerifyingKey),
    Es512(p521::ecdsa::VerifyingKey),
    EdDsa(Ed25519Key),
}

impl Verifier {
    pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Hs256 => Hmac::new_from_slice(secret).ok().map(Self::Hs256),
            Algorithm::Hs384 => Hmac::new_from_slice(secret).ok().map(Self::Hs384),
            Algorithm::Hs512 => Hmac::new_from_slice(secret).ok().map(Self::Hs512),
            _ => None,
        }
    }

    pub(crate) fn public(algorithm: Algorithm, material: &PublicMaterial) -> Option<Self> {
        match material {
            PublicMaterial::Rsa { modulus, exponent } => rsa(algorithm, modulus, exponent),
            PublicMaterial::Ec { point, .. } => ec(algorithm, point),
            PublicMaterial::Ed25519(key) => {
                let key = Ed25519Key::from_bytes(key).ok().filter(|key| !key.is_weak())?;
                (algorithm == Algorithm::EdDsa).then_some(Self::EdDsa(key))
            }
        }
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            // `verify_slice` compares in constant time (RFC 7518 §3.2).
            Self::Hs256(key) => key.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Hs384(key) => key.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Hs512(key) => key.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Rs256(key) => {
                pkcs1v15::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Rs384(key) => {
                pkcs1v15::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Rs512(key) => {
                pkcs1v15::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Ps256(key) => {
                pss::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Ps384(key) => {
                pss::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Ps512(key) => {
                pss::Signature::try_from(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Es256(key) => {
                p256::ecdsa::Signature::from_slice(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Es384(key) => {
                p384::ecdsa::Signature::from_slice(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::Es512(key) => {
                p521::ecdsa::Signature::from_slice(signature).is_ok_and(|s| key.verify(message, &s).is_ok())
            }
            Self::EdDsa(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Verifier> {
    let number = BoxedUint::from_be_slice_vartime;
    let key = RsaKey::new(number(modulus), number(exponent)).ok()?;
    Some(match algorithm {
        Algorithm::Rs256 => Verifier::Rs256(pkcs1v15::VerifyingKey::new(key)),
        Algorithm::Rs384 => Verifier::Rs384(pkcs1v15::VerifyingKey::new(key)),
        Algorithm::Rs512 => Verifier::Rs512(pkcs1v15::VerifyingKey::new(key)),
        Algorithm::Ps256 => Verifier::Ps256(pss::VerifyingKey::new(key)),
        Algorithm::Ps384 => Verifier::Ps384(pss::VerifyingKey::new(key)),
        Algorithm::Ps512 => Verifier::Ps512(pss::VerifyingKey::new(key)),
        _ => return None,
    })
}

fn ec(algorithm: Algorithm, point: &[u8]) -> Option<Verifier> {
    match algorithm {
        Algorithm::Es256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Verifier::Es256),
        Algorithm::Es384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Verifier::Es384),
        Algorithm::Es512 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Verifier::Es512),
        _ => None,
    }
}
