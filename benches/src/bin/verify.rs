//! One token, in process: ours cached and uncached, `jsonwebtoken::decode`, and the bare signature check by aws-lc-rs.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin verify`

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use tollgate::{Algorithm, Decision, Gate, RequestView, UnixTime, Verifier};
use tollgate_benches::{Contender, compare};
use tollgate_testing::{Forge, ManualClock, keys};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

/// The claims that the application wants.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "decoded, not read")]
struct User {
    sub: String,
    name: String,
    email: String,
    scope: String,
    roles: Vec<String>,
}

fn main() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    for algorithm in [
        Algorithm::Hs256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa,
    ] {
        measure(algorithm, now);
    }
}

fn measure(algorithm: Algorithm, now: i64) {
    let clock = ManualClock::at(now);
    let forge = Forge::new(ISSUER, AUDIENCE).with_clock(&clock).with_algorithm(algorithm);
    let token = forge
        .token()
        .claim("name", "Alice Liddell")
        .claim("email", "alice@example.com")
        .scope("read:items write:items")
        .roles(&["admin", "user"])
        .sign();
    let now = UnixTime::from_secs(now);
    let verifier = Verifier::new(keys::verifying(algorithm), ISSUER, AUDIENCE);
    let cached = Gate::new(verifier.clone());
    let uncached = cached.clone().without_cache();
    let request = Bearer(format!("Bearer {token}"));
    let (key, validation) = theirs(algorithm);
    let raw = raw(algorithm, &token);
    compare(
        &format!("{algorithm}, {} bytes", token.len()),
        vec![
            Contender::new("signature alone (aws-lc-rs)", raw),
            Contender::new("tollgate: verify", || verifier.verify(&token, now).expect("good")),
            Contender::new("tollgate: verify, typed claims", || {
                verifier.verify(&token, now).expect("good").claims::<User>().expect("claims")
            }),
            Contender::new("tollgate: gate, uncached", || admit(&uncached, &request, now)),
            Contender::new("tollgate: gate, cached", || admit(&cached, &request, now)),
            Contender::new("tollgate: gate, cached, typed claims", || {
                admit(&cached, &request, now).claims::<User>().expect("claims")
            }),
            Contender::new("jsonwebtoken: decode, typed claims", || {
                jsonwebtoken::decode::<User>(&token, &key, &validation).expect("good")
            }),
            Contender::new("jsonwebtoken: decode, registered only", || {
                jsonwebtoken::decode::<Registered>(&token, &key, &validation).expect("good")
            }),
        ],
    );
}

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "decoded, not read")]
struct Registered {
    sub: String,
}

fn admit(gate: &Gate, request: &Bearer, now: UnixTime) -> tollgate::Admission {
    match gate.admit(request, now) {
        Decision::Admitted(admission) => admission,
        _ => panic!("good"),
    }
}

struct Bearer(String);

impl RequestView for Bearer {
    fn method(&self) -> &str {
        "GET"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        (name == "authorization").then_some(self.0.as_bytes()).into_iter()
    }
}

fn theirs(algorithm: Algorithm) -> (DecodingKey, Validation) {
    let name = algorithm.name();
    let mut validation = Validation::new(name.parse().expect("a name they know"));
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_nbf = true;
    let key = match keys::signing(algorithm).public_jwk() {
        Some(jwk) => DecodingKey::from_jwk(&serde_json::from_str(jwk).expect("a JWK")).expect("a key"),
        None => DecodingKey::from_secret(&keys::SECRET),
    };
    (key, validation)
}

/// The signature check of the same bytes with a key that is prepared once, and nothing else.
fn raw(algorithm: Algorithm, token: &str) -> Box<dyn FnMut()> {
    use aws_lc_rs::signature as aws;

    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let input = input.as_bytes().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let jwk = keys::signing(algorithm).public_jwk().map(|jwk| {
        serde_json::from_str::<serde_json::Value>(jwk).expect("a JWK")
    });
    let Some(jwk) = jwk else {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys::SECRET);
        return Box::new(move || hmac::verify(&key, &input, &signature).expect("good"));
    };
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a member")).expect("base64url");
    let point = || [&[4], &member("x")[..], &member("y")].concat();
    let components = || aws::RsaPublicKeyComponents { n: member("n"), e: member("e") };
    let key = match algorithm {
        Algorithm::Rs256 => components().to_parsed_public_key(&aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => components().to_parsed_public_key(&aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::Es256 => ParsedPublicKey::new(&aws::ECDSA_P256_SHA256_FIXED, point()),
        Algorithm::Es384 => ParsedPublicKey::new(&aws::ECDSA_P384_SHA384_FIXED, point()),
        _ => ParsedPublicKey::new(&aws::ED25519, member("x")),
    };
    let key = key.expect("a key");
    Box::new(move || key.verify_sig(&input, &signature).expect("good"))
}
