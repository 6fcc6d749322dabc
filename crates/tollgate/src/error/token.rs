//! Errors of tokens.

use std::time::Duration;

use super::Excerpt;
use crate::algorithm::Algorithm;
use crate::json::JsonError;
use crate::key_id::KeyId;
use crate::time::UnixTime;

/// One of the three parts of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPart {
    /// The JOSE header.
    Header,
    /// The claims set.
    Payload,
    /// The signature or MAC.
    Signature,
}

impl std::fmt::Display for TokenPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// The reason why a token was rejected. The client receives `invalid_token` for all of them.
///
/// Cheap checks come before the signature check, so a token that is reported as expired may also be forged.
/// Only the claims of a [`Verified`](crate::Verified) token are proven to come from the issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is longer than the limit.
    #[error("token is {bytes} bytes long, at most {max} are allowed")]
    TooLong {
        /// The length of the token, in bytes.
        bytes: usize,
        /// The largest length allowed, in bytes.
        max: usize,
    },
    /// The token does not have three parts separated by dots (RFC 7515 §7.1).
    #[error("token has {parts} parts instead of three")]
    PartCount {
        /// The number of parts.
        parts: usize,
    },
    /// The token has five parts. It is a JWE, which this crate does not decrypt (RFC 7516 §7.1).
    #[error("token is encrypted (JWE); only signed tokens are accepted")]
    Encrypted,
    /// The token uses a JSON serialization, which is not a JWT (RFC 7519 §1).
    #[error("token uses a JSON serialization; only the compact serialization is a JWT")]
    JsonSerialization,
    /// The signature part is empty.
    #[error("token is not signed")]
    Unsigned,
    /// A part is not strict base64url (RFC 7515 §2).
    #[error("{part} is not strict base64url")]
    Encoding {
        /// The part that is malformed.
        part: TokenPart,
    },
    /// A part is not one strict JSON object.
    #[error("{part} is not a strict JSON object")]
    Json {
        /// The part that is malformed.
        part: TokenPart,
        /// The JSON error.
        #[source]
        error: JsonError,
    },
    /// The header is not supported.
    #[error("unsupported header")]
    Header(#[source] HeaderError),
    /// `iss` is not a trusted issuer (RFC 7519 §4.1.1).
    #[error("issuer {found} is not trusted")]
    IssuerMismatch {
        /// The token's `iss`.
        found: Excerpt,
    },
    /// No key has the key ID that the token names, and no other key fits its algorithm.
    #[error("no key {} for {algorithm}", KeyIdOrAny(.key_id.as_ref()))]
    UnknownKey {
        /// The token's `kid`, otherwise its `x5t#S256` or `x5t`, if it has one of them.
        key_id: Option<KeyId>,
        /// The token's `alg`.
        algorithm: Algorithm,
    },
    /// Several keys fit, and the token does not name one of them. The verifier does not try them in turn.
    #[error("several keys without the token's key ID fit {algorithm}, and the verifier tries only one key")]
    AmbiguousKey {
        /// The token's `alg`.
        algorithm: Algorithm,
    },
    /// The key is bound to another algorithm, or the algorithm is not allowed (RFC 8725 §3.1).
    #[error("algorithm {algorithm} is not accepted from this key")]
    AlgorithmMismatch {
        /// The token's `alg`.
        algorithm: Algorithm,
    },
    /// The signature verifies, but the key may not sign tokens of this issuer.
    #[error("the key may only sign tokens of {allowed}")]
    KeyIssuerMismatch {
        /// The issuer that the JWK of the key names.
        allowed: Excerpt,
    },
    /// The signature or MAC does not verify.
    #[error("signature does not verify")]
    SignatureMismatch,
    /// `typ` is not an accepted value (RFC 8725 §3.11, RFC 9068 §4).
    #[error("token type {found} is not accepted")]
    TypeMismatch {
        /// The token's `typ`, empty when absent.
        found: Excerpt,
    },
    /// The token has expired, leeway included (RFC 7519 §4.1.4).
    #[error("token expired at {expired_at}, the time is {now}")]
    Expired {
        /// The token's `exp`.
        expired_at: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// The token is not valid yet, leeway included (RFC 7519 §4.1.5).
    #[error("token is not valid before {not_before}, the time is {now}")]
    NotYetValid {
        /// The token's `nbf`.
        not_before: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// `iat` is in the future, leeway included.
    #[error("token was issued at {issued_at}, which is after {now}")]
    IssuedInFuture {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// The token was issued longer ago than the configured maximum age.
    #[error("token was issued at {issued_at}, more than {} s before {now}", .max_age.as_secs())]
    TooOld {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// The time of the check.
        now: UnixTime,
        /// The configured maximum age.
        max_age: Duration,
    },
    /// The lifetime from `iat` to `exp` is longer than the configured maximum.
    #[error("token lifetime is longer than {} s", .max_lifetime.as_secs())]
    LifetimeTooLong {
        /// The configured maximum lifetime.
        max_lifetime: Duration,
    },
    /// `aud` does not contain this API (RFC 7519 §4.1.3).
    #[error("audience {found} does not contain this API")]
    AudienceMismatch {
        /// The values of the token's `aud`, separated by spaces.
        found: Excerpt,
    },
    /// A claim is missing, has the wrong type or has the wrong value.
    #[error("claim `{name}` {error}")]
    Claim {
        /// The name of the claim, or its path.
        name: Box<str>,
        /// The reason why the claim is not accepted.
        error: ClaimError,
    },
    /// A member of the header that the operator requires is missing or has the wrong value.
    #[error("header member `{name}` {error}")]
    HeaderMember {
        /// The name of the member.
        name: Box<str>,
        /// The reason why the member is not accepted.
        error: ClaimError,
    },
    /// A claim shows that the token serves another purpose, for example as an ID token (RFC 8725 §3.12).
    #[error("claim `{claim}` shows that the token is not an access token")]
    OtherKindOfToken {
        /// The claim that shows it.
        claim: &'static str,
    },
    /// The token is bound to a key of its sender (`cnf`, RFC 7800), which this crate does not check.
    #[error("token is sender-constrained (`cnf`), which is not supported")]
    SenderConstrained,
    /// The token was revoked before it expired.
    #[error("token was revoked")]
    Revoked,
    /// The claims do not fit the type that the application asked for.
    #[error("claims do not fit the application's type")]
    Claims(#[source] ClaimsError),
}

struct KeyIdOrAny<'a>(Option<&'a KeyId>);

impl std::fmt::Display for KeyIdOrAny<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(key_id) => write!(f, "{:?}", key_id.as_str()),
            None => f.write_str("without a key ID"),
        }
    }
}

