use super::*;
use crate::testing::{ISSUER, claims, key, sign, verifier as exact};
use crate::time::UnixTime;
use crate::{Audience, Verifier};

const TEMPLATE: &str = "https://login.example/{tid}/v2.0";

fn check(rule: IssuerRule, claims: &str) -> Result<(), TokenError> {
    let verifier = Verifier::new(key(), rule, Audience::new("api://demo").unwrap());
    let now = UnixTime::from_secs(1_700_000_000);
    let claims = format!(r#"{{"exp":1700000600,"aud":"api://demo"{claims}}}"#);
    match verifier.verify(&sign(r#"{"alg":"HS256"}"#, &claims), now) {
        Ok(_) => Ok(()),
        Err(crate::AuthError::InvalidToken(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn tenants() -> IssuerRule {
    IssuerRule::template(TEMPLATE, ["a1", "b2"]).unwrap()
}

#[test]
fn template_accepts_listed_values_that_the_claim_repeats() {
    assert_eq!(check(tenants(), r#","iss":"https://login.example/a1/v2.0","tid":"a1""#), Ok(()));
    let every = IssuerRule::template_where(TEMPLATE, |_| true).unwrap();
    assert_eq!(check(every, r#","iss":"https://login.example/z9/v2.0","tid":"z9""#), Ok(()));
}

#[test]
fn token_of_another_tenant_is_rejected() {
    let mismatch = |iss: &str, tid: &str| {
        let error = check(tenants(), &format!(r#","iss":"{iss}","tid":"{tid}""#)).unwrap_err();
        assert!(matches!(error, TokenError::IssuerMismatch { .. }), "{iss}: {error}");
    };
    mismatch("https://login.example/c3/v2.0", "c3");
    mismatch("https://login.example/v2.0", "a1");
    mismatch("https://login.example//v2.0", "");
    mismatch("https://login.example/a1/v2.0/", "a1");
    mismatch("https://login.example/a1/x/v2.0", "a1/x");
    mismatch("https://login.example.evil.example/a1/v2.0", "a1");
    mismatch("https://login.example/a1%2F/v2.0", "a1%2F");
    mismatch("https://login.example/A1/v2.0", "A1");
}

#[test]
fn claim_must_repeat_the_value() {
    let issuer = r#","iss":"https://login.example/a1/v2.0""#;
    for (tid, expected) in [
        (r#","tid":"b2""#, ClaimError::WrongValue),
        (r#","tid":"A1""#, ClaimError::WrongValue),
        (r#","tid":["a1"]"#, ClaimError::WrongType),
        (r#","tid":null"#, ClaimError::Missing),
        ("", ClaimError::Missing),
    ] {
        assert_eq!(check(tenants(), &format!("{issuer}{tid}")), Err(TokenError::claim("tid", expected)));
    }
    let missing = check(tenants(), r#","tid":"a1""#);
    assert_eq!(missing, Err(TokenError::claim("iss", ClaimError::Missing)));
}

#[test]
fn template_must_have_one_name() {
    for bad in
        ["https://login.example/", "https://{a}/{b}", "{tid}", "https://x/{}", "https://x/{a", "https://x/a}"]
    {
        assert!(IssuerRule::template(bad, ["a"]).is_err(), "{bad}");
    }
    let none = IssuerRule::template(TEMPLATE, Vec::<String>::new());
    assert_eq!(none.unwrap_err(), ConfigError::Empty { what: "value of the issuer template" });
}

#[test]
fn subject_prefix_binds_to_the_trust_domain() {
    let rule = || IssuerRule::subject_prefix("spiffe://example.org/", None).unwrap();
    assert_eq!(check(rule(), r#","sub":"spiffe://example.org/ns/a""#), Ok(()));
    let named = r#","iss":"https://spire.example","sub":"spiffe://example.org/ns/a""#;
    assert!(
        matches!(check(rule(), named), Err(TokenError::IssuerMismatch { .. })),
        "an issuer that is not listed"
    );
    let spire = Some(Issuer::new("https://spire.example").unwrap());
    let with_issuer = || IssuerRule::subject_prefix("spiffe://example.org/", spire.clone()).unwrap();
    assert_eq!(check(with_issuer(), named), Ok(()));
    assert_eq!(check(with_issuer(), r#","sub":"spiffe://example.org/ns/a""#), Ok(()));
    let wrong = Err(TokenError::claim("sub", ClaimError::WrongValue));
    assert_eq!(check(rule(), r#","sub":"spiffe://example.org.evil.example/ns/a""#), wrong);
    assert_eq!(check(rule(), r#","sub":"spiffe://example.org""#), wrong);
    assert_eq!(check(rule(), ""), Err(TokenError::claim("sub", ClaimError::Missing)));
    assert!(IssuerRule::subject_prefix("spiffe://example.org", None).is_err());
}

#[test]
fn absent_rule_accepts_no_token_with_an_issuer() {
    assert_eq!(check(IssuerRule::insecure_absent(), ""), Ok(()));
    assert_eq!(check(IssuerRule::insecure_absent(), r#","iss":null"#), Ok(()));
    let named = check(IssuerRule::insecure_absent(), r#","iss":"https://login.example""#);
    assert!(matches!(named, Err(TokenError::IssuerMismatch { .. })), "{named:?}");
    let empty = check(IssuerRule::insecure_absent(), r#","iss":"""#);
    assert!(matches!(empty, Err(TokenError::IssuerMismatch { .. })), "{empty:?}");
}

#[test]
fn exact_issuer_is_required_by_default() {
    let now = UnixTime::from_secs(1_700_000_000);
    let without = sign(r#"{"alg":"HS256"}"#, &claims("").replace(&format!(r#""iss":"{ISSUER}","#), ""));
    assert!(exact().verify(&without, now).is_err());
}

#[test]
fn overlapping_rules_are_found() {
    let template = |text: &str| IssuerRule::template_where(text, |_| true).unwrap();
    assert!(tenants().overlaps(&template("https://login.example/{x}/v2.0")));
    assert!(tenants().overlaps(&template("https://login.{x}")), "one value could hold what the other writes");
    assert!(!tenants().overlaps(&template("https://login.example/{tid}/v1.0")));
    assert!(!tenants().overlaps(&template("https://sts.example/{tid}/v2.0")));
    let exact = IssuerRule::from(Issuer::new("https://login.example/a1/v2.0").unwrap());
    assert!(!tenants().overlaps(&exact), "the exact issuer takes precedence");
    let prefix = |text: &str| IssuerRule::subject_prefix(text, None).unwrap();
    assert!(prefix("spiffe://a/").overlaps(&prefix("spiffe://a/b/")));
    assert!(!prefix("spiffe://a/").overlaps(&prefix("spiffe://b/")));
}
