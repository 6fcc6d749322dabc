use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use super::*;
use crate::adapter::{Decision, ResponseMarks};
use crate::error::ConfigError;
use crate::key::{KeyRequest, KeySet, KeySetId, KeySource, VerifyingKey};
use crate::request::testing::FakeRequest;
use crate::testing::{ISSUER, NOW, audience, claims, claims_without, issuer, key, sign, token, verifier};
use crate::{Algorithm, AudienceRule, AuthError, Gate, IssuerRule, TokenBinding, TokenError, TokenSource};

const OTHER_SECRET: [u8; 32] = *b"\x51\xc3\x0e\x9a\x77\xf2\x18\xbd\x44\xe0\x6b\x93\x2f\xd8\x05\xac\x3a\x71\xce\x16\x88\x5d\xf9\x24\xb0\x67\x1b\xe4\x90\x3c\xd5\x4f";

fn other_key() -> VerifyingKey {
    VerifyingKey::hmac(Algorithm::Hs256, OTHER_SECRET).unwrap()
}

fn bearer(token: &str) -> FakeRequest {
    FakeRequest::get("/").header("authorization", format!("Bearer {token}").as_bytes())
}

fn status(gate: &Gate, token: &str) -> u16 {
    match gate.admit(&bearer(token), NOW) {
        Decision::Admitted(_) => 200,
        Decision::Rejected(rejection) => rejection.status(),
        Decision::AwaitKeys(_) => 102,
    }
}

