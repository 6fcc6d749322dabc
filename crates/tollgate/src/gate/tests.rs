use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::admission::Admission;
use crate::error::{
    AuthError, KeysUnavailable, PolicyRefusal, RequestError, RevocationsUnavailable, TokenError,
};
use crate::issuer::Issuer;
use crate::key::{KeyRefresh, KeyRequest, KeySet, KeySource};
use crate::rejection::Rejection;
use crate::rejection_body::RejectionBody;
use crate::request::testing::FakeRequest;
use crate::revocation::RevocationList;
use crate::scope::ScopeSet;
use crate::testing::{ISSUER, NOW, SECRET, audience, issuer, key, sign, token, verifier};
use crate::time::UnixTime;
use crate::verified::Verified;

fn bearer(token: &str) -> FakeRequest {
    FakeRequest::get("/").header("authorization", format!("Bearer {token}").as_bytes())
}

fn admitted(gate: &Gate, request: &FakeRequest) -> Admission {
    match gate.admit(request, NOW) {
        Decision::Admitted(admission) => admission,
        other => panic!("{other:?}"),
    }
}

fn refused(gate: &Gate, request: &FakeRequest) -> Rejection {
    match gate.admit(request, NOW) {
        Decision::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn required_and_optional() {
    let required = Gate::new(verifier());
    let optional = required.clone().with_optional_token();
    assert_eq!(refused(&required, &FakeRequest::get("/")).error(), &AuthError::MissingToken);
    let anonymous = admitted(&optional, &FakeRequest::get("/"));
    assert!(anonymous.verified().is_none());
    assert_eq!(anonymous.require().unwrap_err().status(), 401);
    assert_eq!(anonymous.authorize(&Policy::all([])).unwrap_err().error(), &AuthError::MissingToken);
    for gate in [&required, &optional] {
        assert_eq!(admitted(gate, &bearer(&token(""))).require().unwrap().subject(), Some("alice"));
        assert_eq!(refused(gate, &bearer("garbage")).status(), 401);
        assert_eq!(refused(gate, &bearer("a b")).status(), 400);
    }
}

#[test]
fn settings_change_only_the_gate_they_are_called_on() {
    let gate = Gate::new(verifier());
    let named = gate.clone().with_realm("orders").unwrap();
    let realm = |gate: &Gate| refused(gate, &FakeRequest::get("/")).challenge().unwrap().to_string();
    assert_eq!(realm(&gate), r#"Bearer realm="api""#);
    assert_eq!(realm(&named), r#"Bearer realm="orders""#);
    assert!(gate.with_realm("a\"b").is_err());
}

#[test]
fn gate_chooses_the_verifier_by_issuer() {
    let other =
        || crate::VerifyingKey::hmac(crate::Algorithm::Hs256, SECRET.map(|byte| byte ^ 0x5a)).unwrap();
    let second = Verifier::new(other(), Issuer::new("https://other.example").unwrap(), audience())
        .with_max_token_bytes(16_384);
    let gate = Gate::new(verifier()).with_verifier(second.clone()).unwrap();
    assert_eq!(
        gate.clone().with_verifier(second).unwrap_err(),
        ConfigError::DuplicateIssuer { issuer: "https://other.example".into() }
    );
    assert_eq!(admitted(&gate, &bearer(&token(""))).require().unwrap().issuer(), ISSUER);
    // The first issuer's key does not sign for the second.
    let crossed = refused(&gate, &bearer(&token(r#""iss":"https://other.example""#)));
    assert_eq!(crossed.error(), &AuthError::InvalidToken(TokenError::SignatureMismatch));
    let third = refused(&gate, &bearer(&token(r#""iss":"https://third.example""#)));
    assert!(matches!(third.error(), AuthError::InvalidToken(TokenError::IssuerMismatch { .. })));
    // The larger size limit of one verifier does not apply to the other.
    let large = refused(&gate, &bearer(&token(&format!(r#""pad":"{}""#, "x".repeat(9000)))));
    assert!(matches!(large.error(), AuthError::InvalidToken(TokenError::TooLong { max: 8192, .. })));
}

#[test]
fn request_is_rejected_when_revocation_check_fails() {
    #[derive(Debug)]
    struct Down;
    impl Revocations for Down {
        fn is_revoked(&self, _: &Verified, _: UnixTime) -> Result<bool, RevocationsUnavailable> {
            Err(RevocationsUnavailable::new("down", Duration::from_secs(2)))
        }
    }
    let list = Arc::new(RevocationList::new());
    let gate = Gate::new(verifier()).with_revocations(Arc::clone(&list));
    let request = bearer(&token(r#""jti":"t1""#));
    let _admission = admitted(&gate, &request);
    list.revoke(ISSUER, "t1", NOW.saturating_add(Duration::from_secs(600)));
    assert_eq!(refused(&gate, &request).error(), &AuthError::InvalidToken(TokenError::Revoked));
    // The same ID of another issuer is another token. A token without an ID cannot be told from a revoked one.
    let _admission = admitted(&gate, &bearer(&token(r#""jti":"t2""#)));
    assert_eq!(refused(&gate, &bearer(&token(""))).error(), &AuthError::InvalidToken(TokenError::Revoked));
    list.purge(NOW.saturating_add(Duration::from_secs(899)));
    assert_eq!(list.len(), 1, "the entry is kept for the largest leeway");
    list.purge(NOW.saturating_add(Duration::from_secs(900)));
    assert!(list.is_empty());
    let down = refused(&Gate::new(verifier()).with_revocations(Down), &request);
    assert_eq!((down.status(), down.challenge()), (503, None));
    assert!(down.headers().any(|(name, value)| name == "retry-after" && value == "2"));
}

/// Every pair of answers, and the expected status.
#[test]
fn pair_of_revocations_combines_both_answers() {
    #[derive(Debug)]
    struct Says(Option<bool>);
    impl Revocations for Says {
        fn is_revoked(&self, _: &Verified, _: UnixTime) -> Result<bool, RevocationsUnavailable> {
            self.0.ok_or_else(|| RevocationsUnavailable::new("down", Duration::from_secs(2)))
        }
    }
    let request = bearer(&token(r#""jti":"t1""#));
    for (first, second, status) in [
        (Some(false), Some(false), 200),
        (Some(true), Some(false), 401),
        (Some(false), Some(true), 401),
        (Some(true), Some(true), 401),
        (None, Some(false), 503),
        (Some(false), None, 503),
        (None, None, 503),
        // One list revoked the token, so a retry is of no use, whatever the other list would say.
        (None, Some(true), 401),
        (Some(true), None, 401),
    ] {
        let gate = Gate::new(verifier()).with_revocations((Says(first), Says(second)));
        assert_eq!(at(&gate, &request, 0), status, "{first:?} {second:?}");
        // The second request is a cache hit.
        assert_eq!(at(&gate, &request, 0), status, "{first:?} {second:?}");
    }
    let list = Arc::new(RevocationList::new());
    let gate = Gate::new(verifier()).with_revocations((Says(Some(false)), Arc::clone(&list)));
    assert_eq!(at(&gate, &request, 0), 200);
    list.revoke(ISSUER, "t1", NOW.saturating_add(Duration::from_secs(600)));
    assert_eq!(at(&gate, &request, 0), 401);
}

#[test]
fn policies_come_last() {
    let gate = Gate::new(verifier()).with_policy(Policy::scopes(["a", "b"]).unwrap() | Policy::role("admin"));
    let _admission = admitted(&gate, &bearer(&token(r#""scope":"b a""#)));
    let _admission = admitted(&gate, &bearer(&token(r#""roles":["admin"]"#)));
    let rejection = refused(&gate, &bearer(&token(r#""scope":"a""#)));
    assert_eq!(rejection.status(), 403);
    assert_eq!(
        rejection.challenge().unwrap().to_string(),
        r#"Bearer realm="api", error="insufficient_scope", scope="a b""#
    );
    assert_eq!(refused(&gate, &bearer("garbage")).status(), 401);
    let never = Gate::new(verifier()).with_policy(Policy::scope("not a scope"));
    let rejection = refused(&never, &bearer(&token(r#""scope":"not a scope""#)));
    assert_eq!(
        rejection.challenge().unwrap().to_string(),
        r#"Bearer realm="api", error="insufficient_scope""#
    );
}

/// A source that has its key after the second refresh.
#[derive(Debug, Default)]
struct Slow {
    refreshes: AtomicUsize,
}

impl KeySource for Slow {
    fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
        match self.refreshes.load(Ordering::SeqCst) {
            0 => Err(KeysUnavailable::new("none yet", Duration::from_secs(1))),
            1 => Ok(key().with_key_id("old").unwrap().into()),
            _ => Ok(key().with_key_id("new").unwrap().into()),
        }
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
        let refreshes = self.refreshes.fetch_add(1, Ordering::SeqCst);
        assert_eq!(wanted.is_none(), refreshes == 0, "the request names a key once there are keys");
        (refreshes < 2).then(|| KeyRefresh::new(std::future::ready(())))
    }
}

#[test]
fn keys_are_refreshed_only_when_it_may_help() {
    let gate = Gate::new(Verifier::new(Slow::default(), issuer(), audience()));
    let named = |kid: &str| {
        bearer(&sign(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &crate::testing::claims("")))
    };
    // An invalid token triggers no fetch.
    for bad in [
        "garbage",
        &token(r#""exp":1"#),
        &token(r#""aud":"x""#),
        &token(r#""iss":"x""#),
        &token(r#""nonce":"x""#),
    ] {
        assert_eq!(refused(&gate, &bearer(bad)).status(), 401);
    }
    assert!(matches!(gate.admit(&named("new"), NOW), Decision::AwaitKeys(_)));
    assert!(matches!(gate.admit(&named("new"), NOW), Decision::AwaitKeys(_)));
    assert!(gate.admit_after_refresh(&named("new"), NOW).is_ok());
    // A third refresh would not help, and `admit_after_refresh` starts none.
    assert_eq!(refused(&gate, &named("third")).status(), 401);
    assert_eq!(gate.admit_after_refresh(&named("third"), NOW).unwrap_err().status(), 401);
    // The right key and a wrong signature: no refresh either.
    let forged = format!("{}A", sign(r#"{"alg":"HS256","kid":"new"}"#, "{}"));
    assert_eq!(refused(&gate, &bearer(&forged)).status(), 401);
}

#[test]
fn every_invalid_token_gets_the_same_response() {
    let gate = Gate::new(verifier());
    let answer = |token: &str| {
        let rejection = refused(&gate, &bearer(token));
        (rejection.status(), rejection.headers().collect::<Vec<_>>(), rejection.body())
    };
    let first = answer("garbage");
    let good = token("");
    let fresh_forgery = format!("{}A", &good[..good.len() - 1]);
    for bad in [
        &fresh_forgery,
        &token(r#""exp":1"#),
        &token(r#""aud":"x""#),
        &sign("{}", "{}"),
        &token(r#""cnf":{}"#),
    ] {
        assert_eq!(answer(bad), first);
    }
    let error = refused(&gate, &bearer("a, b"));
    assert_eq!(
        error.error(),
        &AuthError::InvalidRequest(RequestError::NotAToken { location: "Authorization field" })
    );
}

#[test]
fn rejections_are_problem_details() {
    use insta::assert_snapshot;

    let gate = Gate::new(verifier());
    let body = |error: AuthError| String::from_utf8(gate.reject(error).body().into_bytes()).unwrap();
    assert_snapshot!(
        body(AuthError::MissingToken),
        @r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"an access token is required"}"#
    );
    assert_snapshot!(
        body(AuthError::InvalidToken(TokenError::Unsigned)),
        @r#"{"type":"tag:tollgate.example,2026:invalid-token","title":"Invalid access token","status":401,"detail":"the access token is not valid here","error":"invalid_token"}"#
    );
    assert_snapshot!(
        body(AuthError::NoGate),
        @r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the server is not set up correctly"}"#
    );
}

/// A cached token holds the rejection style. A gate with another realm must not find it.
#[test]
fn gates_with_different_realms_share_no_cache() {
    #[derive(Debug, serde::Deserialize)]
    struct Never {
        #[expect(dead_code, reason = "not in the token")]
        missing: String,
    }
    let gate = Gate::new(verifier());
    let request = FakeRequest::get("/").header("authorization", format!("Bearer {}", token("")).as_bytes());
    let renamed = gate.clone().with_realm("orders").unwrap();
    for (gate, realm) in [(&gate, "api"), (&renamed, "orders"), (&gate, "api"), (&renamed, "orders")] {
        let Decision::Admitted(admission) = gate.admit(&request, NOW) else { panic!("not admitted") };
        let rejection = admission.claims::<Never>().unwrap_err();
        let challenge = rejection.challenge().unwrap().to_string();
        assert_eq!(challenge, format!("Bearer realm=\"{realm}\", error=\"invalid_token\""));
    }
}

fn at(gate: &Gate, request: &FakeRequest, secs: i64) -> u16 {
    let now = UnixTime::from_secs(NOW.as_secs().saturating_add(secs));
    match gate.admit(request, now) {
        Decision::Admitted(_) => 200,
        Decision::Rejected(rejection) => rejection.status(),
        Decision::AwaitKeys(_) => panic!("no key source"),
    }
}

/// A hit returns the same verified token, not another one with the same content.
#[test]
fn second_request_hits_the_cache() {
    let same = |gate: &Gate| {
        let verified = |gate: &Gate| admitted(gate, &bearer(&token(""))).require().unwrap().clone();
        std::ptr::eq(verified(gate).payload(), verified(gate).payload())
    };
    assert!(same(&Gate::new(verifier())));
    assert!(!same(&Gate::new(verifier()).without_cache()));
    // Clones that differ only in checks of the request share the cache.
    let gate = Gate::new(verifier());
    let first = admitted(&gate, &bearer(&token(""))).require().unwrap().clone();
    let second =
        admitted(&gate.clone().with_optional_token(), &bearer(&token(""))).require().unwrap().clone();
    assert!(std::ptr::eq(first.payload(), second.payload()));
    // Another verifier may decide differently, so the cache is replaced.
    let other = Verifier::new(key(), Issuer::new("https://other.example").unwrap(), audience());
    let third = admitted(&gate.with_verifier(other).unwrap(), &bearer(&token(""))).require().unwrap().clone();
    assert!(!std::ptr::eq(first.payload(), third.payload()));
}

#[test]
fn cached_token_is_checked_against_the_clock() {
    let gate = Gate::new(verifier().with_max_age(Duration::from_secs(300)));
    let request = bearer(&token(&format!(r#""iat":{},"nbf":{}"#, NOW.as_secs(), NOW.as_secs())));
    assert_eq!(at(&gate, &request, 0), 200);
    assert_eq!(at(&gate, &request, 360), 200);
    assert_eq!(at(&gate, &request, 361), 401, "too old");
    assert_eq!(at(&gate, &request, -61), 401, "the clock was set back");
    let gate = Gate::new(verifier());
    let request = bearer(&token(""));
    assert_eq!(at(&gate, &request, 659), 200);
    assert_eq!(at(&gate, &request, 660), 401, "expired");
    assert_eq!(at(&gate, &request, 0), 200);
}

/// A source whose issuer does not answer.
#[derive(Debug)]
struct Unreachable;

impl KeySource for Unreachable {
    fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Ok(key().with_key_id("old").unwrap().into())
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
        let asks = wanted.and_then(|wanted| wanted.key_id).is_some_and(|key_id| key_id.as_str() == "new");
        asks.then(|| KeyRefresh::new(std::future::ready(())))
    }

    fn why_unavailable(&self, _: KeyRequest<'_>, _: UnixTime) -> Option<KeysUnavailable> {
        Some(KeysUnavailable::new("the issuer does not answer", Duration::from_secs(7)))
    }
}

#[test]
fn request_gets_503_when_issuer_is_unreachable() {
    let gate = Gate::new(Verifier::new(Unreachable, issuer(), audience()));
    let named = |kid: &str| {
        bearer(&sign(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &crate::testing::claims("")))
    };
    assert_eq!(at(&gate, &named("old"), 0), 200);
    let rejection = refused(&gate, &named("other"));
    assert_eq!(rejection.status(), 503, "without a refresh");
    assert!(rejection.headers().any(|field| field == ("retry-after", "7".into())));
    assert!(matches!(gate.admit(&named("new"), NOW), Decision::AwaitKeys(_)));
    assert_eq!(gate.admit_after_refresh(&named("new"), NOW).unwrap_err().status(), 503, "after a refresh");
    assert_eq!(refused(&gate, &bearer("garbage")).status(), 401);
}

/// Keys that the test can remove.
#[derive(Debug)]
struct Changing(std::sync::RwLock<Option<KeySet>>);

impl KeySource for Arc<Changing> {
    fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
        self.0.read().unwrap().clone().ok_or_else(|| KeysUnavailable::new("gone", Duration::from_secs(1)))
    }

    fn refresh(&self, _: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
        None
    }
}

#[test]
fn cached_token_is_rejected_when_its_key_is_removed() {
    let source = Arc::new(Changing(std::sync::RwLock::new(Some(key().into()))));
    let gate = Gate::new(Verifier::new(Arc::clone(&source), issuer(), audience()));
    let request = bearer(&token(""));
    assert_eq!(at(&gate, &request, 0), 200);
    let other =
        || crate::VerifyingKey::hmac(crate::Algorithm::Hs256, SECRET.map(|byte| byte ^ 0x5a)).unwrap();
    *source.0.write().unwrap() = Some(other().into());
    assert_eq!(at(&gate, &request, 0), 401, "at once");
    *source.0.write().unwrap() = None;
    assert_eq!(at(&gate, &request, 0), 503, "no keys to verify it with");
    *source.0.write().unwrap() = Some(KeySet::new([other().with_key_id("x").unwrap(), key()]).unwrap());
    assert_eq!(at(&gate, &request, 0), 401, "two keys fit, and the token names neither");
    *source.0.write().unwrap() = Some(key().into());
    assert_eq!(at(&gate, &request, 0), 200);
}

#[test]
fn cached_token_is_checked_for_revocation_and_policy() {
    let list = Arc::new(RevocationList::new());
    let gate = Gate::new(verifier()).with_revocations(Arc::clone(&list));
    let request = bearer(&token(r#""jti":"t1""#));
    assert_eq!(at(&gate, &request, 0), 200);
    list.revoke(ISSUER, "t1", NOW.saturating_add(Duration::from_secs(600)));
    assert_eq!(at(&gate, &request, 0), 401);
    // The same token under a policy that the clone has, and the first gate does not.
    let gate = Gate::new(verifier());
    assert_eq!(at(&gate, &request, 0), 200);
    assert_eq!(at(&gate.clone().with_policy(Policy::scope("a")), &request, 0), 403);
    assert_eq!(at(&gate, &request, 0), 200);
}

#[test]
fn cached_token_from_cookie_is_checked_for_origin() {
    let gate = Gate::new(verifier())
        .with_sources([TokenSource::bearer(), TokenSource::cookie("at").unwrap()])
        .unwrap();
    let cookie = format!("at={}", token(""));
    let post = |site: &str| {
        FakeRequest::new("POST", "/")
            .header("cookie", cookie.as_bytes())
            .header("sec-fetch-site", site.as_bytes())
    };
    assert_eq!(at(&gate, &post("same-origin"), 0), 200);
    assert_eq!(at(&gate, &post("cross-site"), 0), 403);
    assert_eq!(at(&gate, &bearer(&token("")), 0), 200);
    assert_eq!(at(&gate, &post("cross-site"), 0), 403);
}

/// Rejections are not cached: a token that is not valid yet is accepted later.
#[test]
fn rejections_are_not_cached() {
    let gate = Gate::new(verifier());
    let request = bearer(&token(&format!(r#""nbf":{}"#, NOW.as_secs() + 100)));
    assert_eq!(at(&gate, &request, 0), 401);
    assert_eq!(at(&gate, &request, 100), 200);
}

#[test]
fn sources_are_deduplicated_and_must_not_be_empty() {
    let twice = Gate::new(verifier()).with_sources([TokenSource::bearer(), TokenSource::bearer()]).unwrap();
    assert_eq!(at(&twice, &bearer(&token("")), 0), 200);
    let none = Gate::new(verifier()).with_sources([]).unwrap_err();
    assert_eq!(none, ConfigError::Empty { what: "token source" });
}

/// A form on another site can put a token into the query, and so make visitors act as another user.
#[test]
fn token_in_query_is_checked_for_origin() {
    let gate = Gate::new(verifier()).with_sources([TokenSource::insecure_query("t").unwrap()]).unwrap();
    let target = format!("/?t={}", token(""));
    let cross_site = |method: &str| FakeRequest::new(method, &target).header("sec-fetch-site", b"cross-site");
    assert_eq!(at(&gate, &cross_site("GET"), 0), 200);
    assert_eq!(at(&gate, &cross_site("POST"), 0), 403);
}

#[test]
fn invalid_policy_rejects_every_token() {
    let gate = |policy: Policy| Gate::new(verifier()).with_policy(policy);
    let request = bearer(&token(r#""scope":"a b","dept":["x"]"#));
    assert_eq!(at(&gate(Policy::scopes(["a", "b"]).unwrap()), &request, 0), 200);
    for policy in [Policy::scope("a b"), !Policy::scope("a b"), Policy::scope("a") | Policy::scope("")] {
        assert_eq!(at(&gate(policy.clone()), &request, 0), 403, "{policy:?}");
    }
    assert_eq!(
        at(&gate(!Policy::claim_is("dept.x", "y")), &request, 0),
        401,
        "a value on the path is not an object"
    );
}

#[test]
fn policy_scopes_are_checked_on_creation() {
    let none = Policy::scopes(Vec::<String>::new()).unwrap_err();
    assert_eq!(none, ConfigError::Empty { what: "scope" });
    let malformed = Policy::scopes(["a", "b c"]).unwrap_err();
    assert_eq!(malformed, ConfigError::Name { what: "scope", name: "b c".into() });
}

#[test]
fn rejection_body_replaces_only_the_body() {
    #[derive(Debug, serde::Deserialize)]
    struct Never {
        #[expect(dead_code, reason = "not in the token")]
        missing: String,
    }
    let plain = Gate::new(verifier()).with_optional_token();
    let gate = plain.clone().with_rejection_body(|rejection| {
        assert_eq!(rejection.body().content_type(), "application/problem+json", "the default");
        RejectionBody::text(format!("no entry ({})", rejection.status()))
    });
    let by_gate = |gate: &Gate| refused(gate, &bearer("garbage"));
    let by_extractor = |gate: &Gate| admitted(gate, &bearer(&token(""))).claims::<Never>().unwrap_err();
    let of_anonymous = |gate: &Gate| admitted(gate, &FakeRequest::get("/")).require().unwrap_err();
    // Twice, because the second token comes from the cache.
    let twice = |gate: &Gate| gate.reject(AuthError::InvalidRequest(RequestError::SeveralSources));
    let scope = |gate: &Gate| {
        gate.reject(AuthError::InsufficientScope {
            scopes: ScopeSet::new(),
            refusal: Box::new(PolicyRefusal::new("scope".to_owned(), None, None)),
        })
    };
    let outage = |gate: &Gate| {
        gate.reject(AuthError::KeysUnavailable(KeysUnavailable::new("outage", Duration::from_secs(9))))
    };
    let ways: [&dyn Fn(&Gate) -> Rejection; 7] =
        [&by_gate, &by_extractor, &by_extractor, &of_anonymous, &twice, &scope, &outage];
    let cases = [401, 401, 401, 401, 400, 403, 503].into_iter().zip(ways);
    for (status, reject) in cases {
        let (own, default) = (reject(&gate), reject(&plain));
        assert_eq!(own.body(), RejectionBody::text(format!("no entry ({status})")));
        assert_eq!(own.status(), default.status());
        assert!(own.headers().eq(default.headers()));
        assert_eq!(default.body().content_type(), "application/problem+json");
    }
}
