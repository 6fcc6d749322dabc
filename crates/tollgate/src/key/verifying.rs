//! [`VerifyingKey`]: key material, prepared once and bound to its algorithm.

use std::fmt;
use std::sync::Arc;

use super::jwk::{Jwk, JwkMaterial, JwkTolerance, utf8};
use super::{der, secret};
use crate::algorithm::{Algorithm, Family};
use crate::backend::Prepared;
use crate::backend::PublicMaterial;
use crate::error::{KeyError, TokenError, WeakSecret};
use crate::key_id::KeyId;
use crate::token::CompactToken;

/// A key that verifies tokens. Its material is prepared once and bound to one algorithm or several.
///
/// The algorithms of a key are fixed when it is built (RFC 8725 §3.1), so a public key can never act as an HMAC
/// secret, nor one algorithm replace another. Cheap to clone.
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
    /// `None` for HMAC: only the prepared key holds the secret.
    material: Option<Arc<PublicMaterial>>,
    prepared: Arc<[(Algorithm, Prepared)]>,
    /// The other algorithms of an RSA key whose JWK has no `alg`. A verifier may list them.
    unbound: Arc<[(Algorithm, Prepared)]>,
    /// `x5t#S256` and `x5t` of the key's certificate.
    thumbprints: Arc<[KeyId]>,
    /// Whose tokens the key may sign, by its JWK.
    issuer: Option<Arc<str>>,
}

impl VerifyingKey {
    /// Creates a key from a shared secret for `Hs256`, `Hs384` or `Hs512`. A party that can verify with it can
    /// also sign.
    ///
    /// # Errors
    /// [`KeyError::WeakSecret`] when the secret is shorter than the hash (RFC 7518 §3.2) or guessable.
    /// [`KeyError::AlgorithmMismatch`] for any other algorithm.
    pub fn hmac(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        check_is_hmac(algorithm)?;
        check_is_hmac(algorithm)?;
        secret::check(algorithm, secret.as_ref())
            .map_err(|reason| KeyError::WeakSecret { algorithm, reason })?;
        Self::insecure_hmac(algorithm, secret)
    }

    /// Creates a key from a shared secret as [`hmac`](Self::hmac) does, but also from a weak one, such as the
    /// well-known secrets of local development tools.
    ///
    /// # Security
    /// An attacker who guesses the secret can sign tokens for every user. Use it for development only, or where the
    /// issuer cannot be changed.
    ///
    /// # Errors
    /// [`KeyError::WeakSecret`] when the secret is empty. [`KeyError::AlgorithmMismatch`] for any other algorithm.
    pub fn insecure_hmac(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        check_is_hmac(algorithm)?;
        let bytes = secret.as_ref();
        if bytes.is_empty() {
            let reason = WeakSecret::TooShort { bytes: 0, min: 1 };
            return Err(KeyError::WeakSecret { algorithm, reason });
        }
        Ok(Self::of(None, [(algorithm, Prepared::hmac(algorithm, bytes)?)].into()))
    }

    fn of(material: Option<Arc<PublicMaterial>>, prepared: Arc<[(Algorithm, Prepared)]>) -> Self {
        Self {
            key_id: None,
            material,
            prepared,
            unbound: Arc::default(),
            thumbprints: Arc::default(),
            issuer: None,
        }
    }

