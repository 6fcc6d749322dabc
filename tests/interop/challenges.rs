//! An HTTP library parses our challenges (RFC 9110 §11.6.1).

use libtest_mimic::Trial;
use serde_json::json;
use tollgate::adapter::Decision;
use tollgate::{
    Algorithm, Audience, AuthError, Gate, Issuer, Policy, Rejection, RequestError, ResourceMetadata,
    TokenError, Verifier,
};
use tollgate_testing::{Forge, keys};
use tollgate_tower::HttpRequest;

use crate::peer::Peer;
use crate::trial;

pub(crate) fn trials(name: &'static str, peer: &Peer) -> Vec<Trial> {
    let peer = peer.clone();
    vec![trial(format!("{name}::parses_every_challenge"), move || parses_every_challenge(&peer))]
}

fn parses_every_challenge(peer: &Peer) {
    let metadata = ResourceMetadata::new("https://api.example/v1?x=1,2").expect("a resource");
    let verifier = || {
        Verifier::new(
            keys::verifying(Algorithm::Hs256),
            Issuer::new("https://issuer.example").unwrap(),
            Audience::new("api://demo").unwrap(),
        )
    };
    for realm in ["api", "orders, and more", "a=b; c", "it's", ""] {
        let gate =
            Gate::new(verifier()).with_realm(realm).expect("a realm").with_resource_metadata(&metadata);
        let gate = gate.with_policy(Policy::scopes(["read:items", "https://x/y", "!#$%&'()*+,-./"]).unwrap());
        let table = [
            (gate.reject(AuthError::MissingToken), json!({})),
            (gate.reject(AuthError::InvalidToken(TokenError::Unsigned)), json!({"error": "invalid_token"})),
            (
                gate.reject(AuthError::InvalidRequest(RequestError::SeveralSources)),
                json!({"error": "invalid_request"}),
            ),
            (
                insufficient(&gate),
                json!({"error": "insufficient_scope", "scope": "read:items https://x/y !#$%&'()*+,-./"}),
            ),
        ];
        for (rejection, mut expected) in table {
            expected["realm"] = realm.into();
            expected["resource_metadata"] = metadata.url().into();
            let parsed = peer.ask(json!({"op": "challenge", "header": challenge(&rejection)}));
            assert_eq!(parsed["scheme"].as_str().map(str::to_ascii_lowercase).as_deref(), Some("bearer"));
            assert_eq!(parsed["parameters"], expected, "{}", challenge(&rejection));
        }
    }
}

fn challenge(rejection: &Rejection) -> String {
    rejection.challenge().expect("a challenge").to_string()
}

/// Returns the rejection of a valid token without the required scopes.
fn insufficient(gate: &Gate) -> Rejection {
    let token = Forge::new("https://issuer.example", "api://demo").token().sign();
    let request = http::Request::builder()
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .expect("a request");
    match gate.admit(&HttpRequest::from(&request), gate.now()) {
        Decision::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}
