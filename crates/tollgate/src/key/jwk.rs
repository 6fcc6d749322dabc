//! One JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), read strictly.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::algorithm::{Algorithm, Curve};
use crate::backend::PublicMaterial;
use crate::base64url;
use crate::error::KeyError;
use crate::json::{self, JsonError, Scanner};
use crate::key_id::KeyId;

/// The members of a JWK.
pub(super) struct Jwk {
    pub(super) key_id: Option<KeyId>,
    /// `alg`, if it names a supported algorithm.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) material: JwkMaterial,
    /// `x5t#S256` and `x5t`: the thumbprints of the key's certificate (RFC 7517 §4.8, §4.9).
    pub(super) thumbprints: Vec<KeyId>,
    /// `issuer`: whose tokens the key may sign. Only Entra ID publishes it.
    pub(super) issuer: Option<Box<str>>,
}

/// Deviations from RFC 7518 that a reader of keys tolerates. The default tolerates none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JwkTolerance {
    coordinates: bool,
    svid_use: bool,
}

impl JwkTolerance {
    /// Tolerates coordinates of EC keys with missing or surplus leading zeros, against RFC 7518 §6.2.1.2. Several
    /// libraries write them. The point must still be on its curve, so no other key is accepted.
    #[must_use]
    pub const fn coordinate_lengths(self) -> Self {
        Self { coordinates: true, ..self }
    }

    /// Accepts keys with the use `jwt-svid`, as the bundles of SPIFFE trust domains have them
    /// (SPIFFE Trust Domain and Bundle §4.2.2).
    #[must_use]
    pub const fn jwt_svid_use(self) -> Self {
        Self { svid_use: true, ..self }
    }
}

pub(super) enum JwkMaterial {
    Public(PublicMaterial),
    Secret(Zeroizing<Vec<u8>>),
}

/// Members that only a private key has (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

const MAX_KEY_OPS: usize = 16;

#[derive(Default)]
struct Reader<'de> {
    kty: Option<Cow<'de, str>>,
    kid: Option<Cow<'de, str>>,
    alg: Option<Cow<'de, str>>,
    public_use: Option<Cow<'de, str>>,
    key_ops: Option<Vec<Cow<'de, str>>>,
    crv: Option<Cow<'de, str>>,
    n: Option<Cow<'de, str>>,
    e: Option<Cow<'de, str>>,
    x: Option<Cow<'de, str>>,
    y: Option<Cow<'de, str>>,
    k: Option<Cow<'de, str>>,
    x5t: Option<Cow<'de, str>>,
    x5t_s256: Option<Cow<'de, str>>,
    issuer: Option<Cow<'de, str>>,
    private: bool,
}

