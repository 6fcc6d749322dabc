//! [`Simple`]: one type for all key types of jwt-simple.

use ::jwt_simple::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tollgate::Algorithm as Name;
use tollgate_benches::fixtures::{self, AUDIENCE, ISSUER};
use tollgate_testing::keys;

pub(crate) use ::jwt_simple::prelude::NoCustomClaims as NoClaims;

pub(crate) struct Simple {
    key: Key,
    options: VerificationOptions,
}

enum Key {
    Hs256(HS256Key),
    Rs256(RS256PublicKey),
    Ps256(PS256PublicKey),
    Es256(ES256PublicKey),
    Es384(ES384PublicKey),
    EdDsa(Ed25519PublicKey),
}

impl Simple {
    pub(crate) fn new(algorithm: Name) -> Self {
        let member = |name: &str| fixtures::jwk_member(algorithm, name);
        let point = || [&[4], &member("x")[..], &member("y")].concat();
        let key = match algorithm {
            Name::Hs256 => Ok(Key::Hs256(HS256Key::from_bytes(&keys::SECRET))),
            Name::Rs256 => RS256PublicKey::from_components(&member("n"), &member("e")).map(Key::Rs256),
            Name::Ps256 => PS256PublicKey::from_components(&member("n"), &member("e")).map(Key::Ps256),
            Name::Es256 => ES256PublicKey::from_bytes(&point()).map(Key::Es256),
            Name::Es384 => ES384PublicKey::from_bytes(&point()).map(Key::Es384),
            Name::EdDsa => Ed25519PublicKey::from_bytes(&member("x")).map(Key::EdDsa),
            other => panic!("{other} is not measured"),
        };
        let options = VerificationOptions {
            allowed_issuers: Some([ISSUER.to_owned()].into()),
            allowed_audiences: Some([AUDIENCE.to_owned()].into()),
            time_tolerance: Some(Duration::from_secs(60)),
            ..VerificationOptions::default()
        };
        Self { key: key.expect("a key"), options }
    }

    /// Verifies a token. jwt-simple takes its options by value, so every call clones them.
    pub(crate) fn verify<T: Serialize + DeserializeOwned>(
        &self,
        token: &str,
    ) -> Result<JWTClaims<T>, ::jwt_simple::Error> {
        let options = Some(self.options.clone());
        match &self.key {
            Key::Hs256(key) => key.verify_token(token, options),
            Key::Rs256(key) => key.verify_token(token, options),
            Key::Ps256(key) => key.verify_token(token, options),
            Key::Es256(key) => key.verify_token(token, options),
            Key::Es384(key) => key.verify_token(token, options),
            Key::EdDsa(key) => key.verify_token(token, options),
        }
    }
}
