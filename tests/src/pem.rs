//! Public keys as PEM documents, as issuers publish them one by one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tollgate_sessions::SigningKey;

/// The DER of a P-256 public key (RFC 5480) up to its coordinates.
const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// Returns the public key of an ES256 key as a PEM document.
#[must_use]
pub fn public_pem(key: &SigningKey) -> String {
    let jwk: Value = serde_json::from_str(key.public_jwk().expect("a public key")).expect("JSON");
    let coordinate = |name: &str| {
        let text = jwk[name].as_str().expect("a coordinate");
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    let der = [P256.to_vec(), coordinate("x"), coordinate("y")].concat();
    let text = STANDARD.encode(der);
    let (first, second) = text.split_at(64);
    format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
}
