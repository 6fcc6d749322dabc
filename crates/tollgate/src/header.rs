//! [`Header`]: the members of a token's JOSE header (RFC 7515 §4) that matter for verification.

use std::borrow::Cow;
use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::error::{HeaderError, TokenError, TokenPart};
use crate::json::{self, Fault, Scanner};
use crate::key_id::KeyId;

/// The members of a JOSE header that matter for verification. Cheap to clone.
///
/// Key material in a header (`jwk`, `jku`, `x5u`, `x5c`) is ignored: a token must not choose the key that
/// verifies it (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    thumbprint: Option<KeyId>,
    typ: Option<Box<str>>,
}

impl Header {
    /// Returns `alg`, the signature algorithm (RFC 7515 §4.1.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Returns `kid`, the ID of the key that signed the token (RFC 7515 §4.1.4).
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.0.key_id.as_ref()
    }

    /// Returns the name of the key that signed the token: `kid`, otherwise the thumbprint of its certificate
    /// (`x5t#S256` or `x5t`, RFC 7515 §4.1.7 and §4.1.8).
    pub(crate) fn key_name(&self) -> Option<&KeyId> {
        self.key_id().or(self.0.thumbprint.as_ref())
    }

    /// Returns `typ`, the type of the token, as the token spells it (RFC 7515 §4.1.9).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.0.typ.as_deref()
    }

    /// Parses a decoded header.
    ///
    /// # Errors
    /// [`TokenError::Json`] when it is not one strict JSON object. [`TokenError::Header`] when a member is
    /// missing, has the wrong type or names something that is not supported.
    pub(crate) fn parse(json: &str) -> Result<Self, TokenError> {
        let mut members = Members::default();
        json::read_object(json, |name, value| members.read(name, value)).map_err(|fault| match fault {
            Fault::Json(error) => TokenError::json(TokenPart::Header, error),
            Fault::Refused(error) => TokenError::Header(error),
        })?;
        let Members { algorithm, key_id, sha256, sha1, typ } = members;
        let algorithm = algorithm.ok_or(TokenError::Header(HeaderError::AlgorithmMissing))?;
        Ok(Self(Arc::new(Inner { algorithm, key_id, thumbprint: sha256.or(sha1), typ })))
    }
}

#[derive(Default)]
struct Members {
    algorithm: Option<Algorithm>,
    key_id: Option<KeyId>,
    /// The SHA-256 thumbprint, `x5t#S256`.
    sha256: Option<KeyId>,
    /// The SHA-1 thumbprint, `x5t`.
    sha1: Option<KeyId>,
    typ: Option<Box<str>>,
}

