use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::audience::Audience;
use crate::base64url;
use crate::error::{ClaimError, ConfigError, HeaderError, JsonError, TokenPart};
use crate::key::{KeySet, VerifyingKey};
use crate::testing::{
    AUDIENCE, HEADER, ISSUER, NOW, audience, claims, claims_without, issuer, key, sign, token, verifier,
};
use crate::token::CompactToken;

fn verify(token: &str) -> Result<Verified, TokenError> {
    verify_with(&verifier(), token)
}

fn verify_with(verifier: &Verifier, token: &str) -> Result<Verified, TokenError> {
    verifier.verify(token, NOW).map_err(|error| match error {
        AuthError::InvalidToken(error) => error,
        other => panic!("{other:?}"),
    })
}

fn refused(token: &str) -> TokenError {
    verify(token).expect_err(token)
}

fn secs(secs: i64) -> i64 {
    NOW.as_secs() + secs
}

#[test]
fn valid_token_is_accepted_with_all_its_claims() {
    let verified = verify(&token(r#""jti":"t1","iat":1,"scope":"a b","roles":["admin"]"#)).unwrap();
    assert_eq!(verified.issuer(), ISSUER);
    assert_eq!(verified.subject(), Some("alice"));
    assert_eq!(verified.token_id(), Some("t1"));
    assert_eq!(verified.audience().collect::<Vec<_>>(), [AUDIENCE]);
    assert_eq!(verified.expires_at().as_secs(), secs(600));
    assert_eq!(verified.issued_at().map(UnixTime::as_secs), Some(1));
    assert_eq!(verified.scopes().unwrap().to_string(), "a b");
    assert_eq!(verified.roles().unwrap().collect::<Vec<_>>(), ["admin"]);
    assert_eq!(verified.header().algorithm(), Algorithm::Hs256);
}

#[test]
fn signature_covers_the_bytes_as_received() {
    let good = token("");
    let (input, signature) = good.rsplit_once('.').unwrap();
    // Every character of the signature counts, including the unused bits after the last byte.
    for (at, known) in signature.char_indices() {
        let other = if known == 'A' { 'B' } else { 'A' };
        let forged = format!("{input}.{}{other}{}", &signature[..at], &signature[at + 1..]);
        assert!(matches!(
            refused(&forged),
            TokenError::SignatureMismatch | TokenError::Encoding { part: TokenPart::Signature }
        ));
    }
    assert_eq!(refused(&format!("{input}.")), TokenError::Unsigned);
    assert_eq!(refused(&format!("{input}.{}", &signature[..40])), TokenError::SignatureMismatch);
    assert_eq!(
        refused(&format!("{input}.{signature}AA")),
        TokenError::Encoding { part: TokenPart::Signature }
    );
    let too_long = format!("{input}.{}", "A".repeat(2000));
    assert_eq!(refused(&too_long), TokenError::Encoding { part: TokenPart::Signature });
}

/// The parser counts dots only after another error, and the number of parts is then the error that it reports.
#[test]
fn wrong_number_of_parts_has_its_own_error() {
    let good = token("");
    let (header, rest) = good.split_once('.').unwrap();
    let cases = [
        (format!("{good}.x"), TokenError::PartCount { parts: 4 }),
        (format!("{good}."), TokenError::PartCount { parts: 4 }),
        (format!("{header}.{good}"), TokenError::PartCount { parts: 4 }),
        (format!("e30.{good}"), TokenError::PartCount { parts: 4 }),
        (format!("{good}.x.x"), TokenError::Encrypted),
        (format!("{header}..{rest}."), TokenError::Encrypted),
        (
            format!("{header}..x"),
            TokenError::Json { part: TokenPart::Payload, error: JsonError::Malformed { line: 1, column: 1 } },
        ),
        (header.to_owned(), TokenError::PartCount { parts: 1 }),
        (format!("{header}.x"), TokenError::PartCount { parts: 2 }),
    ];
    let verifier = verifier();
    for (token, error) in &cases {
        assert_eq!(verify_with(&verifier, token).as_ref().expect_err(token), error);
        // A known header makes no difference.
        let _good = verify_with(&verifier, &good).unwrap();
        assert_eq!(verify_with(&verifier, token).as_ref().expect_err(token), error);
    }
}

#[test]
fn encoding_is_strict_in_every_part_of_the_token() {
    let good = token("");
    let parts: Vec<&str> = good.split('.').collect();
    for (at, part) in [TokenPart::Header, TokenPart::Payload, TokenPart::Signature].into_iter().enumerate() {
        for bad in ["=", " ", "\n", "+", "/", "%3D", "é"] {
            let mut parts = parts.clone();
            let spoiled = format!("{}{bad}", parts[at]);
            parts[at] = &spoiled;
            assert_eq!(refused(&parts.join(".")), TokenError::Encoding { part }, "{bad:?}");
        }
    }
}

#[test]
fn header_and_payload_must_be_single_json_objects() {
    for bad in ["[]", "\"x\"", "1", "null", "", "{", "{}{}", "\u{feff}{}", r#"{"a":"\ud800"}"#] {
        assert!(
            matches!(refused(&sign(bad, &claims(""))), TokenError::Json { part: TokenPart::Header, .. }),
            "{bad}"
        );
        assert!(
            matches!(refused(&sign(HEADER, bad)), TokenError::Json { part: TokenPart::Payload, .. }),
            "{bad}"
        );
    }
    let not_utf8 =
        format!("{}.{}.AA", base64url::encode(HEADER.as_bytes()), base64url::encode(b"{\"a\":\"\xff\"}"));
    assert_eq!(refused(&not_utf8), TokenError::json(TokenPart::Payload, JsonError::NotUtf8));
    let deep = format!(r#""deep":{}{}"#, "[".repeat(2900), "]".repeat(2900));
    assert!(matches!(refused(&token(&deep)), TokenError::Json { error: JsonError::Malformed { .. }, .. }));
}

#[test]
fn duplicate_claims_are_rejected() {
    for claim in [r#""x":1,"x":1"#, r#""scope":"a","scope":"b""#, r#""\u0073cope":"a","scope":"b""#] {
        assert_eq!(
            refused(&token(claim)),
            TokenError::json(TokenPart::Payload, JsonError::DuplicateMember),
            "{claim}"
        );
    }
}

#[test]
fn token_algorithm_does_not_choose_the_key() {
    for alg in ["none", "None", "hs256", "RS1", "ES256K"] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        let expected = TokenError::Header(HeaderError::unsupported_algorithm(alg));
        assert_eq!(refused(&sign(&header, &claims(""))), expected);
    }
    for algorithm in Algorithm::ALL.into_iter().skip(1) {
        let header = format!(r#"{{"alg":"{algorithm}"}}"#);
        assert_eq!(refused(&sign(&header, &claims(""))), TokenError::UnknownKey { key_id: None, algorithm });
    }
    let only_es = verifier().with_algorithms([Algorithm::Es256]).unwrap();
    let mismatch = TokenError::AlgorithmMismatch { algorithm: Algorithm::Hs256 };
    assert_eq!(verify_with(&only_es, &token("")).unwrap_err(), mismatch);
    assert!(verifier().with_algorithms([]).is_err());
}

/// The claims are not even decoded; here the token has none.
#[test]
fn payload_is_not_decoded_when_header_is_rejected() {
    for (header, expected) in [
        (r#"{"alg":"HS256","kid":"other"}"#, None),
        (r#"{"alg":"HS512"}"#, Some(TokenError::UnknownKey { key_id: None, algorithm: Algorithm::Hs512 })),
        (
            r#"{"alg":"HS256","typ":"dpop+jwt"}"#,
            Some(TokenError::TypeMismatch { found: Excerpt::new("dpop+jwt") }),
        ),
    ] {
        let token = format!("{}.!.AAAA", base64url::encode(header.as_bytes()));
        let unread = TokenError::Encoding { part: TokenPart::Payload };
        // The key of these tests has no ID, so it fits any `kid`.
        assert_eq!(refused(&token), expected.unwrap_or(unread), "{header}");
    }
}

#[test]
fn issuer_must_be_one_string_and_match_exactly() {
    let wrong = [
        "https://issuer.example/",
        "https://issuer.exampl",
        "https://ISSUER.example",
        "http://issuer.example",
        "",
        "https://issuer.example\\u0000",
        " https://issuer.example",
    ];
    for issuer in wrong {
        let error = refused(&token(&format!(r#""iss":"{issuer}""#)));
        assert!(matches!(error, TokenError::IssuerMismatch { .. }), "{issuer}");
    }
    // Escapes are decoded before the comparison (RFC 7519 §7.3).
    assert!(verify(&token(r#""iss":"\u0068ttps:\/\/issuer.example""#)).is_ok());
    let array = refused(&token(&format!(r#""iss":["https://evil.example","{ISSUER}"]"#)));
    assert_eq!(array, TokenError::claim("iss", ClaimError::WrongType));
    assert_eq!(refused(&sign(HEADER, &claims_without("iss"))), TokenError::claim("iss", ClaimError::Missing));
}

#[test]
fn audience_is_required_and_must_contain_this_api() {
    for good in [format!(r#""{AUDIENCE}""#), format!(r#"["other","{AUDIENCE}"]"#)] {
        assert!(verify(&token(&format!(r#""aud":{good}"#))).is_ok(), "{good}");
    }
    for bad in
        [r#""other""#, r#""API://demo""#, r#""api://dem""#, r#""api://demo2""#, "[]", r#""""#, r#"["other"]"#]
    {
        let error = refused(&token(&format!(r#""aud":{bad}"#)));
        assert!(matches!(error, TokenError::AudienceMismatch { .. }), "{bad}");
    }
    for malformed in ["1", "{}", "true", r#"["api://demo",1]"#] {
        let error = refused(&token(&format!(r#""aud":{malformed}"#)));
        assert_eq!(error, TokenError::claim("aud", ClaimError::WrongType), "{malformed}");
    }
    assert_eq!(refused(&sign(HEADER, &claims_without("aud"))), TokenError::claim("aud", ClaimError::Missing));
    let two = verifier().with_audience(Audience::new("other").unwrap());
    assert!(verify_with(&two, &token(r#""aud":"other""#)).is_ok());
}

#[test]
fn token_is_rejected_from_the_second_of_its_expiry() {
    let strict = verifier().with_leeway(Duration::ZERO).unwrap();
    let exp = |value: &str| verify_with(&strict, &token(&format!(r#""exp":{value}"#)));
    assert!(exp(&secs(1).to_string()).is_ok());
    assert!(exp(&format!("{}.5", secs(1))).is_ok());
    for late in [
        secs(0).to_string(),
        format!("{}.9", secs(0)),
        "0".into(),
        "-1".into(),
        i64::MIN.to_string(),
        "-1e300".into(),
    ] {
        assert!(matches!(exp(&late), Err(TokenError::Expired { .. })), "{late}");
    }
    for far in ["18446744073709551615", "1e18", "1e308", "9223372036854775807"] {
        assert!(exp(far).is_ok(), "{far}");
    }
    // Leeway moves the limit by whole seconds.
    assert!(verify(&token(&format!(r#""exp":{}"#, secs(-59)))).is_ok());
    assert_eq!(
        refused(&token(&format!(r#""exp":{}"#, secs(-60)))),
        TokenError::Expired { expired_at: UnixTime::from_secs(secs(-60)), now: NOW }
    );
    assert_eq!(refused(&sign(HEADER, &claims_without("exp"))), TokenError::claim("exp", ClaimError::Missing));
}

#[test]
fn token_is_rejected_before_its_times() {
    let claim = |name: &str, value: i64| token(&format!(r#""{name}":{value}"#));
    assert!(verify(&claim("nbf", secs(60))).is_ok());
    assert!(matches!(refused(&claim("nbf", secs(61))), TokenError::NotYetValid { .. }));
    assert!(verify(&claim("iat", secs(60))).is_ok());
    assert!(matches!(refused(&claim("iat", secs(61))), TokenError::IssuedInFuture { .. }));
    assert!(verify(&claim("nbf", i64::MIN)).is_ok());
    assert!(refused(&token(r#""nbf":1e300"#)) != TokenError::SignatureMismatch);
    for claim in ["exp", "nbf", "iat"] {
        for value in [r#""1700000600""#, "true", "[]", "{}"] {
            let error = refused(&token(&format!(r#""{claim}":{value}"#)));
            assert_eq!(error, TokenError::claim(claim, ClaimError::WrongType), "{claim} {value}");
        }
    }
}

#[test]
fn token_is_rejected_beyond_configured_age_or_lifetime() {
    let fresh = verifier().with_max_age(Duration::from_secs(300));
    let iat = |verifier: &Verifier, at: i64| verify_with(verifier, &token(&format!(r#""iat":{at}"#)));
    assert!(iat(&fresh, secs(-360)).is_ok());
    assert!(matches!(iat(&fresh, secs(-361)), Err(TokenError::TooOld { .. })));
    assert_eq!(verify_with(&fresh, &token("")).unwrap_err(), TokenError::claim("iat", ClaimError::Missing));
    let short = verifier().with_max_lifetime(Duration::from_secs(900));
    assert!(iat(&short, secs(-300)).is_ok());
    assert!(matches!(iat(&short, secs(-301)), Err(TokenError::LifetimeTooLong { .. })));
    assert_eq!(verify_with(&short, &token("")).unwrap_err(), TokenError::claim("iat", ClaimError::Missing));
}

#[test]
fn leeway_is_limited() {
    assert!(verifier().with_leeway(Duration::from_secs(300)).is_ok());
    assert_eq!(
        verifier().with_leeway(Duration::from_secs(301)).unwrap_err(),
        ConfigError::Leeway { secs: 301 }
    );
}

#[test]
fn token_is_rejected_when_type_is_not_accepted() {
    let typed = |verifier: &Verifier, typ: &str| {
        verify_with(verifier, &sign(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#), &claims(""))).map(|_| ())
    };
    for good in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"] {
        assert_eq!(typed(&verifier(), good), Ok(()), "{good}");
    }
    for bad in ["id+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "foo", "", "application/", "JWT "] {
        assert!(matches!(typed(&verifier(), bad), Err(TokenError::TypeMismatch { .. })), "{bad}");
    }
    assert!(verify(&sign(r#"{"alg":"HS256"}"#, &claims(""))).is_ok());
    let own = verifier().with_types(["application/foo+jwt"]).unwrap();
    assert_eq!(typed(&own, "foo+jwt"), Ok(()));
    assert!(typed(&own, "JWT").is_err());
    assert!(verifier().with_types(Vec::<String>::new()).is_err());
    assert!(verify_with(&own, &sign(r#"{"alg":"HS256"}"#, &claims(""))).is_err());
}

#[test]
fn rfc9068_profile_requires_claims_of_the_rfc() {
    let strict = verifier().with_rfc9068_profile();
    let at =
        |claims: &str| verify_with(&strict, &sign(r#"{"alg":"HS256","typ":"at+jwt"}"#, claims)).map(|_| ());
    let full = claims(r#""client_id":"c","iat":1,"jti":"t","nonce":"n""#);
    assert_eq!(at(&full), Ok(()));
    for name in ["sub", "client_id", "iat", "jti"] {
        let mut rest: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&full).unwrap();
        rest.remove(name);
        let json = serde_json::to_string(&rest).unwrap();
        assert_eq!(at(&json), Err(TokenError::claim(name, ClaimError::Missing)));
    }
    let numeric = claims(r#""client_id":1,"iat":1,"jti":"t""#);
    assert_eq!(at(&numeric), Err(TokenError::claim("client_id", ClaimError::WrongType)));
    assert!(matches!(verify_with(&strict, &sign(HEADER, &full)), Err(TokenError::TypeMismatch { .. })));
}

#[test]
fn other_kinds_of_tokens_are_rejected_unless_tolerated() {
    for claim in ["nonce", "at_hash", "c_hash", "s_hash", "events"] {
        let token = token(&format!(r#""{claim}":"x""#));
        assert_eq!(refused(&token), TokenError::OtherKindOfToken { claim });
        assert!(verify_with(&verifier().tolerate_id_token_claim(claim), &token).is_ok());
    }
    for cnf in [r#"{"jkt":"x"}"#, "{}", r#""x""#, "false"] {
        assert_eq!(refused(&token(&format!(r#""cnf":{cnf}"#))), TokenError::SenderConstrained, "{cnf}");
    }
}

#[test]
fn claims_can_be_required() {
    let strict = verifier().with_required_claim("tenant.id").with_required_value("level", 3).unwrap();
    let check = |more: &str| verify_with(&strict, &token(more)).map(|_| ());
    assert_eq!(check(r#""tenant":{"id":"x"},"level":3"#), Ok(()));
    assert_eq!(check(r#""tenant":{},"level":3"#), Err(TokenError::claim("tenant.id", ClaimError::Missing)));
    assert_eq!(
        check(r#""tenant":{"id":null},"level":3"#),
        Err(TokenError::claim("tenant.id", ClaimError::Missing))
    );
    assert_eq!(
        check(r#""tenant":{"id":1},"level":4"#),
        Err(TokenError::claim("level", ClaimError::WrongValue))
    );
    assert_eq!(
        check(r#""tenant":{"id":1},"level":"3""#),
        Err(TokenError::claim("level", ClaimError::WrongValue))
    );
}

#[test]
fn size_is_limited() {
    let small = verifier().with_max_token_bytes(64);
    assert!(matches!(verify_with(&small, &token("")), Err(TokenError::TooLong { max: 64, .. })));
    let padded = token(&format!(r#""pad":"{}""#, "x".repeat(7000)));
    assert!(matches!(refused(&padded), TokenError::TooLong { max: 8192, .. }));
    assert!(verify_with(&verifier().with_max_token_bytes(16 * 1024), &padded).is_ok());
}

#[test]
fn keys_are_selected_by_id_then_by_algorithm() {
    let named = |id: &str| key().with_key_id(id).unwrap();
    let other =
        || VerifyingKey::hmac(Algorithm::Hs256, crate::testing::SECRET.map(|byte| byte ^ 0x5a)).unwrap();
    let signed = |kid: &str| sign(&format!(r#"{{"alg":"HS256"{kid}}}"#), &claims(""));
    let check = |keys: &[VerifyingKey], kid: &str| {
        let verifier = Verifier::new(KeySet::new(keys.iter().cloned()).unwrap(), issuer(), audience());
        verify_with(&verifier, &signed(kid)).map(|_| ())
    };
    let unknown = |id: &str| {
        let key_id = (!id.is_empty()).then(|| crate::KeyId::new(id).unwrap());
        Err(TokenError::UnknownKey { key_id, algorithm: Algorithm::Hs256 })
    };
    let a_and_b = [named("a"), other().with_key_id("b").unwrap()];
    assert_eq!(check(&a_and_b, r#","kid":"a""#), Ok(()));
    assert_eq!(check(&a_and_b, r#","kid":"b""#), Err(TokenError::SignatureMismatch));
    assert_eq!(check(&a_and_b, r#","kid":"A""#), unknown("A"));
    // Without a key ID, the only key for the algorithm is used, or none.
    assert_eq!(check(&[named("a")], ""), Ok(()));
    assert_eq!(check(&a_and_b, ""), Err(TokenError::AmbiguousKey { algorithm: Algorithm::Hs256 }));
    // A key without an ID has none to compare. A key with another ID is another key.
    assert_eq!(check(&[key()], r#","kid":"x""#), Ok(()));
    assert_eq!(check(&[named("a")], r#","kid":"x""#), unknown("x"));
    assert_eq!(check(&[key(), other().with_key_id("b").unwrap()], r#","kid":"x""#), Ok(()));
    assert_eq!(KeySet::new([key(), other()]).unwrap_err(), crate::KeyError::KeyIdNeeded);
}

#[test]
fn claims_type_is_deserialized_once_and_shared() {
    #[derive(serde::Deserialize)]
    struct User {
        sub: String,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Numeric {
        #[expect(dead_code, reason = "never constructed")]
        sub: u64,
    }
    let verified = verify(&token("")).unwrap();
    let first = verified.claims::<User>().unwrap();
    assert_eq!(first.sub, "alice");
    assert!(Arc::ptr_eq(&first, &verified.claims::<User>().unwrap()));
    let registered = verified.claims::<crate::RegisteredClaims>().unwrap();
    assert!(Arc::ptr_eq(&registered, &verified.claims().unwrap()));
    let error = verified.claims::<Numeric>().unwrap_err();
    assert!(matches!(error, TokenError::Claims(_)));
    // The message names the claim, not its value.
    let TokenError::Claims(cause) = error else { panic!("not about the type") };
    assert!(!cause.to_string().contains("alice"), "{cause}");
}

#[test]
fn token_is_rejected_when_grants_are_malformed() {
    let verified = verify(&token(r#""scope":1"#)).unwrap();
    assert_eq!(verified.scopes().unwrap_err(), TokenError::claim("scope", ClaimError::WrongType));
    let policy = !crate::Policy::role("banned");
    assert!(matches!(policy.check(&verified, NOW), Err(AuthError::InvalidToken(_))));
}

proptest! {
    /// Arbitrary text never panics and is never accepted.
    #[test]
    fn arbitrary_text_is_rejected(text in any::<String>(), parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..6)) {
        prop_assert!(verifier().verify(&text, NOW).is_err());
        prop_assert!(verifier().verify(&parts.join("."), NOW).is_err());
    }

    /// Arbitrary bytes as header and payload, correctly encoded and signed, never panic and are never accepted.
    #[test]
    fn arbitrary_signed_text_is_rejected(header in any::<String>(), payload in any::<String>()) {
        prop_assert!(verify(&sign(&header, &claims(""))).is_err());
        prop_assert!(verify(&sign(HEADER, &payload)).is_err());
    }

    /// A valid token with one changed byte is rejected.
    #[test]
    fn token_with_one_changed_byte_is_rejected(at in 0_usize..200, byte in 0_u8..128) {
        let good = token("");
        let mut bytes = good.into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(verify(std::str::from_utf8(&bytes).unwrap()).is_err());
    }

    /// No times and no clock cause a panic, and an accepted token is within its validity period.
    #[test]
    fn times_never_overflow(exp in any::<i64>(), nbf in any::<f64>(), iat in any::<i64>(), now in any::<i64>()) {
        prop_assume!(nbf.is_finite());
        let token = token(&format!(r#""exp":{exp},"nbf":{nbf:e},"iat":{iat}"#));
        if verifier().with_max_age(Duration::MAX).verify(&token, UnixTime::from_secs(now)).is_ok() {
            prop_assert!(i128::from(now) < i128::from(exp) + 60);
            prop_assert!(i128::from(iat) <= i128::from(now) + 60);
        }
    }
}

/// A verifier of tokens without `aud`, and the verdict on a token with these claims and this header.
fn without_audience(rule: AudienceRule, header: &str, claims: &str) -> Result<(), TokenError> {
    let verifier = Verifier::new(key(), issuer(), rule);
    let payload = format!(r#"{{"iss":"{ISSUER}","exp":{}{claims}}}"#, secs(600));
    verify_with(&verifier, &sign(header, &payload)).map(drop)
}

#[test]
fn audience_in_another_claim_binds_tokens_without_aud() {
    let rule = || AudienceRule::claim("client_id", ["app", "other"]).unwrap();
    let check = |claims: &str| without_audience(rule(), HEADER, claims);
    assert_eq!(check(r#","client_id":"app""#), Ok(()));
    assert_eq!(check(r#","aud":null,"client_id":["x","other"]"#), Ok(()));
    let refused = |error| Err(TokenError::claim("client_id", error));
    assert_eq!(check(r#","client_id":"evil""#), refused(ClaimError::WrongValue));
    assert_eq!(check(r#","client_id":"App""#), refused(ClaimError::WrongValue));
    assert_eq!(check(r#","client_id":1"#), refused(ClaimError::WrongType));
    assert_eq!(check(r#","client_id":null"#), refused(ClaimError::Missing));
    assert_eq!(check(""), refused(ClaimError::Missing));
    // RFC 7519 §4.1.3: a token with an audience is for that audience.
    for aud in [r#""api://else""#, "[]", r#"["app"]"#] {
        let error = check(&format!(r#","client_id":"app","aud":{aud}"#)).unwrap_err();
        assert!(matches!(error, TokenError::AudienceMismatch { .. }), "{aud}: {error}");
    }
    assert!(AudienceRule::claim("client_id", [""]).is_err());
    assert!(AudienceRule::claim("client_id", Vec::<String>::new()).is_err());
}

#[test]
fn rules_for_tokens_with_and_without_aud_can_be_combined() {
    let verifier = verifier().with_audience(AudienceRule::claim("client_id", ["app"]).unwrap());
    assert!(verify_with(&verifier, &token("")).is_ok());
    let without = format!(r#"{{"iss":"{ISSUER}","exp":{},"client_id":"app"}}"#, secs(600));
    assert!(verify_with(&verifier, &sign(HEADER, &without)).is_ok());
    assert!(verify_with(&verifier, &token(r#""aud":"else","client_id":"app""#)).is_err());
}

#[test]
fn audience_in_the_header_binds_tokens_without_aud() {
    let rule = || AudienceRule::header_member("signer", ["arn:ours"]).unwrap();
    let check = |header: &str| without_audience(rule(), header, "");
    assert_eq!(check(r#"{"alg":"HS256","signer":"arn:ours"}"#), Ok(()));
    let refused = |error| Err(TokenError::HeaderMember { name: "signer".into(), error });
    assert_eq!(check(r#"{"alg":"HS256","signer":"arn:theirs"}"#), refused(ClaimError::WrongValue));
    assert_eq!(check(r#"{"alg":"HS256"}"#), refused(ClaimError::Missing));
}

#[test]
fn absent_audience_needs_the_explicit_rule() {
    let missing = Err(TokenError::claim("aud", ClaimError::Missing));
    assert_eq!(without_audience(audience().into(), HEADER, ""), missing);
    assert_eq!(without_audience(audience().into(), HEADER, r#","aud":null"#), missing);
    let none = || AudienceRule::insecure_absent(TokenBinding::DedicatedKey);
    assert_eq!(without_audience(none(), HEADER, ""), Ok(()));
    assert!(without_audience(none(), HEADER, r#","aud":"api://else""#).is_err());
}

#[test]
fn required_header_member_is_checked() {
    let verifier = verifier().with_required_header_member("signer", "arn:ours");
    let check = |header: &str| verify_with(&verifier, &sign(header, &claims(""))).map(drop);
    assert_eq!(check(r#"{"alg":"HS256","signer":"arn:ours"}"#), Ok(()));
    for bad in [r#"{"alg":"HS256","signer":"arn:x"}"#, r#"{"alg":"HS256","signer":1}"#, r#"{"alg":"HS256"}"#]
    {
        assert!(matches!(check(bad), Err(TokenError::HeaderMember { .. })), "{bad}");
    }
}

#[test]
fn numeric_subject_is_accepted_only_when_tolerated() {
    let numeric = token(r#""sub":17"#);
    assert_eq!(refused(&numeric), TokenError::claim("sub", ClaimError::WrongType));
    let lenient = verifier().tolerate_numeric_subject();
    assert_eq!(verify_with(&lenient, &numeric).unwrap().subject(), Some("17"));
    assert_eq!(verify_with(&lenient, &token("")).unwrap().subject(), Some("alice"));
    for other in ["1.5", "-1", "1e3", "true", "[1]"] {
        assert!(verify_with(&lenient, &token(&format!(r#""sub":{other}"#))).is_err(), "{other}");
    }
}

#[test]
fn listed_types_and_a_missing_type_can_be_combined() {
    let verifier = verifier().with_types(["app+jwt"]).unwrap().tolerate_missing_type();
    let check = |header: &str| verify_with(&verifier, &sign(header, &claims(""))).is_ok();
    assert!(check(r#"{"alg":"HS256","typ":"app+jwt"}"#) && check(r#"{"alg":"HS256"}"#));
    assert!(!check(r#"{"alg":"HS256","typ":"JWT"}"#));
}

#[test]
fn id_tokens_are_accepted_only_when_tolerated() {
    let id_token = token(r#""nonce":"n","at_hash":"h""#);
    assert!(matches!(refused(&id_token), TokenError::OtherKindOfToken { .. }));
    let lenient = verifier().tolerate_id_tokens();
    assert!(verify_with(&lenient, &id_token).is_ok());
    assert!(verify_with(&lenient, &token(r#""events":{}"#)).is_err(), "a logout token");
}

/// A token with padded parts, signed over them as AWS load balancers do.
fn padded(claims: &str) -> String {
    use hmac::{KeyInit, Mac};

    let pad = |text: String| {
        let fill = (4 - text.len() % 4) % 4;
        text + &"=".repeat(fill)
    };
    let input = format!(
        "{}.{}",
        pad(base64url::encode(HEADER.as_bytes())),
        pad(base64url::encode(claims.as_bytes()))
    );
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&crate::testing::SECRET).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", pad(base64url::encode(&mac.finalize().into_bytes())))
}

#[test]
fn padded_token_is_accepted_only_when_tolerated() {
    let padded = padded(&claims(""));
    assert!(padded.contains('='));
    assert!(matches!(refused(&padded), TokenError::Encoding { .. }));
    let lenient = verifier().tolerate_padding();
    assert_eq!(verify_with(&lenient, &padded).unwrap().subject(), Some("alice"));
    assert!(verify_with(&lenient, &token("")).is_ok());
    assert!(verify_with(&lenient, &padded.replace('=', "")).is_err(), "the signature covers the padding");
    assert!(verify_with(&lenient, &format!("{padded}=")).is_err());
}

#[test]
fn rsa_key_without_alg_is_used_with_listed_algorithms_only() {
    let jwk = include_str!("../../tests/fixtures/rsa-without-alg.json");
    let keys = KeySet::from_jwk_set(jwk).unwrap();
    let select = |algorithm: &str, listed: &[Algorithm]| {
        let header = Header::parse(&format!(r#"{{"alg":"{algorithm}","kid":"r"}}"#)).unwrap();
        keys.select(&header, listed).map(drop)
    };
    assert_eq!(select("RS256", &[]), Ok(()));
    let refused = Err(TokenError::AlgorithmMismatch { algorithm: Algorithm::Ps256 });
    assert_eq!(select("PS256", &[]), refused);
    assert_eq!(select("PS256", &[Algorithm::Rs512]), refused);
    assert_eq!(select("PS256", &[Algorithm::Ps256]), Ok(()));
    assert!(select("ES256", &[Algorithm::Es256]).is_err() && select("HS256", &[Algorithm::Hs256]).is_err());
    assert_eq!(keys.iter().next().unwrap().algorithms().collect::<Vec<_>>(), [Algorithm::Rs256]);
}

/// The key set of Entra ID has keys for all tenants, and keys for one.
#[test]
fn key_verifies_only_tokens_of_its_issuer() {
    let check = |key_issuer: Option<&str>| {
        let mut document: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/rsa-without-alg.json")).unwrap();
        match key_issuer {
            Some(issuer) => document["keys"][0]["issuer"] = issuer.into(),
            None => drop(document["keys"][0].as_object_mut().unwrap().remove("issuer")),
        }
        let keys = KeySet::from_jwk_set(document.to_string()).unwrap();
        let key = keys.iter().next().unwrap();
        let mut payload = Payload::default();
        let token = token("");
        CompactToken::parse(&token, 10_000).map(|token| payload.read(&token)).unwrap().unwrap();
        check_key_issuer(key, &payload).is_ok()
    };
    assert!(check(None) && check(Some(ISSUER)));
    assert!(check(Some("https://{tenantid}")));
    for other in ["https://other.example", "https://{tenantid}/v2.0", "https://issuer.example{tenantid}", ""]
    {
        assert!(!check(Some(other)), "{other}");
    }
}
