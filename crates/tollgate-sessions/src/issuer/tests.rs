//! Tokens of the profile, and what does not get into one.

use tollgate::{Algorithm, Audience, ClaimPath, Issuer, Verifier};

use super::*;
use crate::signing::RotationSchedule;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn issuer() -> TokenIssuer {
    TokenIssuer::new(
        SigningKey::generate(Algorithm::Es256).unwrap(),
        Issuer::new("https://i.example").unwrap(),
        Audience::new("api").unwrap(),
    )
}

#[test]
fn tokens_are_of_the_profile() {
    let issuer = issuer();
    let token = AccessToken::new("alice", "web")
        .with_scopes(["a", "b"])
        .with_roles(["admin"])
        .with_claim("tenant", "t1")
        .unwrap();
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
fn nobody_else_sets_the_registered_claims() {
    for name in RESERVED {
        let error = AccessToken::new("alice", "web").with_claim(name, 1).unwrap_err();
        assert_eq!(error, IssueError::ReservedClaim { name: name.into() });
    }
}

#[test]
fn secrets_do_not_belong_into_a_token() {
    let error = AccessToken::new("alice", "web").with_claim("password", "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "claim `password` is named like a secret, and whoever holds the token can read it"
    );
    let inside = serde_json::json!([{ "kind": "card", "card_number": "x" }]);
    let error = AccessToken::new("alice", "web").with_claim("payment", &inside).unwrap_err();
    assert_eq!(error, IssueError::SecretClaim { name: "card_number".into() });
    AccessToken::new("alice", "web").with_claim_despite_its_name("payment", &inside).unwrap();
    assert!(AccessToken::new("alice", "web").with_claim_despite_its_name("sid", 1).is_err());
}

#[test]
fn lifetimes_are_bounded() {
    for secs in [0, 24 * 3600 + 1, u64::MAX] {
        assert_eq!(
            issuer().with_lifetime(Duration::from_secs(secs)).unwrap_err(),
            IssueError::Lifetime { secs }
        );
    }
}

#[test]
fn no_token_outlives_its_key() {
    let path = std::env::temp_dir().join(format!("tollgate-outlived-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    let secs = Duration::from_secs;
    let schedule = RotationSchedule::new(secs(7200), secs(1800), secs(900)).unwrap();
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

/// Up to a twentieth shorter, never longer, and not all alike.
#[test]
fn tokens_that_are_issued_together_end_apart() {
    let lifetime = |issuer: &TokenIssuer| {
        let signed = issuer.issue(&AccessToken::new("alice", "web"), NOW).unwrap();
        signed.expires_at().since(NOW).as_secs()
    };
    let of = |secs| issuer().with_lifetime(Duration::from_secs(secs)).unwrap();
    let lifetimes: std::collections::BTreeSet<u64> = (0..200).map(|_| lifetime(&of(600))).collect();
    assert!(lifetimes.len() > 10 && lifetimes.iter().all(|secs| (570..=600).contains(secs)), "{lifetimes:?}");
    assert_eq!(lifetime(&of(600).with_exact_lifetime()), 600);
    assert_eq!(lifetime(&of(1)), 1, "none is there for no time");
    assert!((19..=20).contains(&lifetime(&of(20))));
}

#[test]
fn debug_shows_no_token() {
    let signed = issuer().issue(&AccessToken::new("alice", "web"), NOW).unwrap();
    let shown = format!("{signed:?} {:?}", issuer());
    assert!(!shown.contains("eyJ"), "{shown}");
}
