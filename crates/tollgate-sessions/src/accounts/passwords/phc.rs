//! [`Stored`]: a parsed PHC string.
//!
//! The code parses PHC strings itself, so that the bounds are checked before any memory is allocated.

use std::fmt;

use argon2::{Algorithm, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::cost::HashCost;
use super::error::HashUnusable;
use super::hash::PasswordHash;

/// The parameters of a hash, and its tag.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) cost: HashCost,
    /// The ID of the pepper, if there is one.
    pub(super) pepper: Option<u8>,
    pub(super) salt: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl Stored {
    /// Parses `$argon2id$v=19$m=19456,t=2,p=1$salt$tag` strictly. `keyid` may follow after `p`. Without `v` the
    /// version is 16, which Argon2 had before the strings contained a version.
    pub(super) fn parse(hash: &PasswordHash) -> Result<Self, HashUnusable> {
        let text = hash.expose();
        let parts = (text.len() <= MAX_BYTES).then(|| Parts::of(text)).flatten();
        let stored = parts.and_then(|parts| Self::read(&parts)).ok_or(HashUnusable::Malformed)?;
        if !stored.cost.is_affordable() {
            return Err(HashUnusable::TooExpensive);
        }
        // Reject parameters that are too small for Argon2.
        stored.cost.params(stored.tag.len()).ok_or(HashUnusable::Malformed)?;
        Ok(stored)
    }

    fn read(parts: &Parts<'_>) -> Option<Self> {
        let algorithm = match parts.algorithm {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            "argon2d" => Algorithm::Argon2d,
            _ => return None,
        };
        let version = match parts.version.map(|version| version.strip_prefix("v=")) {
            None | Some(Some("16")) => Version::V0x10,
            Some(Some("19")) => Version::V0x13,
            Some(_) => return None,
        };
        let mut parameters = parts.parameters.split(',');
        let mut number = |name: &str| decimal(parameters.next()?.strip_prefix(name)?);
        let cost = HashCost::of_stored(number("m=")?, number("t=")?, number("p=")?);
        let pepper = match parameters.next() {
            None => None,
            Some(keyid) => Some(pepper_id(keyid.strip_prefix("keyid=")?)?),
        };
        let salt = STANDARD_NO_PAD.decode(parts.salt).ok()?;
        let tag = STANDARD_NO_PAD.decode(parts.tag).ok()?;
        let sizes = (8..=64).contains(&salt.len()) && (16..=64).contains(&tag.len());
        (parameters.next().is_none() && sizes).then_some(Self { algorithm, version, cost, pepper, salt, tag })
    }

    /// Returns the PHC string.
    pub(super) fn to_hash(&self) -> PasswordHash {
        let algorithm = self.algorithm.as_str();
        let version: u32 = self.version.into();
        let (memory, passes, lanes) = (self.cost.memory_kib(), self.cost.passes(), self.cost.lanes());
        let keyid =
            self.pepper.map(|id| format!(",keyid={}", STANDARD_NO_PAD.encode([id]))).unwrap_or_default();
        let (salt, tag) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.tag));
        PasswordHash::from_phc(format!(
            "${algorithm}$v={version}$m={memory},t={passes},p={lanes}{keyid}${salt}${tag}"
        ))
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// The parts of a PHC string between the dollar signs.
struct Parts<'a> {
    algorithm: &'a str,
    version: Option<&'a str>,
    parameters: &'a str,
    salt: &'a str,
    tag: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let (one, two, three, four) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (version, parameters, salt, tag) = match parts.next() {
            Some(five) => (Some(two), three, four, five),
            None => (None, two, three, four),
        };
        parts.next().is_none().then_some(Self { algorithm: one, version, parameters, salt, tag })
    }
}

/// Parses decimal digits without a sign and without leading zeros.
fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn pepper_id(text: &str) -> Option<u8> {
    let id: [u8; 1] = STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let [id] = id;
    Some(id)
}

/// No valid PHC string is longer.
const MAX_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";

    fn parse(text: impl Into<String>) -> Result<Stored, HashUnusable> {
        Stored::parse(&PasswordHash::from_phc(text))
    }

    #[test]
    fn phc_string_survives_parsing_and_writing() {
        for head in [
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2i$v=16$m=64,t=3,p=4",
            "$argon2d$v=19$m=8,t=1,p=1,keyid=/w",
        ] {
            let text = format!("{head}{TAIL}");
            assert_eq!(parse(text.clone()).unwrap().to_hash().expose(), text);
        }
        let old = parse(format!("$argon2i$m=64,t=3,p=1{TAIL}")).unwrap();
        assert_eq!(old.version, Version::V0x10);
    }

    #[test]
    fn malformed_phc_string_is_rejected() {
        let salt = "AAECAwQFBgcICQoLDA0ODw";
        let tag = "gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
        for wrong in [
            String::new(),
            "$".to_owned(),
            "password".to_owned(),
            "$2b$12$DwvtmzUdkCvqnNLbjHzxQOCkYfNS1vEZGWmmRQjtsCnAClLJG5Tyy".to_owned(),
            format!("argon2id$v=19$m=64,t=1,p=1{TAIL}"),
            format!("$argon2$v=19$m=64,t=1,p=1{TAIL}"),
            format!("$ARGON2ID$v=19$m=64,t=1,p=1{TAIL}"),
            format!("$argon2id$v=18$m=64,t=1,p=1{TAIL}"),
            format!("$argon2id$19$m=64,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$t=1,m=64,p=1{TAIL}"),
            format!("$argon2id$v=19$m=64,t=1{TAIL}"),
            format!("$argon2id$v=19$m=064,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$m=+64,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$m=,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$m=4294967296,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,data=AQ{TAIL}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AQI{TAIL}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AQ,data=AQ{TAIL}"),
            // Below the minimum of Argon2.
            format!("$argon2id$v=19$m=7,t=1,p=1{TAIL}"),
            format!("$argon2id$v=19$m=31,t=1,p=4{TAIL}"),
            format!("$argon2id$v=19$m=64,t=0,p=1{TAIL}"),
            format!("$argon2id$v=19$m=64,t=1,p=0{TAIL}"),
            // A salt or a tag that is too short or too long, or text after the tag.
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}$"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}$AAAAAAAA"),
            format!("$argon2id$v=19$m=64,t=1,p=1$AAAA${tag}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "A".repeat(88)),
            format!("$argon2id$v=19$m=64,t=1,p=1{TAIL}="),
            format!("$argon2id$v=19$m=64,t=1,p=1{TAIL}$AAAA"),
            format!("$argon2id$v=19$m=64,t=1,p=1{TAIL}\n"),
            format!("$argon2id$v=19$m=64,t=1,p=1{TAIL}{}", "A".repeat(600)),
        ] {
            assert_eq!(parse(wrong.clone()).unwrap_err(), HashUnusable::Malformed, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_does_not_panic(text in "\\$?(argon2id?\\$v=19\\$)?[mtp=,0-9$A-Za-z+/]{0,80}") {
            if let Ok(stored) = parse(text) {
                proptest::prop_assert!(stored.cost.is_affordable());
            }
        }
    }
}