fn of_issuer(issuer: &str) -> String {
    token(&format!(r#""iss":"{issuer}""#))
}

fn for_issuer(issuer: &str) -> Verifier {
    Verifier::new(key(), Issuer::new(issuer).unwrap(), audience())
}

/// A directory that the test changes, and that counts lookups.
#[derive(Debug, Default)]
struct Directory {
    known: RwLock<HashMap<String, Arc<Verifier>>>,
    lookups: Mutex<Vec<String>>,
    is_down: AtomicUsize,
}

impl VerifierSource for Arc<Directory> {
    fn verifier(&self, issuer: &str) -> Option<Arc<Verifier>> {
        self.known.read().unwrap().get(issuer).cloned()
    }

    fn lookup(&self, issuer: &str, _: UnixTime) -> Option<KeyRefresh> {
        self.lookups.lock().unwrap().push(issuer.to_owned());
        issuer.ends_with("/new").then(|| KeyRefresh::new(std::future::ready(())))
    }

    fn why_unavailable(&self, _: &str, _: UnixTime) -> Option<KeysUnavailable> {
        let is_down = self.is_down.load(Ordering::SeqCst) > 0;
        is_down.then(|| KeysUnavailable::new("the directory does not answer", Duration::from_secs(3)))
    }
}

#[test]
fn issuers_come_and_go() {
    let directory = Arc::new(Directory::default());
    let gate = Gate::new(verifier()).with_verifier_source(Arc::clone(&directory));
    let tenant = "https://tenants.example/new";
    assert_eq!(status(&gate, &of_issuer(tenant)), 102, "the adapter waits for the lookup");
    assert_eq!(gate.admit_after_refresh(&bearer(&of_issuer(tenant)), NOW).unwrap_err().status(), 401);

    directory.known.write().unwrap().insert(tenant.into(), Arc::new(for_issuer(tenant)));
    assert!(gate.admit_after_refresh(&bearer(&of_issuer(tenant)), NOW).is_ok());
    assert_eq!(status(&gate, &of_issuer(tenant)), 200, "from the cache");

    // Replaced by a verifier with another key, then removed: the cached token does not outlive its verifier.
    let replaced = Verifier::new(other_key(), Issuer::new(tenant).unwrap(), audience());
    directory.known.write().unwrap().insert(tenant.into(), Arc::new(replaced));
    assert_eq!(status(&gate, &of_issuer(tenant)), 401);
    directory.known.write().unwrap().clear();
    assert_eq!(status(&gate, &of_issuer(tenant)), 102);
    assert_eq!(status(&gate, &of_issuer("https://evil.example")), 401, "the directory does not look it up");
}

#[test]
fn directory_is_asked_for_unknown_issuers_only() {
    let directory = Arc::new(Directory::default());
    let gate = Gate::new(verifier()).with_verifier_source(Arc::clone(&directory));
    assert_eq!(status(&gate, &token("")), 200);
    for bad in ["garbage", &token(r#""exp":1"#), &sign(r#"{"alg":"HS256"}"#, &claims_without("iss"))] {
        assert_ne!(status(&gate, bad), 102, "{bad}");
    }
    assert!(directory.lookups.lock().unwrap().is_empty());
    assert_eq!(status(&gate, &of_issuer("https://evil.example")), 401);
    assert_eq!(*directory.lookups.lock().unwrap(), ["https://evil.example"]);
    directory.is_down.store(1, Ordering::SeqCst);
    assert_eq!(status(&gate, &of_issuer("https://evil.example")), 503);
}

/// A directory must not be able to hand out a verifier that accepts another issuer.
#[test]
fn verifier_of_another_issuer_does_not_help() {
    let directory = Arc::new(Directory::default());
    let gate = Gate::new(verifier()).with_verifier_source(Arc::clone(&directory));
    let tenant = "https://tenants.example/new";
    directory.known.write().unwrap().insert(tenant.into(), Arc::new(for_issuer("https://else.example")));
    assert_eq!(status(&gate, &of_issuer(tenant)), 401);
}

#[test]
fn exact_issuer_takes_precedence_over_looser_rules() {
    let template = IssuerRule::template_where("https://issuer{sub}", |_| true).unwrap();
    let unbound = AudienceRule::insecure_absent(TokenBinding::DedicatedKey);
    let gate = Gate::new(Verifier::new(other_key(), template, audience()))
        .with_verifier(Verifier::new(other_key(), IssuerRule::insecure_absent(), unbound))
        .unwrap()
        .with_verifier(verifier())
        .unwrap();
    assert_eq!(status(&gate, &token("")), 200, "verified with the key of the exact issuer");
    assert_eq!(status(&gate, &token(r#""aud":null"#)), 401, "the audience of the exact issuer is required");
    assert_eq!(status(&gate, &sign(r#"{"alg":"HS256"}"#, &claims_without("iss"))), 401, "the other key");
}

/// A tenant that the template describes but does not list may still sign up.
#[test]
fn directory_is_asked_for_tenants_that_a_template_does_not_list() {
    let tenants = IssuerRule::template("https://tenants.example/{tid}", ["listed"]).unwrap();
    let directory = Arc::new(Directory::default());
    let gate = Gate::new(Verifier::new(other_key(), tenants, audience()))
        .with_verifier_source(Arc::clone(&directory));
    assert_eq!(status(&gate, &of_issuer("https://tenants.example/new")), 102);
    assert_eq!(status(&gate, &of_issuer("https://tenants.example/listed")), 401, "the key of the template");
}

#[test]
fn overlapping_verifiers_are_refused() {
    let template = || IssuerRule::template_where("https://login.example/{tid}", |_| true).unwrap();
    let gate = Gate::new(Verifier::new(key(), template(), audience()));
    let error = gate.with_verifier(Verifier::new(key(), template(), audience())).unwrap_err();
    assert!(matches!(error, ConfigError::OverlappingIssuers { .. }), "{error}");
    let error = Gate::new(verifier()).with_verifier(verifier()).unwrap_err();
    assert_eq!(error, ConfigError::DuplicateIssuer { issuer: ISSUER.into() });
}

#[test]
fn many_issuers_are_found_by_their_text() {
    let many = (0..500).map(|i| for_issuer(&format!("https://tenants.example/{i}")));
    let gate = Gate::new(verifier()).with_verifiers(many).unwrap();
    for i in [0, 17, 499] {
        assert_eq!(status(&gate, &of_issuer(&format!("https://tenants.example/{i}"))), 200);
    }
    assert_eq!(status(&gate, &of_issuer("https://tenants.example/500")), 401);
    assert_eq!(status(&gate, &token("")), 200);
}

/// Padding that one issuer may use changes no answer to the tokens of others.
#[test]
fn tolerance_of_one_issuer_is_not_shared() {
    let strict = Gate::new(verifier());
    let lenient = for_issuer("https://else.example").tolerate_padding().tolerate_numeric_subject();
    let both = Gate::new(verifier()).with_verifier(lenient).unwrap();
    let [header, payload, signature] =
        <[&str; 3]>::try_from(token("").split('.').collect::<Vec<_>>().as_slice())
            .map(|parts| parts.map(str::to_owned))
            .unwrap();
    for odd in [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}==.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}==.{payload}==.{signature}=="),
        token(r#""sub":17"#),
        token(r#""iss":"https://unknown.example""#),
    ] {
        assert_eq!(status(&both, &odd), status(&strict, &odd), "{odd}");
        assert_ne!(status(&both, &odd), 200, "{odd}");
    }
}

#[test]
fn preflight_is_admitted_only_when_configured() {
    let preflight = || {
        FakeRequest::new("OPTIONS", "/")
            .header("origin", b"https://app.example")
            .header("access-control-request-method", b"POST")
    };
    let strict = Gate::new(verifier());
    let open = Gate::new(verifier()).with_preflights();
    assert!(matches!(strict.admit(&preflight(), NOW), Decision::Rejected(_)));
    let Decision::Admitted(admission) = open.admit(&preflight(), NOW) else { panic!("rejected") };
    assert!(admission.verified().is_none() && admission.require().is_err());
    // Only a preflight, and never with a bad token.
    let others = [
        FakeRequest::new("OPTIONS", "/"),
        FakeRequest::new("OPTIONS", "/").header("origin", b"https://app.example"),
        FakeRequest::new("POST", "/").header("origin", b"x").header("access-control-request-method", b"POST"),
        preflight().header("authorization", b"Bearer garbage"),
    ];
    for other in others {
        assert!(matches!(open.admit(&other, NOW), Decision::Rejected(_)));
    }
    assert!(!open.needs_headers_only());
}

#[test]
fn native_handshake_with_a_query_token_is_admitted_only_when_tolerated() {
    let target = format!("/?t={}", token(""));
    let query = TokenSource::insecure_query("t").unwrap();
    let gate = |source: TokenSource| Gate::new(verifier()).with_sources([source]).unwrap();
    let (strict, lenient) = (gate(query.clone()), gate(query.tolerate_native_handshakes().unwrap()));
    let handshake = || FakeRequest::get(&target).header("upgrade", b"websocket");
    let admits =
        |gate: &Gate, request: &FakeRequest| matches!(gate.admit(request, NOW), Decision::Admitted(_));
    assert!(!admits(&strict, &handshake()) && admits(&lenient, &handshake()));
    let over_http2 = FakeRequest::new("CONNECT", &target).header("sec-websocket-version", b"13");
    assert!(!admits(&strict, &over_http2) && admits(&lenient, &over_http2));
    // A browser names its origin, and a plain request is not a handshake.
    for other in [
        handshake().header("origin", b"https://evil.example"),
        handshake().header("origin", b"null"),
        handshake().header("sec-fetch-site", b"cross-site"),
        FakeRequest::new("POST", &target),
        FakeRequest::new("POST", &target).header("upgrade", b"websocket"),
    ] {
        assert!(!admits(&lenient, &other));
    }
}

#[test]
fn response_to_a_handshake_selects_the_subprotocol() {
    let source = TokenSource::websocket_protocol("access_token").unwrap();
    let gate = Gate::new(verifier()).with_sources([TokenSource::bearer(), source]).unwrap();
    let offer = format!("access_token, {}", token(""));
    let marks = |request: &FakeRequest| match gate.admit(request, NOW) {
        Decision::Admitted(admission) => gate.response_marks(request, &admission),
        other => panic!("{other:?}"),
    };
    let offering = || FakeRequest::get("/").header("sec-websocket-protocol", offer.as_bytes());
    let handshake = marks(&offering().header("upgrade", b"websocket"));
    assert!(handshake.is_private());
    assert_eq!(handshake.websocket_protocol(101), Some("access_token"));
    assert_eq!(handshake.websocket_protocol(404), None);
    assert_eq!(marks(&offering()).websocket_protocol(101), None, "not a handshake");
    let plain = bearer(&token("")).header("upgrade", b"websocket");
    assert_eq!(marks(&plain), ResponseMarks::default());
    assert!(gate.is_credential_header("sec-websocket-protocol"));
}

/// A source whose issuer replaced its key and kept the ID.
#[derive(Debug)]
struct Replaced {
    sets: [KeySet; 2],
    refreshes: AtomicUsize,
}

impl KeySource for Arc<Replaced> {
    fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
        let refreshes = self.refreshes.load(Ordering::SeqCst);
        Ok(self.sets[refreshes.min(1)].clone())
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
        let refreshes = self.refreshes.fetch_add(1, Ordering::SeqCst);
        let failed: Option<KeySetId> = wanted.unwrap().failed;
        assert_eq!(failed, Some(self.sets[refreshes.min(1)].id()), "the set that failed");
        (refreshes == 0).then(|| KeyRefresh::new(std::future::ready(())))
    }

    fn why_unavailable(&self, _: KeyRequest<'_>, _: UnixTime) -> Option<KeysUnavailable> {
        panic!("a forged signature is never a reason for 503")
    }
}

#[test]
fn failed_signature_may_ask_for_newer_keys() {
    let header = |kid: Option<&str>| match kid {
        Some(kid) => format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
        None => r#"{"alg":"HS256"}"#.to_owned(),
    };
    for kid in [None, Some("same")] {
        let named = |key: VerifyingKey| match kid {
            Some(kid) => key.with_key_id(kid).unwrap(),
            None => key,
        };
        let sets = [named(other_key()).into(), named(key()).into()];
        let source = Arc::new(Replaced { sets, refreshes: AtomicUsize::new(0) });
        let gate = Gate::new(Verifier::new(Arc::clone(&source), issuer(), audience()));
        let good = sign(&header(kid), &claims(""));
        assert_eq!(status(&gate, &good), 102, "the adapter waits for newer keys");
        assert!(gate.admit_after_refresh(&bearer(&good), NOW).is_ok());
        // A forged token is rejected with the newer keys too.
        let mut forged = good.clone();
        forged.replace_range(forged.len() - 4.., "AAAA");
        assert_eq!(status(&gate, &forged), 401);
        let rejection = gate.admit_after_refresh(&bearer(&forged), NOW).unwrap_err();
        assert_eq!(*rejection.error(), AuthError::InvalidToken(TokenError::SignatureMismatch));
    }
}

#[test]
fn sources_of_the_same_value_are_a_conflict() {
    let whole = || TokenSource::cookie("at").unwrap();
    let field = || TokenSource::header("x-token").unwrap();
    for sources in [
        [whole(), TokenSource::cookie_in_pieces("at").unwrap()],
        [whole(), whole().with_bearer_prefix().unwrap()],
        [field(), TokenSource::bearer_in("X-Token").unwrap()],
    ] {
        assert!(matches!(Gate::new(verifier()).with_sources(sources), Err(ConfigError::Conflict(_))));
    }
    let fine = [whole(), whole(), TokenSource::bearer(), TokenSource::scheme("JWT").unwrap(), field()];
    assert!(Gate::new(verifier()).with_sources(fine).is_ok());
}