impl TokenError {
    pub(crate) fn json(part: TokenPart, error: JsonError) -> Self {
        Self::Json { part, error }
    }

    pub(crate) fn claim(name: impl Into<Box<str>>, error: ClaimError) -> Self {
        Self::Claim { name: name.into(), error }
    }
}

/// The reason why a claim is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The claim is required, but missing.
    #[error("is missing")]
    Missing,
    /// The claim does not have the required JSON type.
    #[error("has the wrong JSON type")]
    WrongType,
    /// The claim does not have the required value.
    #[error("does not have the required value")]
    WrongValue,
}

/// The reason why a header is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// `alg` is missing.
    #[error("`alg` is missing")]
    AlgorithmMissing,
    /// `alg` is `none`, or an algorithm that this crate does not implement.
    #[error("algorithm {name} is not supported")]
    UnsupportedAlgorithm {
        /// The token's `alg`.
        name: Excerpt,
    },
    /// A member is not a string.
    #[error("`{name}` is not a string")]
    MemberType {
        /// The name of the member.
        name: &'static str,
    },
    /// `kid` is longer than [`KeyId::MAX_BYTES`].
    #[error("`kid` is longer than {} bytes", KeyId::MAX_BYTES)]
    KeyIdTooLong,
    /// `crit` requires extensions, and this crate implements none (RFC 7515 §4.1.11).
    #[error("`crit` requires extensions that are not supported")]
    Critical,
    /// The header has `b64` (RFC 7797).
    #[error("`b64` is not allowed in a JWT")]
    UnencodedPayload,
    /// The header has `enc` or `zip`, which belong to encrypted tokens.
    #[error("`enc` and `zip` belong to encrypted tokens")]
    Encryption,
    /// `cty` says that the payload is another JWT.
    #[error("nested tokens are not accepted")]
    Nested,
}

impl HeaderError {
    pub(crate) fn unsupported_algorithm(name: &str) -> Self {
        Self::UnsupportedAlgorithm { name: Excerpt::new(name) }
    }
}

/// The reason why a claims type cannot be made from an otherwise valid token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClaimsError {
    message: Box<str>,
}

impl ClaimsError {
    /// Creates the error with a message for the operator's log. The message must not contain values of claims.
    /// It is cut to 256 characters, and control characters are escaped.
    #[must_use]
    pub fn new(message: impl AsRef<str>) -> Self {
        const MAX_CHARS: usize = 256;
        let one_line = |symbol: char| {
            if symbol.is_control() { symbol.escape_default().to_string() } else { symbol.into() }
        };
        Self { message: message.as_ref().chars().take(MAX_CHARS).map(one_line).collect::<String>().into() }
    }
}
