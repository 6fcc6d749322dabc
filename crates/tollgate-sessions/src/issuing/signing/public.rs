//! The public half of a key pair as a JWK, and its thumbprint (RFC 7638).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::Decode as _;
use tollgate::Algorithm;

/// The members of a public key, in the lexicographic order that a thumbprint requires (RFC 7638 §3.2). All
/// values are base64url text or fixed names, so none needs escaping.
pub(super) struct PublicKey(Vec<(&'static str, String)>);

impl PublicKey {
    /// Reads the DER of an `RSAPublicKey` (RFC 8017 A.1.1).
    pub(super) fn rsa(der: &[u8]) -> Option<Self> {
        let key = pkcs1::RsaPublicKeyRef::from_der(der).ok()?;
        let number = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        Some(Self(vec![
            ("e", number(key.public_exponent.as_bytes())),
            ("kty", "RSA".to_owned()),
            ("n", number(key.modulus.as_bytes())),
        ]))
    }

    /// Reads an uncompressed point.
    pub(super) fn ec(algorithm: Algorithm, point: &[u8]) -> Option<Self> {
        let curve = match algorithm {
            Algorithm::Es256 => "P-256",
            Algorithm::Es384 => "P-384",
            Algorithm::Es512 => "P-521",
            _ => return None,
        };
        let coordinates = point.strip_prefix(&[4])?;
        let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
        Some(Self(vec![
            ("crv", curve.to_owned()),
            ("kty", "EC".to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(x)),
            ("y", URL_SAFE_NO_PAD.encode(y)),
        ]))
    }

    pub(super) fn ed25519(x: &[u8]) -> Self {
        Self(vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", URL_SAFE_NO_PAD.encode(x))])
    }

    /// Returns the thumbprint (RFC 7638 §3).
    pub(super) fn thumbprint(&self) -> String {
        let hash = digest::digest(&digest::SHA256, object(&self.0).as_bytes());
        URL_SAFE_NO_PAD.encode(hash)
    }

    /// Returns the JWK with `kid`, `use` and `alg` (RFC 7517 §4). The key ID may need escaping.
    pub(super) fn to_jwk(&self, algorithm: Algorithm, key_id: &str) -> String {
        let mut members = self.0.clone();
        members.push(("alg", algorithm.name().to_owned()));
        members.push(("use", "sig".to_owned()));
        members.push(("kid", key_id.to_owned()));
        object(&members)
    }
}

fn object(members: &[(&'static str, String)]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_matches_rfc8037_appendix_a3() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(PublicKey::ed25519(&x).thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
