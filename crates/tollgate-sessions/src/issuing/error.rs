//! What can go wrong when signing.

use tollgate::{Algorithm, KeyError};

use crate::files::environment::SecretSourceError;
use crate::files::private_file::PrivateFileError;

/// Why a signing key cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// Not PEM of one private key (RFC 7468): `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    #[error("not PEM text with one private key")]
    Pem,
    /// Not JSON with one object whose members have distinct names, as a JWK is (RFC 7517 §4).
    #[error("not a JWK: a single JSON object whose members have distinct names is expected")]
    Jwk,
    /// Neither PEM nor a JWK.
    #[error("neither PEM nor a JWK")]
    Text,
    /// `use` or `key_ops` do not allow signing (RFC 7517 §4.2, §4.3).
    #[error("`{member}` does not allow signing")]
    NotForSigning {
        /// The member that says so.
        member: &'static str,
    },
    /// Not a private key that goes with the algorithm, or its public half is that of another.
    #[error("not a private key for {algorithm}")]
    Rejected {
        /// The algorithm asked for.
        algorithm: Algorithm,
    },
    /// The key is weak, or its public half cannot verify.
    #[error("key refused")]
    Key(#[from] KeyError),
    /// The algorithm has no key pair; secrets come from [`SigningKey::hmac`](crate::SigningKey::hmac).
    #[error("{algorithm} has no key pair")]
    NoKeyPair {
        /// The algorithm asked for.
        algorithm: Algorithm,
    },
    /// The system has no randomness, or signing failed inside the library.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a signing key is not to be had from a file or the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadKeyError {
    /// There is nothing to read, or others can read it.
    #[error(transparent)]
    Source(#[from] SecretSourceError),
    /// What was read is no good key.
    #[error("signing key cannot be used")]
    Key(#[from] SigningKeyError),
}

/// Why a key ring cannot be opened or turned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// A file cannot be read or written, or others can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// A key cannot be made, or a kept one not be read.
    #[error("signing key of the ring cannot be used")]
    Key(#[from] SigningKeyError),
    /// The directory, or a file in it, holds something else.
    #[error(
        "the directory holds something else than a key ring; name another, or delete it to have a new ring made"
    )]
    NotARing,
    /// The directory holds keys for another algorithm.
    #[error("the directory holds keys for {found}, not for {expected}")]
    OtherAlgorithm {
        /// What the file says.
        found: Box<str>,
        /// What was asked for.
        expected: Algorithm,
    },
    /// A key would have to be published before its predecessor signs.
    #[error("keys have to sign for longer than they are published before")]
    Schedule,
    /// A key would sign before everybody has fetched it.
    #[error("keys are published {secs} s before they sign, and caches may keep the key set for half an hour")]
    PublishedTooLate {
        /// How long it would be published before.
        secs: u64,
    },
    /// A key would be gone before its last token has expired.
    #[error("replaced keys are kept for {secs} s, and their tokens are accepted for a quarter of an hour")]
    KeptTooShort {
        /// How long it would be kept.
        secs: u64,
    },
}

/// Why an access token is not issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A claim that the issuer sets itself.
    #[error("claim `{name}` is set by the issuer")]
    ReservedClaim {
        /// The claim.
        name: Box<str>,
    },
    /// A claim that has no JSON form.
    #[error("claim `{name}` has no JSON form")]
    Claim {
        /// The claim.
        name: Box<str>,
    },
    /// A claim, or a member inside one, that is named like a secret.
    #[error("claim `{name}` is named like a secret, and whoever holds the token can read it")]
    SecretClaim {
        /// The claim or member.
        name: Box<str>,
    },
    /// The lifetime is zero or longer than a day.
    #[error("a lifetime of {secs} s is not between 1 s and a day")]
    Lifetime {
        /// The lifetime.
        secs: u64,
    },
    /// A token would still be accepted when the key that signed it is gone.
    #[error("a lifetime of {secs} s is longer than a replaced key is kept, which is {kept} s")]
    OutlivesKey {
        /// The lifetime.
        secs: u64,
        /// How long the key ring keeps a replaced key.
        kept: u64,
    },
    /// Signing failed.
    #[error("signing failed")]
    Signing(#[from] SigningKeyError),
}
