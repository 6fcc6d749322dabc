//! The errors of signing keys, key rings and token issuers.

use tollgate::{Algorithm, KeyError};

use crate::files::environment::SecretSourceError;
use crate::files::private_file::PrivateFileError;

/// Why a signing key cannot be made, read or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The text is not PEM with one private key (RFC 7468): `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    #[error("not PEM text with one private key")]
    Pem,
    /// The text is not a JWK: a single JSON object whose members have distinct names (RFC 7517 §4).
    #[error("not a JWK: a single JSON object whose members have distinct names is expected")]
    Jwk,
    /// The text is neither PEM nor a JWK.
    #[error("neither PEM nor a JWK")]
    Text,
    /// The member `use` or `key_ops` does not allow signing (RFC 7517 §4.2, §4.3).
    #[error("`{member}` does not allow signing")]
    NotForSigning {
        /// The name of the member.
        member: &'static str,
    },
    /// The key is not a private key for the algorithm, or its public half belongs to another key.
    #[error("not a private key for {algorithm}")]
    Rejected {
        /// The algorithm that the caller passed.
        algorithm: Algorithm,
    },
    /// The key is weak, or its public half cannot verify.
    #[error("key rejected")]
    Key(#[from] KeyError),
    /// The algorithm is an HMAC algorithm, which has no key pair. Use
    /// [`SigningKey::hmac`](crate::SigningKey::hmac).
    #[error("{algorithm} has no key pair")]
    NoKeyPair {
        /// The algorithm that the caller passed.
        algorithm: Algorithm,
    },
    /// The operating system gave no random bytes, or signing failed inside the library.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a signing key cannot be loaded from a file or the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadKeyError {
    /// The key cannot be read, or other users can read it.
    #[error(transparent)]
    Source(#[from] SecretSourceError),
    /// The text is not a usable key.
    #[error("signing key cannot be used")]
    Key(#[from] SigningKeyError),
}

/// Why a key ring cannot be opened or rotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// A file cannot be read or written, or other users can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// A key cannot be generated, or a stored key cannot be used.
    #[error("signing key of the ring cannot be used")]
    Key(#[from] SigningKeyError),
    /// The directory, or a file in it, is not part of a key ring.
    #[error("the directory is not a key ring; use another directory, or delete it to create a new ring")]
    NotAKeyRing,
    /// The directory holds keys for another algorithm.
    #[error("the directory holds keys for {found}, not for {expected}")]
    OtherAlgorithm {
        /// The algorithm in the file.
        found: Box<str>,
        /// The algorithm that the caller passed.
        expected: Algorithm,
    },
    /// The rotation interval is not longer than `publish_before`, so a key would have to be published before its
    /// predecessor signs; or it is shorter than a second.
    #[error("`rotate_every` must be at least a second, and longer than `publish_before`")]
    Schedule,
    /// A key would sign before all verifiers have fetched it.
    #[error("`publish_before` is {secs} s, and must be at least {min} s")]
    PublishedTooLate {
        /// The value of `publish_before`, in seconds.
        secs: u64,
        /// The smallest value allowed, in seconds.
        min: u64,
    },
    /// A key would be removed before the last token that it signed has expired.
    #[error("`keep_after` is {secs} s, and must be at least {min} s")]
    KeptTooShort {
        /// The value of `keep_after`, in seconds.
        secs: u64,
        /// The smallest value allowed, in seconds.
        min: u64,
    },
}

/// Why a token issuer cannot be set up, or an access token is not issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The issuer itself sets the claim.
    #[error("claim `{name}` is set by the issuer")]
    ReservedClaim {
        /// The name of the claim.
        name: Box<str>,
    },
    /// The value of the claim cannot be serialized to JSON.
    #[error("claim `{name}` cannot be serialized to JSON")]
    Claim {
        /// The name of the claim.
        name: Box<str>,
    },
    /// The claim, or a member inside it, has the name of a secret.
    #[error("claim `{name}` has the name of a secret, and every holder of the token can read it")]
    SecretClaim {
        /// The name of the claim or member.
        name: Box<str>,
    },
    /// The lifetime is shorter than a second or longer than a day.
    #[error("a lifetime of {secs} s is not between 1 s and a day")]
    Lifetime {
        /// The lifetime, in seconds.
        secs: u64,
    },
    /// Verifiers would still accept a token when the ring no longer publishes the key that signed it.
    #[error(
        "a lifetime of {secs} s, with a leeway of 300 s, exceeds the {kept} s that the ring keeps a replaced key"
    )]
    OutlivesKey {
        /// The lifetime, in seconds.
        secs: u64,
        /// How long the key ring keeps a replaced key, in seconds.
        kept: u64,
    },
    /// The token could not be signed.
    #[error("signing failed")]
    Signing(#[from] SigningKeyError),
}
