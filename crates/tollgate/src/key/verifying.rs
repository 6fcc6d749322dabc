//! [`VerifyingKey`]: key material prepared once and bound to its algorithm.

use std::fmt;
use std::sync::Arc;

use super::id::KeyId;
use super::jwk::{Jwk, JwkMaterial, utf8};
use super::material::PublicMaterial;
use super::{der, secret};
use crate::algorithm::{Algorithm, Family};
use crate::backend::Prepared;
use crate::error::{KeyError, TokenError};
use crate::token::CompactToken;

/// A key that verifies tokens: material prepared once, bound to the algorithm (or algorithms) it is used with.
///
/// A public key can never act as an HMAC secret, nor one algorithm stand in for another: what a key verifies is
/// fixed when it is built (RFC 8725 §3.1). Cheap to clone.
///
/// ```
/// use tollgate::{Algorithm, VerifyingKey};
///
/// # let random = [143, 28, 94, 211, 2, 183, 153, 74, 110, 240, 19, 200, 125, 33, 170, 84,
/// #               59, 230, 144, 15, 215, 104, 44, 177, 69, 250, 134, 29, 195, 95, 114, 9];
/// let key = VerifyingKey::hmac(Algorithm::Hs256, random)?.with_key_id("2026-11")?;
/// assert!(VerifyingKey::hmac(Algorithm::Hs256, "changeme").is_err());
/// # Ok::<(), tollgate::KeyError>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    key_id: Option<KeyId>,
    /// Absent for HMAC: the secret lives in the prepared key only.
    material: Option<Arc<PublicMaterial>>,
    prepared: Arc<[(Algorithm, Prepared)]>,
}

impl VerifyingKey {
    /// A shared secret for `Hs256`, `Hs384` or `Hs512`. Whoever can verify with it can also sign with it.
    ///
    /// # Errors
    /// [`KeyError::WeakSecret`] when the secret is shorter than the hash (RFC 7518 §3.2) or could be guessed,
    /// [`KeyError::AlgorithmMismatch`] for any other algorithm.
    pub fn hmac(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        if algorithm.family() != Family::Hmac {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        let bytes = secret.as_ref();
        secret::check(algorithm, bytes).map_err(|reason| KeyError::WeakSecret { algorithm, reason })?;
        let prepared = Prepared::hmac(algorithm, bytes)?;
        Ok(Self { key_id: None, material: None, prepared: Arc::from([(algorithm, prepared)]) })
    }

    /// A public key in PEM: `PUBLIC KEY` (SPKI), `RSA PUBLIC KEY` (PKCS #1) or `CERTIFICATE` (X.509).
    ///
    /// Only the first block of the text is read. Of a certificate only the key is used; its validity period and its
    /// chain are not checked.
    ///
    /// # Errors
    /// [`KeyError`] when the text is no public key, the key is weak, or the algorithm does not go with it.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::public(der::from_pem(pem.as_ref())?, [algorithm])
    }

    /// A public key in DER, of the same three formats as [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::public(der::from_der(der.as_ref())?, [algorithm])
    }

    /// A key from one JSON Web Key (RFC 7517 §4), public or `oct`.
    ///
    /// It is bound to its `alg`. Without one, EC and OKP keys leave no choice, RSA keys are taken for RS256 and an
    /// `oct` key is refused. Add further algorithms with [`with_algorithm`](Self::with_algorithm).
    ///
    /// # Errors
    /// [`KeyError`] says which member is wrong, or why the key is not used.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let json = utf8(json.as_ref())?;
        let jwk = Jwk::parse(json)?;
        match jwk.material {
            JwkMaterial::Public(_) => Self::from_public_jwk(jwk),
            JwkMaterial::Secret(secret) => {
                let algorithm = jwk.algorithm.ok_or(KeyError::Missing { name: "alg" })?;
                Ok(Self { key_id: jwk.key_id, ..Self::hmac(algorithm, &*secret)? })
            }
        }
    }

    /// The same for a member of a public key set, where a symmetric key has no place.
    pub(super) fn from_public_jwk(jwk: Jwk) -> Result<Self, KeyError> {
        let JwkMaterial::Public(material) = jwk.material else { return Err(KeyError::Symmetric) };
        let algorithm = jwk.algorithm.unwrap_or_else(|| material.default_algorithm());
        Ok(Self { key_id: jwk.key_id, ..Self::public(material, [algorithm])? })
    }

    fn public(
        material: PublicMaterial,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, KeyError> {
        let prepare = |algorithm: Algorithm| {
            if !material.fits(algorithm) {
                return Err(KeyError::AlgorithmMismatch { algorithm });
            }
            Ok((algorithm, Prepared::public(algorithm, &material)?))
        };
        let prepared = algorithms.into_iter().map(prepare).collect::<Result<Arc<[_]>, _>>()?;
        Ok(Self { key_id: None, prepared, material: Some(Arc::new(material)) })
    }

    /// The same key under a key id: tokens that carry a `kid` are verified with it only if theirs is the same.
    ///
    /// # Errors
    /// [`KeyError::KeyIdTooLong`] past [`KeyId::MAX_BYTES`].
    pub fn with_key_id(self, key_id: impl Into<Box<str>>) -> Result<Self, KeyError> {
        Ok(Self { key_id: Some(KeyId::new(key_id)?), ..self })
    }

    /// The same RSA key for one more algorithm. An issuer that signs with several should publish a key for each.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMismatch`] when the algorithm does not go with this kind of key.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        let Some(material) = &self.material else { return Err(KeyError::AlgorithmMismatch { algorithm }) };
        let mut algorithms: Vec<Algorithm> = self.algorithms().collect();
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
        Ok(Self { key_id: self.key_id, ..Self::public(PublicMaterial::clone(material), algorithms)? })
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The algorithms that this key verifies.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.prepared.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Checks the signature of `token` and nothing else: that its header is acceptable, its algorithm is one that this
    /// key is bound to, and its signature fits (RFC 7515 §5.2).
    ///
    /// # Security
    /// This says who signed, not for whom, when or what for. To accept a token, use a
    /// [`Verifier`](crate::Verifier).
    ///
    /// # Errors
    /// [`TokenError`] says what does not fit.
    pub fn verify_signature(&self, token: &CompactToken<'_>) -> Result<(), TokenError> {
        let algorithm = token.header()?.algorithm();
        let prepared = self.prepared(algorithm).ok_or(TokenError::AlgorithmMismatch { algorithm })?;
        token.verify(prepared)
    }

    /// The key as prepared for `algorithm`, if it is bound to it.
    pub(crate) fn prepared(&self, algorithm: Algorithm) -> Option<&Prepared> {
        self.prepared.iter().find_map(|(bound, prepared)| (*bound == algorithm).then_some(prepared))
    }

    /// Whether both are the same public key. Secrets are never the same as anything.
    pub(super) fn same_public_key(&self, other: &Self) -> bool {
        self.material.is_some() && self.material == other.material
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<&str> = self.algorithms().map(Algorithm::name).collect();
        f.debug_struct("VerifyingKey")
            .field("key_id", &self.key_id)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}
