//! [`SigningKey`]: a private key or secret, bound to its algorithm.

mod jwk;
mod key_pair;
mod load;
mod public;
mod ring;
mod schedule;

use std::fmt;

use aws_lc_rs::hmac;
use tollgate::{Algorithm, KeyError, KeyId, VerifyingKey};
use zeroize::Zeroizing;

use crate::issuing::SigningKeyError;
use jwk::PrivateJwk;
use key_pair::KeyPair;

pub use ring::KeyRing;
pub(crate) use ring::jwk_set;
pub use schedule::{KeyRotationSchedule, KeyRotationTimes};

/// A key that signs tokens with one algorithm. It is not `Clone`, and `Debug` shows only its ID and algorithm.
///
/// The key ID is the RFC 7638 thumbprint of the public half, so the same key has the same ID everywhere.
///
/// # Examples
/// ```
/// use tollgate::Algorithm;
/// use tollgate_sessions::SigningKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A new key pair, to store as PEM.
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let pem = key.to_pem()?;
///
/// let read = SigningKey::from_pem(Algorithm::EdDsa, pem.as_bytes())?;
/// assert_eq!(read.key_id(), key.key_id());
///
/// // Publish the public half, with which verifiers check the signatures.
/// assert!(key.public_jwk().is_some_and(|jwk| jwk.contains(r#""alg":"EdDSA""#)));
///
/// // Or read the key from a file, which is created at the first start.
/// # let directory = std::env::temp_dir().join(format!("tollgate-doc-signing-key-{}", std::process::id()));
/// # let path = directory.join("signing-key.pem");
/// let key = SigningKey::from_file_or_new(Algorithm::EdDsa, &path)?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(()) }
/// ```
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
    /// Generates a key pair. RSA keys have 3072 bits.
    ///
    /// # Errors
    /// [`SigningKeyError::NoKeyPair`] for the HMAC algorithms, and [`SigningKeyError::Crypto`] when the
    /// operating system gives no random bytes.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        Self::of(algorithm, KeyPair::generate(algorithm)?)
    }

    /// Reads a private key in PEM: PKCS #8 (`PRIVATE KEY`), or the older `RSA PRIVATE KEY` and `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SigningKeyError`] when the text is not such a key, the key is weak, or it is not a key for the
    /// algorithm.
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

    /// Reads a private key from a JWK (RFC 7517), or a secret from a JWK with `"kty":"oct"`. RSA keys need all
    /// members of RFC 7518 §6.3.2 except `oth`. The key keeps the `kid` of the JWK.
    ///
    /// # Errors
    /// [`SigningKeyError`] when the text is not such a key, or has a member twice; when `alg`, `use` or
    /// `key_ops` do not allow signing with the algorithm; when the key is weak, or its private half does not
    /// match its public half.
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

    /// Makes a key from a secret for `Hs256`, `Hs384` or `Hs512`. The secret must be as strong as
    /// [`VerifyingKey::hmac`] requires.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`], whose source says what is wrong with the secret.
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

    /// Makes a key from a key pair. Checks that the public half is accepted as a verifying key: otherwise the
    /// verifiers would reject the tokens of a weak key later.
    fn of(algorithm: Algorithm, pair: KeyPair) -> Result<Self, SigningKeyError> {
        let public = pair.public(algorithm)?;
        let key_id = public.thumbprint();
        let public_jwk = public.to_jwk(algorithm, &key_id);
        VerifyingKey::from_jwk(&public_jwk)?;
        Ok(Self {
            algorithm,
            key_id: Some(KeyId::new(key_id).map_err(KeyError::from)?),
            signer: Signer::Pair { pair, public_jwk },
        })
    }

    /// Sets the key ID.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`] when the ID is longer than [`KeyId::MAX_BYTES`].
    pub fn with_key_id(self, key_id: impl Into<Box<str>>) -> Result<Self, SigningKeyError> {
        let key_id = KeyId::new(key_id).map_err(KeyError::from)?;
        let signer = match self.signer {
            Signer::Pair { pair, .. } => {
                let public_jwk = pair.public(self.algorithm)?.to_jwk(self.algorithm, key_id.as_str());
                Signer::Pair { pair, public_jwk }
            }
            hmac @ Signer::Hmac { .. } => hmac,
        };
        Ok(Self { key_id: Some(key_id), signer, ..self })
    }

    /// Returns the algorithm of the signatures.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the key ID that tokens carry. A secret has none unless it was set.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// Returns the key that verifies the signatures.
    ///
    /// # Errors
    /// [`SigningKeyError::Key`] when the verifying key cannot be made. This is not expected: the key was
    /// checked when it was made.
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

    /// Returns the public half as a JWK with `kid`, `alg` and `use` (RFC 7517 §4). A secret has no public half.
    #[must_use]
    pub fn public_jwk(&self) -> Option<&str> {
        match &self.signer {
            Signer::Pair { public_jwk, .. } => Some(public_jwk),
            Signer::Hmac { .. } => None,
        }
    }

    /// Returns the private key as PKCS #8 PEM. A secret is not exported.
    ///
    /// # Errors
    /// [`SigningKeyError::NoKeyPair`] for a secret.
    ///
    /// # Security
    /// Store the text where only this process can read it.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        match &self.signer {
            Signer::Pair { pair, .. } => pair.to_pem(),
            Signer::Hmac { .. } => Err(SigningKeyError::NoKeyPair { algorithm: self.algorithm }),
        }
    }

    /// Signs `message`. The signature has the form of JWS (RFC 7518 §3).
    ///
    /// # Errors
    /// [`SigningKeyError::Crypto`] when the operating system gives no random bytes, or the library fails.
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
    fn key_survives_pem() {
        for algorithm in PAIRS {
            let key = SigningKey::generate(algorithm).unwrap();
            let read = SigningKey::from_pem(algorithm, key.to_pem().unwrap().as_bytes()).unwrap();
            assert_eq!(key.public_jwk(), read.public_jwk(), "{algorithm}");
            assert_eq!(key.key_id(), read.key_id(), "{algorithm}");
        }
    }

    #[test]
    fn key_is_rejected_for_another_algorithm() {
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
    fn debug_does_not_show_the_key() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap().with_key_id("k1").unwrap();
        assert_eq!(format!("{key:?}"), r#"SigningKey { algorithm: EdDsa, key_id: Some("k1"), .. }"#);
    }
}
