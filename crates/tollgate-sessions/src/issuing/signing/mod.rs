//! [`SigningKey`]: a private key or secret, bound to its algorithm, prepared once.

mod jwk;
mod key_pair;
mod load;
mod public;
mod ring;
mod schedule;

use std::fmt;

use aws_lc_rs::hmac;
use tollgate::{Algorithm, KeyId, VerifyingKey};
use zeroize::Zeroizing;

use crate::issuing::SigningKeyError;
use jwk::PrivateJwk;
use key_pair::KeyPair;

pub use ring::KeyRing;
pub(crate) use ring::jwk_set;
pub use schedule::KeyRotationSchedule;

/// A key that signs tokens. It is not `Clone`, and `Debug` shows its id and algorithm only.
///
/// The key id is the RFC 7638 thumbprint of the public half, so the same key has the same id everywhere.
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    signer: Signer,
}

enum Signer {
    Hmac { key: Box<hmac::Key>, secret: Zeroizing<Vec<u8>> },
    Pair { pair: KeyPair, public_jwk: String },
}

impl SigningKey {
    /// A new key pair from the system's randomness. RSA keys have 3072 bits.
    ///
    /// # Errors
    /// [`SigningKeyError::NoKeyPair`] for the HMAC algorithms.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        Self::of(algorithm, KeyPair::generate(algorithm)?)
    }

    /// A private key in PEM: PKCS #8 (`PRIVATE KEY`), or the older `RSA PRIVATE KEY` and `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SigningKeyError`] when the text is no such key, the key is weak, or it does not go with the algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let (label, der) = pem_rfc7468::decode_vec(pem.as_ref()).map_err(|_cause| SigningKeyError::Pem)?;
        let der = Zeroizing::new(der);
        match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                Self::of(algorithm, KeyPair::from_der(algorithm, &der)?)
            }
            _ => Err(SigningKeyError::Pem),
        }
    }

    /// A private key as a JWK (RFC 7517), or a secret as one with `"kty":"oct"`. RSA keys need all members of RFC 7518
    /// §6.3.2 but `oth`. It keeps its `kid`.
    ///
    /// # Errors
    /// [`SigningKeyError`] when the text is no such key, or has a member twice; when `alg`, `use` or `key_ops` say that
    /// it is for something else; when the key is weak, or its private half does not go with its public one.
    pub fn from_jwk(algorithm: Algorithm, jwk: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let jwk = PrivateJwk::parse(algorithm, jwk.as_ref())?;
        let key = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                Self::hmac(algorithm, &*jwk.secret(algorithm)?)?
            }
            _ => Self::of(algorithm, KeyPair::from_jwk(algorithm, &jwk)?)?,
        };
        match jwk.key_id()? {
            Some(key_id) => key.with_key_id(key_id),
            None => Ok(key),
        }
    }

    /// A secret for `Hs256`, `Hs384` or `Hs512`, as strong as [`VerifyingKey::hmac`] demands.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`] says what is wrong with the secret.
    pub fn hmac(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let secret = Zeroizing::new(secret.as_ref().to_vec());
        VerifyingKey::hmac(algorithm, &*secret)?;
        let hmac_algorithm = match algorithm {
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let key = Box::new(hmac::Key::new(hmac_algorithm, &secret));
        Ok(Self { algorithm, key_id: None, signer: Signer::Hmac { key, secret } })
    }

    /// Checks that the public half verifies, so that a weak key is refused here and not by those who are sent its
    /// tokens.
    fn of(algorithm: Algorithm, pair: KeyPair) -> Result<Self, SigningKeyError> {
        let public = pair.public(algorithm)?;
        let key_id = public.thumbprint();
        let public_jwk = public.to_jwk(algorithm, &key_id);
        VerifyingKey::from_jwk(&public_jwk)?;
        Ok(Self { algorithm, key_id: Some(KeyId::new(key_id)?), signer: Signer::Pair { pair, public_jwk } })
    }

    /// The same key under another key id.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`] past [`KeyId::MAX_BYTES`].
    pub fn with_key_id(self, key_id: impl Into<Box<str>>) -> Result<Self, SigningKeyError> {
        let key_id = KeyId::new(key_id)?;
        let signer = match self.signer {
            Signer::Pair { pair, .. } => {
                let public_jwk = pair.public(self.algorithm)?.to_jwk(self.algorithm, key_id.as_str());
                Signer::Pair { pair, public_jwk }
            }
            hmac @ Signer::Hmac { .. } => hmac,
        };
        Ok(Self { key_id: Some(key_id), signer, ..self })
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id that tokens carry. A secret has none unless it was given one.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// What verifies this key's tokens.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`]; not to be expected of a key that could be made.
    pub fn verifying_key(&self) -> Result<VerifyingKey, SigningKeyError> {
        match &self.signer {
            Signer::Pair { public_jwk, .. } => Ok(VerifyingKey::from_jwk(public_jwk)?),
            Signer::Hmac { secret, .. } => {
                let key = VerifyingKey::hmac(self.algorithm, secret)?;
                match &self.key_id {
                    Some(key_id) => Ok(key.with_key_id(key_id.as_str())?),
                    None => Ok(key),
                }
            }
        }
    }

    /// The public half as a JWK with `kid`, `alg` and `use` (RFC 7517 §4). A secret has no public half.
    #[must_use]
    pub fn public_jwk(&self) -> Option<&str> {
        match &self.signer {
            Signer::Pair { public_jwk, .. } => Some(public_jwk),
            Signer::Hmac { .. } => None,
        }
    }

    /// The private key as PKCS #8 PEM, to be kept where only this process can read it. A secret is not exported.
    ///
    /// # Errors
    /// [`SigningKeyError::NoKeyPair`] for a secret.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        match &self.signer {
            Signer::Pair { pair, .. } => pair.to_pem(),
            Signer::Hmac { .. } => Err(SigningKeyError::NoKeyPair { algorithm: self.algorithm }),
        }
    }

    /// The signature of `message`, in the form that JWS uses (RFC 7518 §3).
    ///
    /// # Errors
    /// [`SigningKeyError::Crypto`] when the system has no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        match &self.signer {
            Signer::Hmac { key, .. } => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Signer::Pair { pair, .. } => pair.sign(self.algorithm, message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [Algorithm; 6] = [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::Rs256,
        Algorithm::Ps512,
    ];

    #[test]
    fn a_key_survives_being_written_and_read() {
        for algorithm in PAIRS {
            let key = SigningKey::generate(algorithm).unwrap();
            let read = SigningKey::from_pem(algorithm, key.to_pem().unwrap().as_bytes()).unwrap();
            assert_eq!(key.public_jwk(), read.public_jwk(), "{algorithm}");
            assert_eq!(key.key_id(), read.key_id(), "{algorithm}");
        }
    }

    #[test]
    fn a_key_goes_with_its_algorithm_only() {
        let pem = SigningKey::generate(Algorithm::Es256).unwrap().to_pem().unwrap();
        for algorithm in PAIRS.into_iter().filter(|algorithm| *algorithm != Algorithm::Es256) {
            let error = SigningKey::from_pem(algorithm, pem.as_bytes()).unwrap_err();
            assert_eq!(error, SigningKeyError::Rejected { algorithm });
        }
        assert!(SigningKey::generate(Algorithm::Hs256).is_err());
        assert!(SigningKey::hmac(Algorithm::Es256, [7; 64]).is_err());
        assert!(SigningKey::hmac(Algorithm::Hs256, "secret").is_err());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap().with_key_id("k1").unwrap();
        assert_eq!(format!("{key:?}"), r#"SigningKey { algorithm: EdDsa, key_id: Some("k1"), .. }"#);
    }
}
