//! Why a key is not used.

use crate::algorithm::Algorithm;
use crate::json::JsonError;

/// Why a key, or a whole key set, is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The document is larger than is read.
    #[error("key document is {bytes} bytes long, {max} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The document holds more keys than are read.
    #[error("key set holds more than {max} keys")]
    TooManyKeys {
        /// The limit.
        max: usize,
    },
    /// Not the JSON that a key is (RFC 7517 §4).
    #[error("key is not acceptable JSON")]
    Json(#[from] JsonError),
    /// Not a JWK Set: an object with an array `keys` (RFC 7517 §5).
    #[error("not a JWK Set: an object with an array member `keys` is expected")]
    NotAKeySet,
    /// Not PEM (RFC 7468).
    #[error("not PEM text with one key or certificate")]
    Pem,
    /// A PEM label that names no public key or certificate.
    #[error("PEM block is labelled {label:?}, which is no public key or certificate")]
    PemLabel {
        /// The label.
        label: Box<str>,
    },
    /// Not the DER of a `SubjectPublicKeyInfo`, an RSA public key or a certificate.
    #[error("not the DER of a public key or certificate")]
    Der,
    /// A private key where a public one belongs.
    #[error("private key where a public key belongs; whoever can read it can forge tokens, replace it")]
    Private,
    /// A symmetric key in a public set: everyone who can fetch the set could forge tokens.
    #[error("symmetric key in a public key set")]
    Symmetric,
    /// A required member is absent.
    #[error("member `{name}` is missing")]
    Missing {
        /// The member.
        name: &'static str,
    },
    /// A member is of the wrong type, badly encoded, or out of range.
    #[error("member `{name}` is malformed")]
    Malformed {
        /// The member.
        name: &'static str,
    },
    /// Key type, curve or object identifier is not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
    },
    /// `use` or `key_ops` do not allow verifying signatures (RFC 7517 §4.2, §4.3).
    #[error("`{member}` does not allow verifying signatures")]
    NotForSignatures {
        /// The member that says so.
        member: &'static str,
    },
    /// The algorithm does not go with this kind of key.
    #[error("{algorithm} does not go with this key")]
    AlgorithmMismatch {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// RSA modulus outside 2048 to 8192 bits (RFC 7518 §3.3).
    #[error("RSA modulus has {bits} bits, 2048 to 8192 are accepted")]
    RsaModulus {
        /// Its length.
        bits: usize,
    },
    /// RSA exponent even, below 3 or above 2^33.
    #[error("RSA exponent must be odd, at least 3 and at most 2^33")]
    RsaExponent,
    /// The point is not on its curve, or has low order.
    #[error("public key is not a valid point of its curve")]
    Point,
    /// An HMAC secret that could be guessed.
    #[error("HMAC secret refused for {algorithm}; make one with `openssl rand -base64 {}`", .algorithm.hash_len())]
    WeakSecret {
        /// The algorithm it was meant for.
        algorithm: Algorithm,
        /// Why it could be guessed.
        #[source]
        reason: WeakSecret,
    },
    /// Another key of the set has the same key id for the same algorithm.
    #[error("another key has the same key id and algorithm")]
    DuplicateKeyId,
    /// Two keys for the same algorithm, and neither has a key id: no token could tell which it means.
    #[error("keys for the same algorithm need key ids to be told apart")]
    KeyIdNeeded,
    /// The key id is longer than [`KeyId::MAX_BYTES`](crate::KeyId::MAX_BYTES).
    #[error("key id is longer than {} bytes", crate::KeyId::MAX_BYTES)]
    KeyIdTooLong,
    /// Nothing in the set can be used.
    #[error("none of the {skipped} keys can be used; first: {}", .first.as_ref().map_or_else(|| "the set is empty".to_owned(), ToString::to_string))]
    NoUsableKey {
        /// How many were skipped.
        skipped: usize,
        /// Why the first one was.
        first: Option<Box<Self>>,
    },
}

/// Why an HMAC secret could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakSecret {
    /// Shorter than the hash output (RFC 7518 §3.2).
    #[error("{bytes} bytes long, at least {min} are required (RFC 7518 §3.2)")]
    TooShort {
        /// Its length.
        bytes: usize,
        /// The least length.
        min: usize,
    },
    /// One of the secrets of tutorials and examples, or made with such a word.
    #[error("it contains a word that guessing starts with")]
    WellKnown,
    /// The same few bytes again and again.
    #[error("it repeats itself")]
    Repetitive,
    /// Bytes that count up or down.
    #[error("its bytes count up or down")]
    Sequential,
    /// Too few different bytes for its length to be random.
    #[error("it has too few different bytes to be random")]
    FewDistinctBytes,
    /// Lower-case words: a passphrase, not random bytes (RFC 8725 §3.5).
    #[error("it reads like words; a secret has to be random bytes")]
    Words,
}
