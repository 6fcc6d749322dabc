//! [`PrivateJwk`]: a strict parser for private keys in JWKs (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tollgate::{Algorithm, KeyError};
use zeroize::Zeroizing;

use crate::issuing::SigningKeyError;

/// The members of a JWK that may sign with one algorithm.
pub(super) struct PrivateJwk(BTreeMap<String, Member>);

/// The value of a member. No member of a key has another type.
enum Member {
    Text(Zeroizing<String>),
    Texts(Vec<String>),
    Other,
}

type Bytes = Zeroizing<Vec<u8>>;

/// The numbers of an RSA key (RFC 7518 §6.3).
pub(super) struct RsaNumbers {
    pub(super) n: Bytes,
    pub(super) e: Bytes,
    pub(super) d: Bytes,
    pub(super) p: Bytes,
    pub(super) q: Bytes,
    pub(super) dp: Bytes,
    pub(super) dq: Bytes,
    pub(super) qi: Bytes,
}

impl PrivateJwk {
    /// Parses the JWK. Checks that it allows signing, and that its `alg`, if present, is `algorithm`.
    pub(super) fn parse(algorithm: Algorithm, json: &[u8]) -> Result<Self, SigningKeyError> {
        if json.len() > MAX_BYTES {
            return Err(KeyError::TooLarge { bytes: json.len(), max: MAX_BYTES }.into());
        }
        let jwk: Self = serde_json::from_slice(json).map_err(|_cause| SigningKeyError::Jwk)?;
        if let Some(name) = jwk.optional("alg")?
            && Algorithm::from_name(name) != Some(algorithm)
        {
            return Err(KeyError::AlgorithmMismatch { algorithm }.into());
        }
        jwk.check_purpose()?;
        Ok(jwk)
    }

    pub(super) fn key_id(&self) -> Result<Option<&str>, SigningKeyError> {
        self.optional("kid")
    }

    /// Returns all numbers of an RSA key. Rejects a key without its prime factors, or with more than two (RFC
    /// 7518 §6.3.2).
    pub(super) fn rsa(&self, algorithm: Algorithm) -> Result<RsaNumbers, SigningKeyError> {
        self.expect(algorithm, "kty", "RSA")?;
        if self.0.contains_key("oth") {
            return Err(KeyError::Unsupported { what: "`oth` of the key" }.into());
        }
        Ok(RsaNumbers {
            n: self.number("n")?,
            e: self.number("e")?,
            d: self.number("d")?,
            p: self.number("p")?,
            q: self.number("q")?,
            dp: self.number("dp")?,
            dq: self.number("dq")?,
            qi: self.number("qi")?,
        })
    }

    /// Returns the private number and the uncompressed public point (RFC 7518 §6.2).
    pub(super) fn ec(&self, algorithm: Algorithm) -> Result<(Bytes, Bytes), SigningKeyError> {
        let (curve, bytes) = match algorithm {
            Algorithm::Es256 => ("P-256", 32),
            Algorithm::Es384 => ("P-384", 48),
            _ => ("P-521", 66),
        };
        self.expect(algorithm, "kty", "EC")?;
        self.expect(algorithm, "crv", curve)?;
        let mut point = Zeroizing::new(vec![4]);
        for name in ["x", "y"] {
            point.extend_from_slice(&self.sized(name, bytes)?);
        }
        Ok((self.sized("d", bytes)?, point))
    }

    /// Returns the seed and the public key (RFC 8037 §2).
    pub(super) fn ed25519(&self, algorithm: Algorithm) -> Result<(Bytes, Bytes), SigningKeyError> {
        self.expect(algorithm, "kty", "OKP")?;
        self.expect(algorithm, "crv", "Ed25519")?;
        Ok((self.sized("d", 32)?, self.sized("x", 32)?))
    }

    /// Returns the secret of a symmetric key (RFC 7518 §6.4).
    pub(super) fn secret(&self, algorithm: Algorithm) -> Result<Bytes, SigningKeyError> {
        self.expect(algorithm, "kty", "oct")?;
        self.decode("k")
    }

