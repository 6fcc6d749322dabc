//! Other implementations verify our tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tollgate::{Algorithm, Audience, Clock as _, Issuer, SystemClock, Verifier};
use tollgate_sessions::TokenIssuer;
use tollgate_sessions::issuing::{AccessToken, ClientId};
use tollgate_testing::{Forge, keys};

use crate::peer::Peer;
use crate::trial;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

pub(crate) fn trials(name: &'static str, peer: &Peer) -> Vec<Trial> {
    let known = peer.algorithms();
    let shared =
        Algorithm::ALL.into_iter().filter(|algorithm| known.iter().any(|name| name == algorithm.name()));
    shared
        .map(|algorithm| {
            let peer = peer.clone();
            trial(format!("{name}::{algorithm}::verifies_our_tokens"), move || {
                verifies_our_tokens(&peer, algorithm);
            })
        })
        .collect()
}

fn issue(algorithm: Algorithm) -> String {
    let issuer = TokenIssuer::new(
        keys::signing(algorithm),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    let token = AccessToken::new("alice", ClientId::new("web")).with_scopes(["a", "b"]).with_roles(["admin"]);
    issuer.issue(&token, SystemClock::new().now()).expect("a token").into_string()
}

fn verifies_our_tokens(peer: &Peer, algorithm: Algorithm) {
    let token = issue(algorithm);
    let request = |token: &str| {
        let mut request = json!({"op": "verify", "alg": algorithm.name(), "token": token, "issuer": ISSUER, "audience": AUDIENCE});
        match keys::signing(algorithm).public_jwk() {
            Some(jwk) => request["jwk"] = serde_json::from_str(jwk).expect("JSON"),
            None => request["secret"] = URL_SAFE_NO_PAD.encode(keys::SECRET).into(),
        }
        request
    };
    let claims = &peer.ask(request(&token))["claims"];

    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["scope"], "a b");
    assert_eq!(claims["roles"], json!(["admin"]));

    // The peer must reject a broken signature.
    let forged = Forge::new(ISSUER, AUDIENCE).with_algorithm(algorithm).token().with_broken_signature();
    let answer = peer.try_ask(&request(&forged)).expect("an answer");
    assert!(answer.get("error").is_some(), "{answer}");
}

/// The crate `jsonwebtoken`, in process, verifies our tokens and signs tokens that we verify.
pub(crate) fn jsonwebtoken_signs_and_verifies_like_us() {
    let table = [
        (Algorithm::Rs256, jsonwebtoken::Algorithm::RS256),
        (Algorithm::Ps384, jsonwebtoken::Algorithm::PS384),
        (Algorithm::Es256, jsonwebtoken::Algorithm::ES256),
        (Algorithm::Es384, jsonwebtoken::Algorithm::ES384),
        (Algorithm::EdDsa, jsonwebtoken::Algorithm::EdDSA),
        (Algorithm::Hs512, jsonwebtoken::Algorithm::HS512),
    ];
    for (ours, theirs) in table {
        let (signs, verifies) = their_keys(ours);
        let mut validation = jsonwebtoken::Validation::new(theirs);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let decoded = jsonwebtoken::decode::<Value>(issue(ours), &verifies, &validation).expect("our token");
        assert_eq!(decoded.claims["sub"], "alice");

        let now = SystemClock::new().now();
        let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": now.as_secs() + 60, "sub": "bob"});
        let token =
            jsonwebtoken::encode(&jsonwebtoken::Header::new(theirs), &claims, &signs).expect("a token");
        let verifier = Verifier::new(
            keys::verifying(ours),
            Issuer::new(ISSUER).unwrap(),
            Audience::new(AUDIENCE).unwrap(),
        );
        assert_eq!(verifier.verify(&token, now).expect("their token").subject(), Some("bob"), "{ours}");
    }
}

fn their_keys(algorithm: Algorithm) -> (jsonwebtoken::EncodingKey, jsonwebtoken::DecodingKey) {
    use jsonwebtoken::{DecodingKey, EncodingKey};

    let Some(pem) = keys::pem(algorithm) else {
        return (EncodingKey::from_secret(&keys::SECRET), DecodingKey::from_secret(&keys::SECRET));
    };
    let signs = match algorithm {
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
        Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    let key = keys::signing(algorithm);
    let jwk: jsonwebtoken::jwk::Jwk =
        serde_json::from_str(key.public_jwk().expect("a pair")).expect("their JWK");
    (signs.expect("their key"), DecodingKey::from_jwk(&jwk).expect("their key"))
}