impl<'de> Reader<'de> {
    fn read(&mut self, name: &str, value: &mut Scanner<'de>) -> Result<bool, KeyError> {
        match name {
            "kty" => self.kty = text("kty", value)?,
            "kid" => self.kid = text("kid", value)?,
            "alg" => self.alg = text("alg", value)?,
            "use" => self.public_use = text("use", value)?,
            "key_ops" => self.key_ops = texts("key_ops", value)?,
            "crv" => self.crv = text("crv", value)?,
            "n" => self.n = text("n", value)?,
            "e" => self.e = text("e", value)?,
            "x" => self.x = text("x", value)?,
            "y" => self.y = text("y", value)?,
            "k" => self.k = text("k", value)?,
            "x5t" => self.x5t = text("x5t", value)?,
            "x5t#S256" => self.x5t_s256 = text("x5t#S256", value)?,
            // Not a registered member, so another type is left alone.
            "issuer" => {
                self.issuer = value.text()?;
                return Ok(self.issuer.is_some());
            }
            name if PRIVATE.contains(&name) => {
                let is_null = value.null()?;
                self.private |= !is_null;
                return Ok(is_null);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Reads a string. A member that is `null` counts as absent.
fn text<'de>(name: &'static str, value: &mut Scanner<'de>) -> Result<Option<Cow<'de, str>>, KeyError> {
    match value.text()? {
        Some(text) => Ok(Some(text)),
        None if value.null()? => Ok(None),
        None => Err(KeyError::Malformed { name }),
    }
}

fn texts<'de>(name: &'static str, value: &mut Scanner<'de>) -> Result<Option<Vec<Cow<'de, str>>>, KeyError> {
    if value.null()? {
        return Ok(None);
    }
    let mut texts = Vec::new();
    let are_strings = value.texts(|text| texts.push(text))?;
    if are_strings { Ok(Some(texts)) } else { Err(KeyError::Malformed { name }) }
}

impl Jwk {
    pub(super) fn parse(json: &str, tolerance: JwkTolerance) -> Result<Self, KeyError> {
        let mut reader = Reader::default();
        json::read_object(json, |name, value| reader.read(name, value))?;
        let kty = reader.kty.as_deref().ok_or(KeyError::Missing { name: "kty" })?;
        // A key that is not symmetric has no use for `k`, which may be a secret and was not meant to be
        // published.
        if reader.private || (kty != "oct" && reader.k.is_some()) {
            return Err(KeyError::Private);
        }
        let public_use =
            reader.public_use.as_deref().filter(|name| !(tolerance.svid_use && *name == "jwt-svid"));
        check_purpose(public_use, reader.key_ops.as_deref())?;
        let key_id = reader.kid.as_deref().map(KeyId::new).transpose()?;
        let algorithm = reader
            .alg
            .as_deref()
            .map(|name| Algorithm::from_name(name).ok_or(KeyError::Unsupported { what: "`alg` of the key" }))
            .transpose()?;
        let material = match kty {
            "RSA" => JwkMaterial::Public(rsa(&reader)?),
            "EC" => JwkMaterial::Public(ec(&reader, tolerance)?),
            "OKP" => JwkMaterial::Public(okp(&reader)?),
            "oct" => JwkMaterial::Secret(Zeroizing::new(decode("k", reader.k.as_deref())?)),
            _ => return Err(KeyError::Unsupported { what: "`kty` of the key" }),
        };
        let thumbprints = [&reader.x5t_s256, &reader.x5t].into_iter().flatten();
        let thumbprints = thumbprints.filter_map(|thumbprint| KeyId::new(&**thumbprint).ok()).collect();
        let issuer = reader.issuer.as_deref().map(Into::into);
        Ok(Self { key_id, algorithm, material, thumbprints, issuer })
    }
}

/// Checks that `use` and `key_ops` allow verifying, and that no operation occurs twice (RFC 7517 §4.2, §4.3).
fn check_purpose(public_use: Option<&str>, key_ops: Option<&[Cow<'_, str>]>) -> Result<(), KeyError> {
    if public_use.is_some_and(|public_use| public_use != "sig") {
        return Err(KeyError::NotForSignatures { member: "use" });
    }
    let Some(key_ops) = key_ops else { return Ok(()) };
    // RFC 7517 §4.3 defines eight operations. A longer list is rejected before the quadratic comparison.
    if key_ops.len() > MAX_KEY_OPS {
        return Err(KeyError::Malformed { name: "key_ops" });
    }
    let repeated =
        key_ops.iter().enumerate().any(|(i, op)| key_ops.iter().skip(i.saturating_add(1)).any(|o| o == op));
    if repeated {
        return Err(KeyError::Malformed { name: "key_ops" });
    }
    if !key_ops.iter().any(|op| op == "verify") {
        return Err(KeyError::NotForSignatures { member: "key_ops" });
    }
    Ok(())
}

fn rsa(reader: &Reader<'_>) -> Result<PublicMaterial, KeyError> {
    let modulus = decode("n", reader.n.as_deref())?;
    let exponent = decode("e", reader.e.as_deref())?;
    PublicMaterial::rsa(&modulus, &exponent)
}

fn ec(reader: &Reader<'_>, tolerance: JwkTolerance) -> Result<PublicMaterial, KeyError> {
    let name = reader.crv.as_deref().ok_or(KeyError::Missing { name: "crv" })?;
    let curve = Curve::from_name(name).ok_or(KeyError::Unsupported { what: "`crv` of the key" })?;
    let mut point = vec![4];
    for (name, text) in [("x", &reader.x), ("y", &reader.y)] {
        let coordinate = decode(name, text.as_deref())?;
        let coordinate = if tolerance.coordinates { with_length(curve, &coordinate) } else { coordinate };
        // The full size of the field, including leading zeros (RFC 7518 §6.2.1.2).
        if coordinate.len() != curve.coordinate_len() {
            return Err(KeyError::Malformed { name });
        }
        point.extend(coordinate);
    }
    PublicMaterial::ec(curve, &point)
}

/// Returns the same number with as many leading zeros as the curve needs. A number that is too large stays so.
fn with_length(curve: Curve, coordinate: &[u8]) -> Vec<u8> {
    let zeros = coordinate.iter().take_while(|byte| **byte == 0).count();
    let digits = coordinate.get(zeros..).unwrap_or_default();
    let mut full = vec![0; curve.coordinate_len().saturating_sub(digits.len())];
    full.extend(digits);
    full
}

fn okp(reader: &Reader<'_>) -> Result<PublicMaterial, KeyError> {
    match reader.crv.as_deref() {
        Some("Ed25519") => PublicMaterial::ed25519(&decode("x", reader.x.as_deref())?),
        Some(_) => Err(KeyError::Unsupported { what: "`crv` of the key" }),
        None => Err(KeyError::Missing { name: "crv" }),
    }
}

fn decode(name: &'static str, text: Option<&str>) -> Result<Vec<u8>, KeyError> {
    let text = text.ok_or(KeyError::Missing { name })?;
    base64url::decode(text).map_err(|base64url::NotBase64Url| KeyError::Malformed { name })
}

/// The largest JWK or JWK Set document that is read, in bytes.
pub(super) const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

/// Returns the document as text.
///
/// # Errors
/// [`KeyError::TooLarge`] above [`MAX_DOCUMENT_BYTES`]. [`KeyError::Json`] when it is not UTF-8.
pub(super) fn utf8(json: &[u8]) -> Result<&str, KeyError> {
    if json.len() > MAX_DOCUMENT_BYTES {
        return Err(KeyError::TooLarge { bytes: json.len(), max: MAX_DOCUMENT_BYTES });
    }
    std::str::from_utf8(json).map_err(|_cause| KeyError::Json(JsonError::NotUtf8))
}
