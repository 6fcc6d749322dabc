//! Public keys from PEM (RFC 7468) and DER: `SubjectPublicKeyInfo`, PKCS #1, X.509 certificates.

use der::asn1::BitStringRef;
use der::oid::ObjectIdentifier;
use der::{AnyRef, Decode, Encode};
use spki::SubjectPublicKeyInfo;

use crate::algorithm::Curve;
use crate::backend::PublicMaterial;
use crate::error::KeyError;

/// The largest document that is read. Keys and certificates are far smaller.
const MAX_BYTES: usize = 64 * 1024;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, Curve); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), Curve::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Returns the public key in the first PEM block of `pem`.
pub(super) fn from_pem(pem: &[u8]) -> Result<PublicMaterial, KeyError> {
    check_size(pem)?;
    let decoded =
        first_block(pem).and_then(|block| pem_rfc7468::decode_vec(block).map_err(|_cause| KeyError::Pem));
    let (label, der) =
        decoded.map_err(|error| if has_escaped_breaks(pem) { KeyError::EscapedPem } else { error })?;
    match label {
        "PUBLIC KEY" => from_spki(&der),
        "RSA PUBLIC KEY" => from_pkcs1(&der),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => from_certificate(&der),
        label if label.ends_with("PRIVATE KEY") => Err(KeyError::Private),
        label => Err(KeyError::PemLabel { label: label.chars().take(64).collect::<String>().into() }),
    }
}

/// Returns the public key in `der`, which is in one of the three formats.
pub(super) fn from_der(der: &[u8]) -> Result<PublicMaterial, KeyError> {
    check_size(der)?;
    // The formats differ in their second element, so at most one of them parses.
    match from_spki(der) {
        Err(KeyError::Der) => {}
        decided => return decided,
    }
    match from_pkcs1(der) {
        Err(KeyError::Der) => from_certificate(der),
        decided => decided,
    }
}

fn check_size(bytes: &[u8]) -> Result<(), KeyError> {
    if bytes.len() > MAX_BYTES {
        return Err(KeyError::TooLarge { bytes: bytes.len(), max: MAX_BYTES });
    }
    Ok(())
}

/// Returns whether the text has backslashes, which PEM never has, before an `n`.
fn has_escaped_breaks(pem: &[u8]) -> bool {
    pem.windows(2).any(|pair| pair == b"\\n")
}

/// Returns the first block only: certificate files hold chains, and text may precede the block (RFC 7468 §5.2).
fn first_block(pem: &[u8]) -> Result<&[u8], KeyError> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    let find =
        |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).position(|window| window == needle);
    let start = find(pem, BEGIN).ok_or(KeyError::Pem)?;
    let block = pem.get(start..).ok_or(KeyError::Pem)?;
    let end = find(block, END).ok_or(KeyError::Pem)?;
    let tail = block.get(end..).ok_or(KeyError::Pem)?;
    let line =
        tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |newline| newline.saturating_add(1));
    block.get(..end.saturating_add(line)).ok_or(KeyError::Pem)
}

/// Returns the key of a certificate. Its validity period and signatures are not checked: the operator decides
/// to trust the certificate, as with any key.
fn from_certificate(der: &[u8]) -> Result<PublicMaterial, KeyError> {
    let certificate = x509_cert::Certificate::from_der(der).map_err(|_cause| KeyError::Der)?;
    let spki =
        certificate.tbs_certificate().subject_public_key_info().to_der().map_err(|_cause| KeyError::Der)?;
    from_spki(&spki)
}

fn from_spki(der: &[u8]) -> Result<PublicMaterial, KeyError> {
    let spki = SubjectPublicKeyInfo::<AnyRef<'_>, BitStringRef<'_>>::from_der(der)
        .map_err(|_cause| KeyError::Der)?;
    let key = spki.subject_public_key.as_bytes().ok_or(KeyError::Der)?;
    match spki.algorithm.oid {
        RSA_ENCRYPTION => from_pkcs1(key),
        // Parameters would limit the key to one hash (RFC 4055 §1.2). This code does not read them, so it could
        // misuse the key.
        RSASSA_PSS => Err(KeyError::Unsupported { what: "id-RSASSA-PSS; use an rsaEncryption key" }),
        EC_PUBLIC_KEY => {
            let oid = spki.algorithm.parameters_oid().map_err(|_cause| KeyError::Der)?;
            let curve = CURVES.into_iter().find_map(|(known, curve)| (known == oid).then_some(curve));
            PublicMaterial::ec(curve.ok_or(KeyError::Unsupported { what: "this elliptic curve" })?, key)
        }
        ED25519 => PublicMaterial::ed25519(key),
        _ => Err(KeyError::Unsupported { what: "this kind of public key" }),
    }
}

fn from_pkcs1(der: &[u8]) -> Result<PublicMaterial, KeyError> {
    let key = pkcs1::RsaPublicKeyRef::from_der(der).map_err(|_cause| KeyError::Der)?;
    PublicMaterial::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
}