    /// Reads a public key in PEM: `PUBLIC KEY` (SPKI), `RSA PUBLIC KEY` (PKCS #1) or `CERTIFICATE` (X.509).
    ///
    /// Only the first block of the text is read. For a certificate, its validity period and chain are not
    /// checked.
    ///
    /// # Errors
    /// [`KeyError`] when the text is not a public key, the key is weak, or the algorithm cannot be used with
    /// it.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::public(der::from_pem(pem.as_ref())?, [algorithm])
    }

    /// Reads a public key in DER, in the same three formats as [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::public(der::from_der(der.as_ref())?, [algorithm])
    }

    /// Reads a JSON Web Key (RFC 7517 §4), public or `oct`.
    ///
    /// The key is bound to its `alg`. Without one, EC and OKP keys have only one algorithm, RSA keys are bound
    /// to RS256 and an `oct` key is rejected. [`with_algorithm`](Self::with_algorithm) adds further algorithms.
    ///
    /// # Errors
    /// [`KeyError`] says which member is wrong, or why the key is not used.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let json = utf8(json.as_ref())?;
        let jwk = Jwk::parse(json, JwkTolerance::default())?;
        match jwk.material {
            JwkMaterial::Public(_) => Self::from_public_jwk(jwk),
            JwkMaterial::Secret(secret) => {
                let algorithm = jwk.algorithm.ok_or(KeyError::Missing { name: "alg" })?;
                let thumbprints = jwk.thumbprints.into();
                Ok(Self { key_id: jwk.key_id, thumbprints, ..Self::hmac(algorithm, &*secret)? })
            }
        }
    }

    /// Reads a member of a public key set. A symmetric key is an error there.
    pub(super) fn from_public_jwk(jwk: Jwk) -> Result<Self, KeyError> {
        let JwkMaterial::Public(material) = jwk.material else { return Err(KeyError::Symmetric) };
        let bound = jwk.algorithm.unwrap_or_else(|| material.default_algorithm());
        let unbound = match jwk.algorithm {
            Some(_) => Arc::default(),
            None => prepare(&material, material.other_algorithms())?,
        };
        let (thumbprints, issuer) = (jwk.thumbprints.into(), jwk.issuer.map(Into::into));
        Ok(Self { key_id: jwk.key_id, unbound, thumbprints, issuer, ..Self::public(material, [bound])? })
    }

    fn public(
        material: PublicMaterial,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, KeyError> {
        let prepared = prepare(&material, algorithms)?;
        Ok(Self::of(Some(Arc::new(material)), prepared))
    }

    /// Sets the key ID. A token with a `kid` is then verified with this key only if the two are equal.
    ///
    /// # Errors
    /// [`KeyError::KeyIdTooLong`] above [`KeyId::MAX_BYTES`].
    pub fn with_key_id(self, key_id: impl Into<Box<str>>) -> Result<Self, KeyError> {
        Ok(Self { key_id: Some(KeyId::new(key_id)?), ..self })
    }

    /// Sets a thumbprint of the key's certificate, `x5t#S256` or `x5t` (RFC 7515 §4.1.7, §4.1.8), as the tokens spell
    /// it. A token without `kid` that has one of the two is then verified with this key only if they are equal.
    ///
    /// # Errors
    /// [`KeyError::KeyIdTooLong`] above [`KeyId::MAX_BYTES`].
    pub fn with_thumbprint(self, thumbprint: impl Into<Box<str>>) -> Result<Self, KeyError> {
        let thumbprint = KeyId::new(thumbprint)?;
        let thumbprints = self.thumbprints.iter().cloned().chain([thumbprint]).collect();
        Ok(Self { thumbprints, ..self })
    }

    /// Binds an RSA key to one more algorithm. An issuer that signs with several algorithms should publish a
    /// key for each.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMismatch`] when the algorithm cannot be used with this kind of key.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        let Some(material) = &self.material else { return Err(KeyError::AlgorithmMismatch { algorithm }) };
        let mut algorithms: Vec<Algorithm> = self.algorithms().collect();
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
        let prepared = prepare(material, algorithms)?;
        Ok(Self { prepared, ..self })
    }

    /// Returns the key ID, if there is one.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// Returns the algorithms that this key verifies.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.prepared.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Checks that the header of `token` is acceptable, its algorithm is one of this key, and its signature
    /// verifies (RFC 7515 §5.2). Checks no claims.
    ///
    /// # Security
    /// A valid signature proves who signed, not for whom, when or for which purpose. To accept a token, use a
    /// [`Verifier`](crate::Verifier).
    ///
    /// # Errors
    /// [`TokenError`] says which check failed.
    pub fn verify_signature(&self, token: &CompactToken<'_>) -> Result<(), TokenError> {
        let algorithm = token.header()?.algorithm();
        let prepared = self.prepared(algorithm).ok_or(TokenError::AlgorithmMismatch { algorithm })?;
        token.verify(prepared)
    }

    /// Returns the key prepared for `algorithm`, if this key is bound to it.
    pub(crate) fn prepared(&self, algorithm: Algorithm) -> Option<&Prepared> {
        self.prepared.iter().find_map(|(bound, prepared)| (*bound == algorithm).then_some(prepared))
    }

    /// Returns the key prepared for `algorithm`, if its JWK names no algorithm and the operator has `listed` this one.
    pub(super) fn prepared_if_listed(&self, algorithm: Algorithm, listed: &[Algorithm]) -> Option<&Prepared> {
        if !listed.contains(&algorithm) {
            return None;
        }
        self.unbound.iter().find_map(|(unbound, prepared)| (*unbound == algorithm).then_some(prepared))
    }

    /// Returns whether `name` is the ID of this key, or a thumbprint of its certificate.
    pub(super) fn is_named(&self, name: &KeyId, is_key_id: bool) -> bool {
        if is_key_id { self.key_id() == Some(name) } else { self.thumbprints.contains(name) }
    }

    /// Returns whose tokens the key may sign, if its JWK says so.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(super) fn has_thumbprint(&self) -> bool {
        !self.thumbprints.is_empty()
    }

    /// Returns whether both are the same public key. Secrets are never equal.
    pub(super) fn same_public_key(&self, other: &Self) -> bool {
        self.material.is_some() && self.material == other.material
    }
}

fn check_is_hmac(algorithm: Algorithm) -> Result<(), KeyError> {
    match algorithm.family() {
        Family::Hmac => Ok(()),
        _ => Err(KeyError::AlgorithmMismatch { algorithm }),
    }
}

fn prepare(
    material: &PublicMaterial,
    algorithms: impl IntoIterator<Item = Algorithm>,
) -> Result<Arc<[(Algorithm, Prepared)]>, KeyError> {
    let prepare = |algorithm: Algorithm| {
        if !material.fits(algorithm) {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        Ok((algorithm, Prepared::public(algorithm, material)?))
    };
    algorithms.into_iter().map(prepare).collect()
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