impl Members {
    fn read(&mut self, name: &str, value: &mut Scanner<'_>) -> Result<bool, Fault<HeaderError>> {
        match name {
            "alg" => {
                let alg = text("alg", value)?;
                let algorithm = Algorithm::from_name(&alg);
                self.algorithm =
                    Some(algorithm.ok_or_else(|| refuse(HeaderError::unsupported_algorithm(&alg)))?);
            }
            "kid" => {
                let key_id = KeyId::new(&*text("kid", value)?);
                self.key_id = Some(key_id.map_err(|_cause| refuse(HeaderError::KeyIdTooLong))?);
            }
            "x5t#S256" => return thumbprint(&mut self.sha256, value),
            "x5t" => return thumbprint(&mut self.sha1, value),
            "typ" => self.typ = Some(text("typ", value)?.into()),
            // A nested JWT would require verifying both (RFC 7519 §7.2 step 8).
            "cty" => {
                if media_type(&text("cty", value)?).eq_ignore_ascii_case("jwt") {
                    return Err(refuse(HeaderError::Nested));
                }
            }
            // This crate implements no extension, so it must reject all critical ones (RFC 7515 §4.1.11).
            "crit" => return Err(refuse(HeaderError::Critical)),
            // RFC 7797 §7: unencoded payloads are not for JWTs.
            "b64" => return Err(refuse(HeaderError::UnencodedPayload)),
            // RFC 7516 §4.1: these belong to encrypted tokens.
            "enc" | "zip" => return Err(refuse(HeaderError::Encryption)),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Returns a media type without the `application/` that RFC 7515 §4.1.9 lets senders leave out.
pub(crate) fn media_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => typ.get(PREFIX.len()..).unwrap_or_default(),
        _ => typ,
    }
}

fn text<'de>(name: &'static str, value: &mut Scanner<'de>) -> Result<Cow<'de, str>, Fault<HeaderError>> {
    value.text()?.ok_or(Fault::Refused(HeaderError::MemberType { name }))
}

/// Reads a thumbprint. One that cannot name a key is ignored, as other members that only help to find the key are.
fn thumbprint(thumbprint: &mut Option<KeyId>, value: &mut Scanner<'_>) -> Result<bool, Fault<HeaderError>> {
    let Some(text) = value.text()? else { return Ok(false) };
    *thumbprint = KeyId::new(&*text).ok();
    Ok(true)
}

fn refuse(error: HeaderError) -> Fault<HeaderError> {
    Fault::Refused(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonError;

    fn fault(json: &str) -> HeaderError {
        match Header::parse(json) {
            Err(TokenError::Header(fault)) => fault,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn unknown_members_are_ignored() {
        let header = Header::parse(
            r#"{"typ":"at+jwt","alg":"ES256","kid":"k\u0031","jwk":{"kty":"oct"},"x5c":["AA=="],"foo":1}"#,
        )
        .unwrap();
        assert_eq!(header.algorithm(), Algorithm::Es256);
        assert_eq!(header.key_id().unwrap().as_str(), "k1");
        assert_eq!(header.typ(), Some("at+jwt"));
    }

    #[test]
    fn key_is_named_by_kid_before_thumbprints() {
        let name = |json: &str| Header::parse(json).unwrap().key_name().map(ToString::to_string);
        assert_eq!(name(r#"{"alg":"RS256","x5t":"a","x5t#S256":"b","kid":"c"}"#).as_deref(), Some("c"));
        assert_eq!(name(r#"{"alg":"RS256","x5t":"a","x5t#S256":"b"}"#).as_deref(), Some("b"));
        assert_eq!(name(r#"{"alg":"RS256","x5t":"a"}"#).as_deref(), Some("a"));
        for ignored in [r#"{"alg":"RS256","x5t":1}"#, r#"{"alg":"RS256","x5t":null}"#] {
            assert_eq!(name(ignored), None, "{ignored}");
        }
        assert_eq!(name(&format!(r#"{{"alg":"RS256","x5t":"{}"}}"#, "a".repeat(257))), None);
    }

    #[test]
    fn algorithm_must_be_an_exact_string() {
        assert_eq!(fault("{}"), HeaderError::AlgorithmMissing);
        for json in [r#"{"alg":null}"#, r#"{"alg":1}"#, r#"{"alg":["RS256"]}"#] {
            assert_eq!(fault(json), HeaderError::MemberType { name: "alg" }, "{json}");
        }
        for name in ["none", "NONE", "nOnE", "hs256", "Rs256", "ES256K", ""] {
            let expected = HeaderError::unsupported_algorithm(name);
            assert_eq!(fault(&format!(r#"{{"alg":"{name}"}}"#)), expected);
        }
    }

    #[test]
    fn members_that_change_the_meaning_are_rejected() {
        for crit in [r#"["exp"]"#, "[]", "null", r#""x""#, r#"["b64"]"#] {
            assert_eq!(fault(&format!(r#"{{"alg":"HS256","crit":{crit}}}"#)), HeaderError::Critical);
        }
        assert_eq!(fault(r#"{"alg":"HS256","b64":true}"#), HeaderError::UnencodedPayload);
        assert_eq!(fault(r#"{"alg":"HS256","zip":"DEF"}"#), HeaderError::Encryption);
        assert_eq!(fault(r#"{"alg":"HS256","enc":"A128GCM"}"#), HeaderError::Encryption);
        for cty in ["JWT", "jwt", "application/jwt"] {
            assert_eq!(fault(&format!(r#"{{"alg":"HS256","cty":"{cty}"}}"#)), HeaderError::Nested);
        }
        assert!(Header::parse(r#"{"alg":"HS256","cty":"text/plain"}"#).is_ok());
    }

    #[test]
    fn key_ids_are_bounded_strings() {
        for kid in ["1", "null", "{}"] {
            let json = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
            assert_eq!(fault(&json), HeaderError::MemberType { name: "kid" });
        }
        let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257));
        assert_eq!(fault(&long), HeaderError::KeyIdTooLong);
    }

    #[test]
    fn duplicates_are_refused() {
        for json in [r#"{"alg":"HS256","alg":"none"}"#, r#"{"alg":"HS256","x":1,"x":1}"#] {
            assert_eq!(
                Header::parse(json),
                Err(TokenError::Json { part: TokenPart::Header, error: JsonError::DuplicateMember })
            );
        }
    }
}
