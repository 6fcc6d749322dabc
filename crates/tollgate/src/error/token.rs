//! Why a token was refused.

use std::time::Duration;

use super::Excerpt;
use crate::algorithm::Algorithm;
use crate::json::JsonError;
use crate::key::KeyId;
use crate::time::UnixTime;

/// One of the three parts of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPart {
    /// The JOSE header.
    Header,
    /// The claims.
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

/// Why a token was refused. The client hears `invalid_token` whatever the reason.
///
/// Cheap checks come before the signature check, so only a [`Verified`](crate::Verified) token's claims are known
/// to be the issuer's: a token reported as expired may as well be forged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Larger than the limit.
    #[error("token is {bytes} bytes long, {max} are allowed")]
    TooLong {
        /// Length of the token.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not three parts separated by dots (RFC 7515 §7.1).
    #[error("token has {parts} parts, not three")]
    PartCount {
        /// Parts found.
        parts: usize,
    },
    /// Five parts: a JWE, which this crate does not decrypt (RFC 7516 §7.1).
    #[error("token is encrypted (JWE), only signed tokens are accepted")]
    Encrypted,
    /// A JSON serialisation, which is not a JWT (RFC 7519 §1).
    #[error("token is in a JSON serialisation, only the compact one is a JWT")]
    JsonSerialization,
    /// The signature part is empty.
    #[error("token is not signed")]
    Unsigned,
    /// A part is not strict base64url (RFC 7515 §2).
    #[error("{part} is not strict base64url")]
    Encoding {
        /// The part.
        part: TokenPart,
    },
    /// A part is not one strict JSON object.
    #[error("{part} is not acceptable JSON")]
    Json {
        /// The part.
        part: TokenPart,
        /// What is wrong with it.
        #[source]
        error: JsonError,
    },
    /// The header asks for something that is not supported.
    #[error("header refused")]
    Header(#[source] HeaderError),
    /// `iss` is not one that is trusted here (RFC 7519 §4.1.1).
    #[error("issuer {found} is not trusted here")]
    IssuerMismatch {
        /// The token's `iss`.
        found: Excerpt,
    },
    /// No key with this key id, or no key without one that fits the algorithm.
    #[error("no key {} for {algorithm}", KeyIdOrAny(.key_id.as_ref()))]
    UnknownKey {
        /// The token's `kid`.
        key_id: Option<KeyId>,
        /// The token's `alg`.
        algorithm: Algorithm,
    },
    /// Several keys would fit and the token names none of them. All are not tried in turn.
    #[error("several keys fit {algorithm} and the token has no key id")]
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
    /// The signature or MAC does not fit.
    #[error("signature does not verify")]
    SignatureMismatch,
    /// `typ` is not one that is accepted (RFC 8725 §3.11, RFC 9068 §4).
    #[error("type {found} is not accepted")]
    TypeMismatch {
        /// The token's `typ`, empty when absent.
        found: Excerpt,
    },
    /// Not before `exp` any more, leeway included (RFC 7519 §4.1.4).
    #[error("expired at {expired_at}, it is {now}")]
    Expired {
        /// The token's `exp`.
        expired_at: UnixTime,
        /// When it was checked.
        now: UnixTime,
    },
    /// Before `nbf`, leeway included (RFC 7519 §4.1.5).
    #[error("not valid before {not_before}, it is {now}")]
    NotYetValid {
        /// The token's `nbf`.
        not_before: UnixTime,
        /// When it was checked.
        now: UnixTime,
    },
    /// `iat` lies in the future, leeway included.
    #[error("issued at {issued_at}, which is after {now}")]
    IssuedInFuture {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// When it was checked.
        now: UnixTime,
    },
    /// Issued longer ago than the configured maximum age.
    #[error("issued at {issued_at}, more than {} s before {now}", .max_age.as_secs())]
    TooOld {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// When it was checked.
        now: UnixTime,
        /// The configured limit.
        max_age: Duration,
    },
    /// `exp` is further from `iat` than the configured maximum lifetime.
    #[error("lives longer than {} s", .max_lifetime.as_secs())]
    LifetimeTooLong {
        /// The configured limit.
        max_lifetime: Duration,
    },
    /// `aud` does not name this API (RFC 7519 §4.1.3).
    #[error("audience {found} is not this API")]
    AudienceMismatch {
        /// The token's `aud`, as JSON.
        found: Excerpt,
    },
    /// A claim is missing, of the wrong type or has the wrong value.
    #[error("claim `{name}` {error}")]
    Claim {
        /// The claim's name, or its path.
        name: Box<str>,
        /// What is wrong with it.
        error: ClaimError,
    },
    /// The token shows itself as one for another purpose, for example an ID token (RFC 8725 §3.12).
    #[error("claim `{claim}` marks a token that is not an access token")]
    OtherKindOfToken {
        /// The claim that shows it.
        claim: &'static str,
    },
    /// The token is bound to a key of its sender (`cnf`, RFC 7800), which is not checked here.
    #[error("token is sender-constrained (`cnf`), which cannot be checked here")]
    SenderConstrained,
    /// The token was withdrawn before it expired.
    #[error("token was revoked")]
    Revoked,
    /// The application's claims type cannot be made from the token.
    #[error("claims do not fit the application's type")]
    Claims(#[source] ClaimsError),
}

struct KeyIdOrAny<'a>(Option<&'a KeyId>);

impl std::fmt::Display for KeyIdOrAny<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(key_id) => write!(f, "{:?}", key_id.as_str()),
            None => f.write_str("without a key id"),
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

/// What is wrong with a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Required and absent.
    #[error("is missing")]
    Missing,
    /// Not of the JSON type that it has to be.
    #[error("has the wrong JSON type")]
    WrongType,
    /// Not the value that is required.
    #[error("does not have the required value")]
    WrongValue,
}

/// What in the header is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// No `alg`.
    #[error("`alg` is missing")]
    AlgorithmMissing,
    /// `none`, or an algorithm that is not implemented.
    #[error("algorithm {name} is not supported")]
    UnsupportedAlgorithm {
        /// The token's `alg`.
        name: Excerpt,
    },
    /// A member is not a string.
    #[error("`{name}` is not a string")]
    MemberType {
        /// The member.
        name: &'static str,
    },
    /// `kid` is longer than [`KeyId::MAX_BYTES`].
    #[error("`kid` is longer than {} bytes", KeyId::MAX_BYTES)]
    KeyIdTooLong,
    /// `crit` names extensions, none of which are understood (RFC 7515 §4.1.11).
    #[error("`crit` asks for extensions that are not understood")]
    Critical,
    /// `b64` (RFC 7797).
    #[error("`b64` is not allowed in a JWT")]
    UnencodedPayload,
    /// `enc` or `zip`: members of encrypted tokens.
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

/// Why a claims type cannot be made from an otherwise valid token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClaimsError {
    message: Box<str>,
}

impl ClaimsError {
    /// An error with a message for the operator's log. It must not contain values of claims. It is cut after 256
    /// characters, and control characters are escaped.
    #[must_use]
    pub fn new(message: impl AsRef<str>) -> Self {
        const MAX_CHARS: usize = 256;
        let one_line = |symbol: char| {
            if symbol.is_control() { symbol.escape_default().to_string() } else { symbol.into() }
        };
        Self { message: message.as_ref().chars().take(MAX_CHARS).map(one_line).collect::<String>().into() }
    }
}
