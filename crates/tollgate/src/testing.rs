//! Tokens for the unit tests, signed with a fixed HMAC key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::algorithm::Algorithm;
use crate::audience::Audience;
use crate::base64url;
use crate::issuer::Issuer;
use crate::key::VerifyingKey;
use crate::time::UnixTime;
use crate::verify::Verifier;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "api://demo";
pub(crate) const SECRET: [u8; 32] = [
    0x8f, 0x1c, 0x5e, 0xd3, 0x02, 0xb7, 0x99, 0x4a, 0x6e, 0xf0, 0x13, 0xc8, 0x7d, 0x21, 0xaa, 0x54, 0x3b,
    0xe6, 0x90, 0x0f, 0xd7, 0x68, 0x2c, 0xb1, 0x45, 0xfa, 0x86, 0x1d, 0xc3, 0x5f, 0x72, 0x09,
];
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Returns a token with any header and payload, signed with [`SECRET`].
pub(crate) fn sign(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", base64url::encode(&mac.finalize().into_bytes()))
}

/// Returns a token with valid claims and `more` members, such as `"scope":"a"`.
pub(crate) fn token(more: &str) -> String {
    sign(HEADER, &claims(more))
}

/// Returns valid claims with `more` members. A member in `more` replaces the default one.
pub(crate) fn claims(more: &str) -> String {
    let exp = NOW.as_secs() + 600;
    let good = [
        ("iss", format!("\"{ISSUER}\"")),
        ("aud", format!("\"{AUDIENCE}\"")),
        ("exp", exp.to_string()),
        ("sub", "\"alice\"".to_owned()),
    ];
    let kept = good.iter().filter(|(name, _)| !more.contains(&format!("\"{name}\":")));
    let mut members: Vec<String> = kept.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    if !more.is_empty() {
        members.push(more.to_owned());
    }
    format!("{{{}}}", members.join(","))
}

/// Returns valid claims without the member `name`.
pub(crate) fn claims_without(name: &str) -> String {
    let good: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&claims("")).unwrap();
    let rest: serde_json::Map<_, _> = good.into_iter().filter(|(known, _)| known != name).collect();
    serde_json::to_string(&rest).unwrap()
}

pub(crate) fn key() -> VerifyingKey {
    VerifyingKey::hmac(Algorithm::Hs256, SECRET).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    Issuer::new(ISSUER).unwrap()
}

pub(crate) fn audience() -> Audience {
    Audience::new(AUDIENCE).unwrap()
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(key(), issuer(), audience())
}
