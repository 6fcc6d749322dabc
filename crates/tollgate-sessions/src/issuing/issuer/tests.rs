//! Tests of issued tokens, and of the claims and lifetimes that are rejected.

use tollgate::{Algorithm, Audience, ClaimPath, Issuer, Verifier};

use super::*;
use crate::issuing::access_token::RESERVED;
use crate::issuing::{ClientId, KeyRotationSchedule, KeyRotationTimes};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn issuer() -> TokenIssuer {
    TokenIssuer::new(
        SigningKey::generate(Algorithm::Es256).unwrap(),
        Issuer::new("https://i.example").unwrap(),
        Audience::new("api").unwrap(),
    )
}

fn token() -> AccessToken {
    AccessToken::new("alice", ClientId::new("web"))
}

#[test]
fn issued_token_passes_the_rfc9068_profile() {
    let issuer = issuer();
    let token = token().with_scopes(["a", "b"]).with_roles(["admin"]).with_claim("tenant", "t1").unwrap();
    let signed = issuer.issue(&token, NOW).unwrap();
    let verifier = Verifier::new(
        issuer.key_set().unwrap(),
        Issuer::new("https://i.example").unwrap(),
        Audience::new("api").unwrap(),
    )
    .with_rfc9068_profile();
    let verified = verifier.verify(signed.as_str(), NOW).unwrap();
    assert_eq!(verified.header().typ(), Some("at+jwt"));
    assert_eq!(verified.header().key_id(), issuer.key_set().unwrap().iter().next().unwrap().key_id());
    assert_eq!(verified.scopes().unwrap().to_string(), "a b");
    assert_eq!(verified.claim(&ClaimPath::name("tenant")), Some("\"t1\""));
    assert_eq!(verified.issued_at(), Some(NOW));
    assert_eq!(signed.expires_at(), verified.expires_at());
    let again = issuer.issue(&token, NOW).unwrap();
    assert_ne!(verifier.verify(again.as_str(), NOW).unwrap().token_id(), verified.token_id());
}

#[test]
fn application_cannot_set_the_claims_of_the_issuer() {
    for name in RESERVED {
        let error = token().with_claim(name, 1).unwrap_err();
        assert_eq!(error, IssueError::ReservedClaim { name: name.into() });
    }
}

#[test]
fn claim_with_the_name_of_a_secret_is_rejected() {
    let error = token().with_claim("password", "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "claim `password` has the name of a secret, and every holder of the token can read it"
    );
    let inside = serde_json::json!([{ "kind": "card", "card_number": "x" }]);
    let error = token().with_claim("payment", &inside).unwrap_err();
    assert_eq!(error, IssueError::SecretClaim { name: "card_number".into() });
    token().with_sensitive_claim("payment", &inside).unwrap();
    assert!(token().with_sensitive_claim("sid", 1).is_err());
}

#[test]
fn issuer_rejects_lifetimes_out_of_bounds() {
    for secs in [0, 24 * 3600 + 1, u64::MAX] {
        assert_eq!(
            issuer().with_lifetime(Duration::from_secs(secs)).unwrap_err(),
            IssueError::Lifetime { secs }
        );
    }
}

#[test]
fn issuer_rejects_lifetimes_beyond_its_key_ring() {
    let path = std::env::temp_dir().join(format!("tollgate-outlived-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    let secs = Duration::from_secs;
    let times =
        KeyRotationTimes { rotate_every: secs(7200), publish_before: secs(1800), keep_after: secs(900) };
    let schedule = KeyRotationSchedule::new(times).unwrap();
    let ring = KeyRing::open(Algorithm::EdDsa, &path, schedule, NOW).unwrap();
    let issuer = TokenIssuer::with_key_ring(
        Arc::new(ring),
        Issuer::new("https://issuer.example").unwrap(),
        Audience::new("api").unwrap(),
    );
    assert_eq!(issuer.clone().with_lifetime(secs(600)).unwrap().lifetime(), secs(600));
    let error = issuer.with_lifetime(secs(601)).unwrap_err();
    assert_eq!(error, IssueError::OutlivesKey { secs: 601, kept: 900 });
    std::fs::remove_dir_all(path).unwrap();
}

/// Lifetimes are up to a twentieth shorter, never longer, and not all equal.
#[test]
fn tokens_issued_together_expire_apart() {
    let lifetime = |issuer: &TokenIssuer| {
        let signed = issuer.issue(&token(), NOW).unwrap();
        signed.expires_at().since(NOW).as_secs()
    };
    let of = |secs| issuer().with_lifetime(Duration::from_secs(secs)).unwrap();
    let lifetimes: std::collections::BTreeSet<u64> = (0..200).map(|_| lifetime(&of(600))).collect();
    assert!(lifetimes.len() > 10 && lifetimes.iter().all(|secs| (570..=600).contains(secs)), "{lifetimes:?}");
    assert_eq!(lifetime(&of(600).with_exact_lifetime()), 600);
    assert_eq!(lifetime(&of(1)), 1, "a lifetime of a second is not shortened to zero");
    assert!((19..=20).contains(&lifetime(&of(20))));
}

#[test]
fn debug_does_not_show_the_token() {
    let signed = issuer().issue(&token(), NOW).unwrap();
    let shown = format!("{signed:?} {:?}", issuer());
    assert!(!shown.contains("eyJ"), "{shown}");
}
