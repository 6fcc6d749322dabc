use super::*;
use crate::testing::{NOW, token, verifier};

#[test]
fn refusal_names_what_is_required_and_the_subject() {
    let policy = Policy::scope("orders") & (Policy::role("admin") | !Policy::claim_is("a.b", "c"));
    assert_eq!(policy.to_string(), r#"scope "orders" and (role "admin" or not claim `a.b` = "c")"#);
    assert_eq!((!(Policy::role("a") | Policy::role("b"))).to_string(), r#"not (role "a" or role "b")"#);
    let verified = verifier().verify(&token(""), NOW).unwrap();
    let error = policy.check(&verified, NOW).unwrap_err().to_string();
    assert!(error.contains(r#"scope "orders""#) && error.contains(r#"subject "alice""#), "{error}");
}

/// The outcome of a policy for a token with these claims: 0 for admitted, otherwise the error.
fn outcome(policy: &Policy, claims: &str) -> Option<AuthError> {
    policy.check(&verifier().verify(&token(claims), NOW).unwrap(), NOW).err()
}

fn asks_for(policy: &Policy, claims: &str) -> Option<String> {
    match outcome(policy, claims)? {
        AuthError::InsufficientAuthentication { step_up, .. } => Some(step_up.to_string()),
        AuthError::InsufficientScope { .. } => Some("scope".to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn unmet_authentication_asks_for_another_one() {
    let acr = Policy::acr(["phr", "mfa"]).unwrap();
    assert_eq!(asks_for(&acr, r#""acr":"mfa""#), None);
    for claims in [r#""acr":"pwd""#, r#""acr":null"#, r#""acr":1"#, ""] {
        assert_eq!(asks_for(&acr, claims).as_deref(), Some(r#"acr_values="phr mfa""#), "{claims}");
    }
    let recent = Policy::authenticated_within(Duration::from_secs(300));
    let at = |ago: i64| format!(r#""auth_time":{}"#, NOW.as_secs() - ago);
    assert_eq!(asks_for(&recent, &at(300)), None);
    assert_eq!(asks_for(&recent, &at(-60)), None, "the clocks differ");
    for claims in [at(301), at(-61), String::new()] {
        assert_eq!(asks_for(&recent, &claims).as_deref(), Some(r#"max_age="300""#), "{claims}");
    }
    assert_eq!(asks_for(&Policy::amr("hwk"), r#""amr":["pwd","hwk"]"#), None);
    assert_eq!(asks_for(&Policy::amr("hwk"), r#""amr":["pwd"]"#).as_deref(), Some(""));
}

#[test]
fn step_up_is_asked_for_only_where_it_is_enough() {
    let policy = Policy::scope("pay")
        & Policy::acr(["mfa"]).unwrap()
        & Policy::authenticated_within(Duration::from_secs(60));
    assert_eq!(asks_for(&policy, r#""scope":"a""#).as_deref(), Some("scope"));
    let both = r#"acr_values="mfa", max_age="60""#;
    assert_eq!(asks_for(&policy, r#""scope":"pay""#).as_deref(), Some(both));
    assert_eq!(asks_for(&policy, r#""scope":"pay","acr":"mfa""#).as_deref(), Some(r#"max_age="60""#));
    let either = Policy::role("admin") | Policy::acr(["mfa"]).unwrap();
    assert_eq!(asks_for(&either, r#""roles":["admin"]"#), None);
    assert_eq!(asks_for(&either, "").as_deref(), Some(r#"acr_values="mfa""#));
    let not = !Policy::acr(["mfa"]).unwrap();
    assert_eq!(asks_for(&not, ""), None);
    assert_eq!(asks_for(&not, r#""acr":"mfa""#).as_deref(), Some("scope"));
}

#[test]
fn malformed_authentication_claims_invalidate_the_token() {
    let recent = Policy::authenticated_within(Duration::from_secs(300));
    for claims in [r#""auth_time":"1""#, r#""auth_time":1.5"#, r#""auth_time":true"#] {
        assert!(matches!(outcome(&recent, claims), Some(AuthError::InvalidToken(_))), "{claims}");
    }
    for claims in [r#""amr":"hwk""#, r#""amr":[1]"#] {
        assert!(matches!(outcome(&Policy::amr("hwk"), claims), Some(AuthError::InvalidToken(_))), "{claims}");
    }
}

#[test]
fn only_the_outermost_actor_counts() {
    let policy = Policy::actor("svc");
    assert_eq!(asks_for(&policy, r#""act":{"sub":"svc","act":{"sub":"old"}}"#), None);
    for claims in ["", r#""act":{"sub":"other","act":{"sub":"svc"}}"#, r#""act":{"act":{"sub":"svc"}}"#] {
        assert_eq!(asks_for(&policy, claims).as_deref(), Some("scope"), "{claims}");
    }
    assert!(matches!(outcome(&policy, r#""act":"svc""#), Some(AuthError::InvalidToken(_))));
    let refused = outcome(&policy, r#""sub":"alice","act":{"sub":"other"}"#).unwrap().to_string();
    assert!(refused.contains(r#"subject "alice", actor "other""#), "{refused}");
}

#[test]
fn issuer_is_compared_exactly() {
    let policy = Policy::issuer(crate::testing::ISSUER);
    assert_eq!(asks_for(&policy, ""), None);
    assert_eq!(asks_for(&Policy::issuer("https://issuer.example/"), "").as_deref(), Some("scope"));
    assert_eq!((!policy).to_string(), r#"not issuer "https://issuer.example""#);
}

#[test]
fn actor_is_typed() {
    let named = format!(r#""iss":"{}""#, crate::testing::ISSUER);
    let verified = |act: &str| {
        let claims = if act.is_empty() { named.clone() } else { format!("{named},{act}") };
        verifier().verify(&token(&claims), NOW).unwrap()
    };
    let actor =
        verified(r#""act":{"sub":"a","iss":"https://i","x":1,"act":{"sub":"b"}}"#).actor().unwrap().unwrap();
    assert_eq!((actor.subject.as_deref(), actor.issuer.as_deref()), (Some("a"), Some("https://i")));
    assert_eq!(actor.prior.unwrap().subject.as_deref(), Some("b"));
    assert_eq!(verified("").actor(), Ok(None));
    assert_eq!(verified(r#""act":null"#).actor(), Ok(None));
    assert!(
        verified(r#""act":["a",null,null]"#).actor().is_err()
            && verified(r#""act":{"sub":1}"#).actor().is_err()
    );
}
