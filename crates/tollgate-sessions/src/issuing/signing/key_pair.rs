//! [`KeyPair`]: one type for the private keys of aws-lc-rs.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    self as aws, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use pem_rfc7468::LineEnding;
use tollgate::Algorithm;
use zeroize::Zeroizing;

use super::jwk::PrivateJwk;
use super::public::PublicKey;
use crate::issuing::SigningKeyError;

pub(super) enum KeyPair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The kind of key pair that an algorithm needs.
enum Kind {
    Rsa(&'static dyn RsaEncoding),
    Ecdsa(&'static EcdsaSigningAlgorithm),
    Ed25519,
}

fn kind(algorithm: Algorithm) -> Result<Kind, SigningKeyError> {
    Ok(match algorithm {
        Algorithm::Rs256 => Kind::Rsa(&aws::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Kind::Rsa(&aws::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Kind::Rsa(&aws::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Kind::Rsa(&aws::RSA_PSS_SHA256),
        Algorithm::Ps384 => Kind::Rsa(&aws::RSA_PSS_SHA384),
        Algorithm::Ps512 => Kind::Rsa(&aws::RSA_PSS_SHA512),
        Algorithm::Es256 => Kind::Ecdsa(&aws::ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Kind::Ecdsa(&aws::ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => Kind::Ecdsa(&aws::ECDSA_P521_SHA512_FIXED_SIGNING),
        Algorithm::EdDsa => Kind::Ed25519,
        _ => return Err(SigningKeyError::NoKeyPair { algorithm }),
    })
}

impl KeyPair {
    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let generated = match kind(algorithm)? {
            Kind::Rsa(_) => RsaKeyPair::generate(KeySize::Rsa3072).map(Self::Rsa),
            Kind::Ecdsa(curve) => EcdsaKeyPair::generate(curve).map(Self::Ecdsa),
            Kind::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed25519),
        };
        generated.map_err(|_cause| SigningKeyError::Crypto)
    }

    /// Reads PKCS #8, or the older format for the kind of key.
    pub(super) fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, SigningKeyError> {
        let read = match kind(algorithm)? {
            Kind::Rsa(_) => RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).map(Self::Rsa),
            Kind::Ecdsa(curve) => EcdsaKeyPair::from_private_key_der(curve, der).map(Self::Ecdsa),
            Kind::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519),
        };
        read.map_err(|_cause| SigningKeyError::Rejected { algorithm })
    }

    /// Reads the key from a JWK. The library checks that the two halves match.
    pub(super) fn from_jwk(algorithm: Algorithm, jwk: &PrivateJwk) -> Result<Self, SigningKeyError> {
        let read = match kind(algorithm)? {
            Kind::Rsa(_) => {
                let numbers = jwk.rsa(algorithm)?;
                let public_key = PublicKeyComponents { n: numbers.n.as_slice(), e: numbers.e.as_slice() };
                RsaKeyPair::from_components(&KeyPairComponents {
                    public_key,
                    d: numbers.d.as_slice(),
                    p: numbers.p.as_slice(),
                    q: numbers.q.as_slice(),
                    dP: numbers.dp.as_slice(),
                    dQ: numbers.dq.as_slice(),
                    qInv: numbers.qi.as_slice(),
                })
                .map(Self::Rsa)
            }
            Kind::Ecdsa(curve) => {
                let (private, public) = jwk.ec(algorithm)?;
                EcdsaKeyPair::from_private_key_and_public_key(curve, &private, &public).map(Self::Ecdsa)
            }
            Kind::Ed25519 => {
                let (seed, public) = jwk.ed25519(algorithm)?;
                Ed25519KeyPair::from_seed_and_public_key(&seed, &public).map(Self::Ed25519)
            }
        };
        read.map_err(|_cause| SigningKeyError::Rejected { algorithm })
    }

    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let random = SystemRandom::new();
        let signature = match (self, kind(algorithm)?) {
            (Self::Rsa(pair), Kind::Rsa(encoding)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).map(|()| signature)
            }
            (Self::Ecdsa(pair), _) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec())
            }
            (Self::Ed25519(pair), _) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
            (Self::Rsa(_), _) => return Err(SigningKeyError::Rejected { algorithm }),
        };
        signature.map_err(|_cause| SigningKeyError::Crypto)
    }

    pub(super) fn public(&self, algorithm: Algorithm) -> Result<PublicKey, SigningKeyError> {
        let public = match self {
            Self::Rsa(pair) => PublicKey::rsa(pair.public_key().as_ref()),
            Self::Ecdsa(pair) => PublicKey::ec(algorithm, pair.public_key().as_ref()),
            Self::Ed25519(pair) => Some(PublicKey::ed25519(pair.public_key().as_ref())),
        };
        public.ok_or(SigningKeyError::Rejected { algorithm })
    }

    pub(super) fn to_pem(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        let encode = |der: &[u8]| pem_rfc7468::encode_string("PRIVATE KEY", LineEnding::LF, der).ok();
        let pem = match self {
            Self::Rsa(pair) => {
                let der: Option<Pkcs8V1Der<'_>> = pair.as_der().ok();
                der.and_then(|der| encode(der.as_ref()))
            }
            Self::Ecdsa(pair) => pair.to_pkcs8v1().ok().and_then(|der| encode(der.as_ref())),
            Self::Ed25519(pair) => pair.to_pkcs8v1().ok().and_then(|der| encode(der.as_ref())),
        };
        pem.map(Zeroizing::new).ok_or(SigningKeyError::Crypto)
    }
}
