//! [`Header`]: the JOSE header of a token (RFC 7515 §4), reduced to what decides how it is verified.

use std::sync::Arc;

use serde::de::{Error as _, MapAccess};

use crate::algorithm::Algorithm;
use crate::error::{HeaderError, Part, TokenError};
use crate::json::{self, Members, Text};
use crate::key::KeyId;

/// The members of a JOSE header that matter here. Cheap to clone.
///
/// Key material in a header (`jwk`, `jku`, `x5u`, `x5c`) is never looked at: a token does not choose the key that
/// verifies it (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    typ: Option<Box<str>>,
}

impl Header {
    /// `alg` (RFC 7515 §4.1.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// `kid` (RFC 7515 §4.1.4).
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.0.key_id.as_ref()
    }

    /// `typ` as the token spells it (RFC 7515 §4.1.9).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.0.typ.as_deref()
    }

    /// Reads a decoded header.
    ///
    /// # Errors
    /// [`TokenError::Json`] when it is not one strict JSON object, [`TokenError::Header`] when a member is
    /// missing, of the wrong type, or names something that is not supported.
    pub(crate) fn parse(json: &str) -> Result<Self, TokenError> {
        let mut reader = Reader::default();
        match json::read_object(json, &mut reader) {
            Ok(()) => {}
            Err(error) => {
                return Err(reader
                    .fault
                    .map_or_else(|| TokenError::json(Part::Header, error), TokenError::Header));
            }
        }
        let algorithm = reader.algorithm.ok_or(TokenError::Header(HeaderError::AlgorithmMissing))?;
        Ok(Self(Arc::new(Inner { algorithm, key_id: reader.key_id, typ: reader.typ })))
    }
}

#[derive(Default)]
struct Reader {
    algorithm: Option<Algorithm>,
    key_id: Option<KeyId>,
    typ: Option<Box<str>>,
    fault: Option<HeaderError>,
}

impl Reader {
    fn refuse<E: serde::de::Error>(&mut self, fault: HeaderError) -> E {
        self.fault = Some(fault);
        E::custom("refused")
    }

    fn text<'de, A: MapAccess<'de>>(
        &mut self,
        name: &'static str,
        map: &mut A,
    ) -> Result<std::borrow::Cow<'de, str>, A::Error> {
        match map.next_value::<Text<'de>>() {
            Ok(Text(text)) => Ok(text),
            // Broken JSON lands here too; it is refused either way.
            Err(error) => {
                self.fault = Some(HeaderError::MemberType { name });
                Err(A::Error::custom(error))
            }
        }
    }
}

impl<'de> Members<'de> for Reader {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "alg" => {
                let alg = self.text("alg", map)?;
                let Some(algorithm) = Algorithm::from_name(&alg) else {
                    return Err(self.refuse(HeaderError::unsupported_algorithm(&alg)));
                };
                self.algorithm = Some(algorithm);
            }
            "kid" => {
                let kid = self.text("kid", map)?;
                let Ok(key_id) = KeyId::new(&*kid) else {
                    return Err(self.refuse(HeaderError::KeyIdTooLong));
                };
                self.key_id = Some(key_id);
            }
            "typ" => self.typ = Some(self.text("typ", map)?.into()),
            // A JWT inside a JWT would need both verified (RFC 7519 §7.2 step 8).
            "cty" => {
                if crate::verify::media_type(&self.text("cty", map)?).eq_ignore_ascii_case("jwt") {
                    return Err(self.refuse(HeaderError::Nested));
                }
            }
            // No extension is understood here, so none can be honoured (RFC 7515 §4.1.11).
            "crit" => return Err(self.refuse(HeaderError::Critical)),
            // RFC 7797 §7: unencoded payloads are not for JWTs.
            "b64" => return Err(self.refuse(HeaderError::UnencodedPayload)),
            // RFC 7516 §4.1: these belong to encrypted tokens.
            "enc" | "zip" => return Err(self.refuse(HeaderError::Encryption)),
            _ => return Ok(false),
        }
        Ok(true)
    }
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
    fn reads_what_matters_and_ignores_the_rest() {
        let header = Header::parse(
            r#"{"typ":"at+jwt","alg":"ES256","kid":"k\u0031","jwk":{"kty":"oct"},"x5c":["AA=="],"foo":1}"#,
        )
        .unwrap();
        assert_eq!(header.algorithm(), Algorithm::Es256);
        assert_eq!(header.key_id().unwrap().as_str(), "k1");
        assert_eq!(header.typ(), Some("at+jwt"));
    }

    #[test]
    fn algorithm_is_required_exact_and_a_string() {
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
    fn members_that_change_the_meaning_are_refused() {
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
                Err(TokenError::Json { part: Part::Header, error: JsonError::DuplicateMember })
            );
        }
    }
}
