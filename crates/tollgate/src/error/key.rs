//! Errors of keys and key sets.

use crate::algorithm::Algorithm;
use crate::json::JsonError;
use crate::key_id::KeyIdTooLong;

/// The reason why a key, or a whole key set, is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The document is larger than the limit.
    #[error("key document is {bytes} bytes long, at most {max} are allowed")]
    TooLarge {
        /// The length of the document, in bytes.
        bytes: usize,
        /// The largest length allowed, in bytes.
        max: usize,
    },
    /// The document holds more keys than the limit.
    #[error("key set holds more than {max} keys")]
    TooManyKeys {
        /// The largest number of keys allowed.
        max: usize,
    },
    /// The document is not the JSON of a key (RFC 7517 §4).
    #[error("key is not valid JSON for a JWK")]
    Json(#[from] JsonError),
    /// The document is not a JWK Set: an object with an array `keys` (RFC 7517 §5).
    #[error("not a JWK Set: an object with an array member `keys` is expected")]
    NotAKeySet,
    /// The text is not PEM (RFC 7468).
    #[error("not PEM text with a public key or certificate")]
    Pem,
    /// The text would be PEM, but has a backslash and an `n` in place of its line breaks. This happens to environment
    /// variables and JSON strings that are not decoded.
    #[error(
        "not PEM text: it has the two characters `\\n` where line breaks belong; replace them, for example with \
         `replace(\"\\\\n\", \"\\n\")`"
    )]
    EscapedPem,
    /// The PEM label does not name a public key or certificate.
    #[error("PEM block is labelled {label:?}, which is not a public key or certificate")]
    PemLabel {
        /// The label of the PEM block.
        label: Box<str>,
    },
    /// The bytes are not the DER of a `SubjectPublicKeyInfo`, an RSA public key or a certificate.
    #[error("not the DER of a public key or certificate")]
    Der,
    /// The key is a private key, where a public one is expected.
    #[error("private key where a public key is expected; treat it as leaked and replace it")]
    Private,
    /// The key is symmetric, but is in a public set: every client that can fetch the set could forge tokens.
    #[error("symmetric key in a public key set")]
    Symmetric,
    /// A required member is missing.
    #[error("member `{name}` is missing")]
    Missing {
        /// The name of the member.
        name: &'static str,
    },
    /// A member is of the wrong type, badly encoded, or out of range.
    #[error("member `{name}` is malformed")]
    Malformed {
        /// The name of the member.
        name: &'static str,
    },
    /// The key type, curve or object identifier is not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
    },
    /// `use` or `key_ops` do not allow verifying signatures (RFC 7517 §4.2, §4.3).
    #[error("`{member}` does not allow verifying signatures")]
    NotForSignatures {
        /// The member that does not allow it: `use` or `key_ops`.
        member: &'static str,
    },
    /// The algorithm cannot be used with this kind of key.
    #[error("{algorithm} cannot be used with this kind of key")]
    AlgorithmMismatch {
        /// The algorithm that was requested.
        algorithm: Algorithm,
    },
    /// The RSA modulus is outside 2048 to 8192 bits (RFC 7518 §3.3).
    #[error("RSA modulus has {bits} bits, must be 2048 to 8192")]
    RsaModulus {
        /// The length of the modulus, in bits.
        bits: usize,
    },
    /// The RSA exponent is even, below 3 or above 2^33.
    #[error("RSA exponent must be odd, at least 3 and at most 2^33")]
    RsaExponent,
    /// The point is not on its curve, or has low order.
    #[error("public key is not a valid point on its curve")]
    Point,
    /// An attacker could guess the HMAC secret.
    #[error("HMAC secret rejected for {algorithm}; generate one with `openssl rand -base64 {}`", .algorithm.hash_len())]
    WeakSecret {
        /// The algorithm of the key.
        algorithm: Algorithm,
        /// The sign that the secret is guessable.
        #[source]
        reason: WeakSecret,
    },
    /// Another key of the set has the same key ID for the same algorithm.
    #[error("another key has the same key ID and algorithm")]
    DuplicateKeyId,
    /// Two keys for the same algorithm have no key ID, so a token could not name either of them.
    #[error("keys for the same algorithm need distinct key IDs")]
    KeyIdNeeded,
    /// The key ID is longer than [`KeyId::MAX_BYTES`](crate::KeyId::MAX_BYTES).
    #[error(transparent)]
    KeyIdTooLong(#[from] KeyIdTooLong),
    /// No key of the set can be used.
    #[error("none of the {skipped} keys can be used; first: {}", .first.as_ref().map_or_else(|| "the set is empty".to_owned(), ToString::to_string))]
    NoUsableKey {
        /// The number of keys that were skipped.
        skipped: usize,
        /// The reason why the first key was skipped, if there was a key.
        first: Option<Box<Self>>,
    },
}

/// The sign that an HMAC secret is guessable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakSecret {
    /// The secret is shorter than the hash output (RFC 7518 §3.2).
    #[error("{bytes} bytes long, at least {min} are required (RFC 7518 §3.2)")]
    TooShort {
        /// The length of the secret, in bytes.
        bytes: usize,
        /// The smallest length allowed, in bytes.
        min: usize,
    },
    /// The secret contains a word that attackers try first, such as `changeme`.
    #[error("it contains a well-known word")]
    WellKnown,
    /// The secret repeats the same few bytes.
    #[error("it repeats the same bytes")]
    Repetitive,
    /// The bytes of the secret count up or down.
    #[error("its bytes form a counting sequence")]
    Sequential,
    /// The secret has too few different bytes for its length to be random.
    #[error("it has too few different bytes to be random")]
    FewDistinctBytes,
    /// The secret is lower-case words: a passphrase, not random bytes (RFC 8725 §3.5).
    #[error("it consists of words; use random bytes")]
    Words,
}
