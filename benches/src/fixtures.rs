//! Tokens, keys and requests that the benchmarks share.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use tollgate::{Algorithm, Audience, Gate, Issuer, UnixTime, Verifier, VerifyingKey};
use tollgate_sessions::SigningKey;
pub use tollgate_testing::BearerRequest as Bearer;
use tollgate_testing::{Forge, TokenBuilder, keys};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api://demo";
/// The `kid` of the secret. Public keys have their thumbprint as `kid`.
pub const SECRET_ID: &str = "secret-1";

/// The algorithms to measure.
pub const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Hs256,
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

/// The application's claims type.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct User {
    pub sub: String,
    pub name: String,
    pub email: String,
    pub scope: String,
    pub roles: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
}

/// The same without `sub`, for libraries that take registered claims out of the application's type.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Profile {
    pub name: String,
    pub email: String,
    pub scope: String,
    pub roles: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
}

/// The smallest claims type.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Registered {
    pub sub: String,
}

/// The size of a token: nine claims, or the same and a list of groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    Medium,
    Large,
}

impl Size {
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    fn groups(self) -> usize {
        match self {
            Self::Small => 0,
            Self::Medium => 24,
            Self::Large => 150,
        }
    }
}

/// Returns the time of the system clock.
#[must_use]
pub fn now() -> UnixTime {
    UnixTime::from_secs(jiff::Timestamp::now().as_second())
}

/// Returns the key that signs with `algorithm`.
#[must_use]
pub fn signing_key(algorithm: Algorithm) -> SigningKey {
    let key = keys::signing(algorithm);
    match key.key_id() {
        Some(_) => key,
        None => key.with_key_id(SECRET_ID).expect("a key id"),
    }
}

/// Returns the verification key as Tollgate's type.
#[must_use]
pub fn verifying_key(algorithm: Algorithm) -> VerifyingKey {
    signing_key(algorithm).verifying_key().expect("a key")
}

#[must_use]
pub fn verifier(algorithm: Algorithm) -> Verifier {
    Verifier::new(
        verifying_key(algorithm),
        Issuer::new(ISSUER).expect("an issuer"),
        Audience::new(AUDIENCE).expect("an audience"),
    )
}

#[must_use]
pub fn gate(algorithm: Algorithm) -> Gate {
    Gate::new(verifier(algorithm))
}

/// Returns the verification key, secret or public, as a JSON Web Key.
#[must_use]
pub fn jwk(algorithm: Algorithm) -> String {
    let key = signing_key(algorithm);
    let id = key.key_id().expect("a key id").as_str();
    match key.public_jwk() {
        Some(jwk) => jwk.to_owned(),
        None => {
            let secret = URL_SAFE_NO_PAD.encode(keys::SECRET);
            format!(r#"{{"kty":"oct","alg":"{}","kid":"{id}","k":"{secret}"}}"#, algorithm.name())
        }
    }
}

#[must_use]
pub fn jwk_set(algorithm: Algorithm) -> String {
    format!(r#"{{"keys":[{}]}}"#, jwk(algorithm))
}

/// Returns a member of the key's JWK, decoded from base64url.
#[must_use]
pub fn jwk_member(algorithm: Algorithm, name: &str) -> Vec<u8> {
    let jwk: serde_json::Value = serde_json::from_str(&jwk(algorithm)).expect("JSON");
    URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a member")).expect("base64url")
}

/// Returns a builder of a valid token that expires in a day. Callers change it to get a bad token.
pub fn token(algorithm: Algorithm, size: Size) -> TokenBuilder {
    let builder = Forge::new(ISSUER, AUDIENCE).with_key(signing_key(algorithm)).token();
    let builder = builder
        .claim("exp", now().as_secs() + 86_400)
        .claim("name", "Alice Liddell")
        .claim("email", "alice@example.com")
        .scope("read:items write:items")
        .roles(&["admin", "user"]);
    match size.groups() {
        0 => builder,
        groups => {
            let names: Vec<String> = (0..groups).map(|nth| format!("wonderland-{nth:03}")).collect();
            builder.claim("groups", names)
        }
    }
}

/// Returns the key and the settings for `jsonwebtoken`, with the same checks as Tollgate.
#[must_use]
pub fn jsonwebtoken(algorithm: Algorithm) -> (DecodingKey, Validation) {
    let mut validation = Validation::new(algorithm.name().parse().expect("a known name"));
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_jwk(&serde_json::from_str(&jwk(algorithm)).expect("a JWK")).expect("a key");
    (key, validation)
}