    /// Checks that `use` and `key_ops` allow signing, and that `key_ops` has no duplicates (RFC 7517 §4.2, §4.3).
    fn check_purpose(&self) -> Result<(), SigningKeyError> {
        if self.optional("use")?.is_some_and(|public_use| public_use != "sig") {
            return Err(SigningKeyError::NotForSigning { member: "use" });
        }
        let operations = match self.0.get("key_ops") {
            None => return Ok(()),
            Some(Member::Texts(operations)) => operations,
            Some(_) => return Err(KeyError::Malformed { name: "key_ops" }.into()),
        };
        let mut distinct: Vec<&str> = operations.iter().map(String::as_str).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != operations.len() {
            return Err(KeyError::Malformed { name: "key_ops" }.into());
        }
        if distinct.contains(&"sign") {
            Ok(())
        } else {
            Err(SigningKeyError::NotForSigning { member: "key_ops" })
        }
    }

    fn optional(&self, name: &'static str) -> Result<Option<&str>, SigningKeyError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Member::Text(text)) => Ok(Some(text)),
            Some(_) => Err(KeyError::Malformed { name }.into()),
        }
    }

    fn required(&self, name: &'static str) -> Result<&str, SigningKeyError> {
        self.optional(name)?.ok_or_else(|| KeyError::Missing { name }.into())
    }

    fn expect(&self, algorithm: Algorithm, name: &'static str, value: &str) -> Result<(), SigningKeyError> {
        let fits = self.required(name)? == value;
        if fits { Ok(()) } else { Err(KeyError::AlgorithmMismatch { algorithm }.into()) }
    }

    fn decode(&self, name: &'static str) -> Result<Bytes, SigningKeyError> {
        let decoded = URL_SAFE_NO_PAD.decode(self.required(name)?);
        Ok(Zeroizing::new(decoded.map_err(|_cause| KeyError::Malformed { name })?))
    }

    /// Decodes a value of exactly this size, which includes its leading zeros (RFC 7518 §6.2.1.2).
    fn sized(&self, name: &'static str, bytes: usize) -> Result<Bytes, SigningKeyError> {
        let decoded = self.decode(name)?;
        if decoded.len() == bytes { Ok(decoded) } else { Err(KeyError::Malformed { name }.into()) }
    }

    /// Decodes a number without leading zeros (RFC 7518 §2, `Base64urlUInt`).
    fn number(&self, name: &'static str) -> Result<Bytes, SigningKeyError> {
        let decoded = self.decode(name)?;
        match decoded.first() {
            None | Some(0) => Err(KeyError::Malformed { name }.into()),
            Some(_) => Ok(decoded),
        }
    }
}

const MAX_BYTES: usize = 64 * 1024;

/// Accepts only an object whose members have distinct names.
impl<'de> Deserialize<'de> for PrivateJwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = PrivateJwk;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JWK")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PrivateJwk, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, member)) = map.next_entry()? {
                    match members.entry(name) {
                        Entry::Vacant(slot) => _ = slot.insert(member),
                        Entry::Occupied(_) => return Err(A::Error::custom("a member occurs twice")),
                    }
                }
                Ok(PrivateJwk(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Member, E> {
                Ok(Member::Text(Zeroizing::new(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Member, A::Error> {
                let (mut texts, mut others) = (Vec::new(), false);
                while let Some(element) = elements.next_element()? {
                    match element {
                        Member::Text(text) => texts.push(text.to_string()),
                        Member::Texts(_) | Member::Other => others = true,
                    }
                }
                Ok(if others { Member::Other } else { Member::Texts(texts) })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Member::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_unit<E>(self) -> Result<Member, E> {
                Ok(Member::Other)
            }
        }

        deserializer.deserialize_any(Value)
    }
}

#[cfg(test)]
mod tests;
