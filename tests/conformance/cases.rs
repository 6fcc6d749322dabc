//! The cases: the bytes of a request, the gate in front, and the complete expected response.

use tollgate::Algorithm;
use tollgate_testing::{TokenBuilder, keys};

use crate::gates::{AUDIENCE, Gates, ISSUER, Kind, OTHER_ISSUER};
use tollgate_tests::client::Response;

/// One request and the expected response.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) gate: Kind,
    pub(crate) request: Vec<u8>,
    pub(crate) expected: Response,
}

pub(crate) fn all(gates: &Gates) -> Vec<Case> {
    let mut cases = Vec::new();
    wire_table(gates, &mut cases);
    bad_tokens(gates, &mut cases);
    authorization_field(gates, &mut cases);
    other_sources(gates, &mut cases);
    cross_site(gates, &mut cases);
    methods(gates, &mut cases);
    optional(gates, &mut cases);
    policies(gates, &mut cases);
    issuers(gates, &mut cases);
    step_up(gates, &mut cases);
    beside_loose_issuers(&mut cases);
    crate::real_world::add(gates, &mut cases);
    cases
}

/// Repeats the cases of one issuer with other issuers beside it, for which every check that can be given up is given
/// up. No answer may change.
fn beside_loose_issuers(cases: &mut Vec<Case>) {
    let beside = |case: &Case| {
        let gate = match case.gate {
            Kind::Plain => Kind::PlainBesideLoose,
            Kind::Sources => Kind::SourcesBesideLoose,
            Kind::Strict => Kind::StrictBesideLoose,
            _ => return None,
        };
        Some(Case { name: format!("beside_loose_issuers/{}", case.name), gate, ..case.clone() })
    };
    let repeated: Vec<Case> = cases.iter().filter_map(beside).collect();
    cases.extend(repeated);
}

const METADATA: &str = r#"resource_metadata="https://api.example/.well-known/oauth-protected-resource/v1""#;

/// Builds a request without a body from header lines.
pub(crate) fn request(method: &str, target: &str, lines: &[&str]) -> Vec<u8> {
    let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    raw_request(method, target, &bytes)
}

pub(crate) fn raw_request(method: &str, target: &str, lines: &[&[u8]]) -> Vec<u8> {
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n").into_bytes();
    for line in lines {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

pub(crate) fn ok(body: &str) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_owned() }
}

/// Like [`ok`], for a token outside `Authorization`: caches need `Cache-Control: private`.
pub(crate) fn private(body: &str) -> Response {
    Response { headers: vec![("cache-control".to_owned(), "private".to_owned())], ..ok(body) }
}

/// Builds the response to a rejected request: problem details (RFC 9457) that no cache may store.
fn rejection(status: u16, challenge: Option<&str>, retry_after: Option<&str>, body: &str) -> Response {
    let mut headers = vec![("cache-control", "no-store"), ("content-type", "application/problem+json")];
    headers.extend(retry_after.map(|value| ("retry-after", value)));
    headers.extend(challenge.map(|value| ("www-authenticate", value)));
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Response { status, headers, body: body.to_owned() }
}

pub(crate) fn missing(protection: &str) -> Response {
    let body = r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"an access token is required"}"#;
    rejection(401, Some(&format!("Bearer {protection}")), None, body)
}

pub(crate) fn invalid_request(realm: &str, after: &str) -> Response {
    let body = r#"{"type":"tag:tollgate.example,2026:malformed-credentials","title":"Malformed credentials","status":400,"detail":"the credentials are malformed or were presented more than once","error":"invalid_request"}"#;
    rejection(400, Some(&format!(r#"Bearer realm="{realm}", error="invalid_request"{after}"#)), None, body)
}

pub(crate) fn invalid_token(realm: &str, after: &str) -> Response {
    let body = r#"{"type":"tag:tollgate.example,2026:invalid-token","title":"Invalid access token","status":401,"detail":"the access token is not valid here","error":"invalid_token"}"#;
    rejection(401, Some(&format!(r#"Bearer realm="{realm}", error="invalid_token"{after}"#)), None, body)
}

pub(crate) fn insufficient_scope(realm: &str, after: &str) -> Response {
    let body = r#"{"type":"tag:tollgate.example,2026:insufficient-scope","title":"Insufficient scope","status":403,"detail":"the access token does not grant enough","error":"insufficient_scope"}"#;
    rejection(403, Some(&format!(r#"Bearer realm="{realm}", error="insufficient_scope"{after}"#)), None, body)
}

pub(crate) fn forbidden() -> Response {
    let body = r#"{"type":"tag:tollgate.example,2026:cross-site-request","title":"Cross-site request","status":403,"detail":"the request may have been caused by another site"}"#;
    rejection(403, None, None, body)
}

fn unavailable(retry_after: &str) -> Response {
    let body = r#"{"type":"tag:tollgate.example,2026:verification-unavailable","title":"Verification unavailable","status":503,"detail":"tokens cannot be verified at present"}"#;
    rejection(503, None, Some(retry_after), body)
}

pub(crate) fn case(
    cases: &mut Vec<Case>,
    name: impl Into<String>,
    gate: Kind,
    request: Vec<u8>,
    expected: Response,
) {
    cases.push(Case { name: name.into(), gate, request, expected });
}

/// One case for each kind of response.
fn wire_table(gates: &Gates, cases: &mut Vec<Case>) {
    let good = bearer(&gates.forge.token().sign());
    let get = |lines: &[&str]| request("GET", "/", lines);
    let after = format!(", {METADATA}");
    case(cases, "wire/good_token_is_admitted", Kind::Plain, get(&[&good]), ok("alice"));
    let protection = format!(r#"realm="orders", {METADATA}"#);
    case(cases, "wire/missing_token_gets_401", Kind::Plain, get(&[]), missing(&protection));
    case(
        cases,
        "wire/repeated_token_gets_400",
        Kind::Plain,
        get(&[&good, &good]),
        invalid_request("orders", &after),
    );
    let bad = bearer(&gates.forge.token().with_broken_signature());
    case(cases, "wire/bad_token_gets_401", Kind::Plain, get(&[&bad]), invalid_token("orders", &after));
    let scoped = request("GET", "/scope", &[&good]);
    let expected = insufficient_scope("orders", &format!(r#", scope="read:items", {METADATA}"#));
    case(cases, "wire/missing_scope_gets_403", Kind::Plain, scoped, expected);
    let cookie = format!("Cookie: __Host-Http-at={}", gates.forge.token().sign());
    let cross_site = request("POST", "/", &[&cookie, "Sec-Fetch-Site: cross-site", "Content-Length: 0"]);
    case(cases, "wire/cross_site_cookie_gets_403", Kind::Sources, cross_site, forbidden());
    case(cases, "wire/unavailable_keys_get_503", Kind::NoKeys, get(&[&good]), unavailable("7"));
    case(cases, "wire/unavailable_revocations_get_503", Kind::NoRevocations, get(&[&good]), unavailable("3"));

    let body = r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the server is not set up correctly"}"#;
    case(
        cases,
        "wire/missing_gate_gets_500",
        Kind::Plain,
        request("GET", "/unguarded", &[&good]),
        rejection(500, None, None, body),
    );

    case(cases, "wire/open_route_needs_no_token", Kind::Plain, request("GET", "/open", &[]), ok("open"));
    case(cases, "wire/late_key_is_awaited", Kind::LateKeys, get(&[&good]), ok("alice"));
}

/// One case for each cause of `invalid_token`. All responses have the same bytes.
fn bad_tokens(gates: &Gates, cases: &mut Vec<Case>) {
    let forge = &gates.forge;
    let token = || forge.token();
    let now = forge.now().as_secs();
    let claim = |name: &str, value: serde_json::Value| token().claim(name, value).sign();
    let good = token().sign();
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    let bad: Vec<(&str, String)> = vec![
        ("expired", claim("exp", (now - 60).into())),
        ("not_yet_valid", claim("nbf", (now + 61).into())),
        ("issued_in_future", claim("iat", (now + 61).into())),
        ("no_exp", token().without("exp").sign()),
        ("no_iss", token().without("iss").sign()),
        ("no_aud", token().without("aud").sign()),
        ("exp_string", claim("exp", "9999999999".into())),
        ("exp_null", claim("exp", serde_json::Value::Null)),
        ("wrong_issuer", claim("iss", "https://issuer.example/".into())),
        ("issuer_array", claim("iss", serde_json::json!([ISSUER]))),
        ("wrong_audience", claim("aud", "api://other".into())),
        ("audience_number", claim("aud", 1.into())),
        ("broken_signature", token().with_broken_signature()),
        ("other_key", token().sign_with(&keys::signing(Algorithm::Hs512))),
        ("expired_and_broken", token().claim("exp", now - 60).with_broken_signature()),
        ("unsecured", token().unsigned()),
        ("alg_none_signed", token().header("alg", "none").sign()),
        ("alg_lower_case", token().header("alg", "hs256").sign()),
        ("alg_other", token().header("alg", "RS256").sign()),
        ("no_alg", token().without_header("alg").sign()),
        ("crit", token().header("crit", ["exp"]).sign()),
        ("b64", token().header("b64", false).sign()),
        ("zip", token().header("zip", "DEF").sign()),
        ("nested", token().header("cty", "JWT").sign()),
        ("id_token_type", token().header("typ", "id+jwt").sign()),
        ("id_token_claim", claim("nonce", "n".into())),
        ("sender_constrained", claim("cnf", serde_json::json!({"jkt": "x"}))),
        ("kid_number", token().header("kid", 1).sign()),
        ("duplicate_claim", token().raw_payload(duplicate(&token(), "sub")).sign()),
        ("duplicate_header", token().raw_header(r#"{"alg":"HS256","alg":"HS256"}"#).sign()),
        ("payload_not_object", token().raw_payload("[]").sign()),
        ("payload_not_utf8", token().raw_payload(b"{\"a\":\"\xff\"}".to_vec()).sign()),
        ("deep", token().raw_payload(format!("{{\"a\":{}", "[".repeat(3000))).sign()),
        ("not_a_token", "abc".to_owned()),
        ("two_parts", input.to_owned()),
        ("four_parts", format!("{good}.x")),
        ("encrypted", "a.b.c.d.e".to_owned()),
        ("no_signature", format!("{input}.")),
        ("padded", format!("{good}=")),
        ("other_alphabet", format!("{input}.{}/", &signature[1..])),
        ("too_long", format!("{input}.{}", "A".repeat(8192))),
    ];

    for (name, token) in bad {
        let expected = invalid_token("orders", &format!(", {METADATA}"));
        case(
            cases,
            format!("bad_token_gets_401/{name}"),
            Kind::Plain,
            request("GET", "/", &[&bearer(&token)]),
            expected,
        );
    }

    let typed = |token: String| request("GET", "/typed", &[&bearer(&token)]);
    let expected = invalid_token("orders", &format!(", {METADATA}"));
    case(
        cases,
        "bad_token_gets_401/claims_of_wrong_type",
        Kind::Plain,
        typed(claim("tenant", "x".into())),
        expected,
    );
    case(
        cases,
        "wire/typed_claims_reach_the_handler",
        Kind::Plain,
        typed(claim("tenant", 7.into())),
        ok("7"),
    );
    strict_profile(gates, cases);
}

fn strict_profile(gates: &Gates, cases: &mut Vec<Case>) {
    let token =
        |id: &str| gates.forge.token().header("typ", "at+jwt").claim("client_id", "c").claim("jti", id);
    let get = |token: TokenBuilder| request("GET", "/", &[&bearer(&token.sign())]);
    case(cases, "strict_profile/complete_token_is_admitted", Kind::Strict, get(token("t1")), ok("alice"));
    case(cases, "bad_token_gets_401/revoked", Kind::Strict, get(token("revoked")), invalid_token("api", ""));
    case(
        cases,
        "strict_profile/token_without_jti_gets_401",
        Kind::Strict,
        get(token("x").without("jti")),
        invalid_token("api", ""),
    );
    case(
        cases,
        "strict_profile/token_of_another_type_gets_401",
        Kind::Strict,
        get(token("t1").header("typ", "JWT")),
        invalid_token("api", ""),
    );
}

/// Returns the claims of a token with one member repeated.
fn duplicate(token: &TokenBuilder, name: &str) -> String {
    let text = token.clone().sign();
    let payload = text.split('.').nth(1).expect("a payload");
    let json = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload)
        .expect("base64url");
    let json = String::from_utf8(json).expect("UTF-8");
    format!("{},\"{name}\":\"mallory\"}}", json.strip_suffix('}').expect("an object"))
}

/// The grammar of `Authorization`.
fn authorization_field(gates: &Gates, cases: &mut Vec<Case>) {
    let token = gates.forge.token().sign();
    let field = |value: &str| request("GET", "/", &[&format!("Authorization: {value}")]);
    let after = format!(", {METADATA}");

    for (name, scheme) in [
        ("in_lower_case", "bearer"),
        ("in_upper_case", "BEARER"),
        ("in_mixed_case", "bEaReR"),
        ("with_spaces", "Bearer  "),
    ] {
        case(
            cases,
            format!("authorization/scheme_is_accepted_{name}"),
            Kind::Plain,
            field(&format!("{scheme} {token}")),
            ok("alice"),
        );
    }

    let name_case = request("GET", "/", &[&format!("aUTHORIZATION: Bearer {token}")]);
    case(cases, "authorization/field_name_ignores_case", Kind::Plain, name_case, ok("alice"));

    let protection = format!(r#"realm="orders", {METADATA}"#);
    for (name, value) in [("basic", "Basic YTpi"), ("dpop", "DPoP x"), ("longer", "Bearerx y"), ("empty", "")]
    {
        case(
            cases,
            format!("authorization/other_scheme_counts_as_no_token/{name}"),
            Kind::Plain,
            field(value),
            missing(&protection),
        );
    }

    let malformed = [
        ("alone", "Bearer".to_owned()),
        ("two_tokens", format!("Bearer {token} {token}")),
        ("comma", format!("Bearer {token}, Bearer {token}")),
        ("tab", format!("Bearer\t{token}")),
        ("quoted", format!("Bearer \"{token}\"")),
        ("equals", "Bearer =".to_owned()),
    ];
    for (name, value) in malformed {
        case(
            cases,
            format!("authorization/malformed_value_gets_400/{name}"),
            Kind::Plain,
            field(&value),
            invalid_request("orders", &after),
        );
    }

    let bytes: [(&str, &[u8]); 2] =
        [("non_ascii", b"Authorization: Bearer t\xc3\xb6ken"), ("latin1", b"Authorization: Bearer t\xf6ken")];
    for (name, line) in bytes {
        case(
            cases,
            format!("authorization/malformed_value_gets_400/{name}"),
            Kind::Plain,
            raw_request("GET", "/", &[line]),
            invalid_request("orders", &after),
        );
    }

    let (good, basic) = (bearer(&token), "Authorization: Basic YTpi");
    for (name, lines) in [("bearer_then_basic", [&*good, basic]), ("basic_then_bearer", [basic, &*good])] {
        case(
            cases,
            format!("authorization/repeated_field_gets_400/{name}"),
            Kind::Plain,
            request("GET", "/", &lines),
            invalid_request("orders", &after),
        );
    }
}

/// Cookies, custom fields and query parameters.
fn other_sources(gates: &Gates, cases: &mut Vec<Case>) {
    let token = gates.forge.token().sign();
    let get = |lines: &[&str]| request("GET", "/", lines);
    let cookie = |value: &str| get(&[&format!("Cookie: {value}")]);
    let at = format!("__Host-Http-at={token}");

    for (name, value) in [
        ("alone", at.clone()),
        ("among_others", format!("a=b; {at}; c=d")),
        ("quoted", format!("__Host-Http-at=\"{token}\"")),
    ] {
        case(
            cases,
            format!("sources/cookie_is_admitted/{name}"),
            Kind::Sources,
            cookie(&value),
            private("alice"),
        );
    }

    let split = get(&["Cookie: a=b", &format!("Cookie: {at}")]);
    case(cases, "sources/cookie_is_admitted/in_second_field", Kind::Sources, split, private("alice"));
    for (name, value) in
        [("other_case", format!("__HOST-Http-at={token}")), ("empty", "__Host-Http-at=".to_owned())]
    {
        case(
            cases,
            format!("sources/cookie_counts_as_absent/{name}"),
            Kind::Sources,
            cookie(&value),
            missing(r#"realm="api""#),
        );
    }

    case(
        cases,
        "sources/repeated_cookie_gets_400",
        Kind::Sources,
        cookie(&format!("{at}; {at}")),
        invalid_request("api", ""),
    );

    case(
        cases,
        "sources/bad_cookie_gets_401",
        Kind::Sources,
        cookie("__Host-Http-at=abc"),
        invalid_token("api", ""),
    );

    let x_token = format!("X-Token: {token}");
    case(cases, "sources/header_is_admitted", Kind::Sources, get(&[&x_token]), private("alice"));
    case(
        cases,
        "sources/repeated_header_gets_400",
        Kind::Sources,
        get(&[&x_token, &x_token]),
        invalid_request("api", ""),
    );
    case(
        cases,
        "sources/header_and_bearer_get_400",
        Kind::Sources,
        get(&[&x_token, &bearer(&token)]),
        invalid_request("api", ""),
    );

    let query = request("GET", &format!("/?access_token={token}"), &[]);
    case(cases, "sources/query_is_admitted", Kind::Sources, query, private("alice"));
    let both = request("GET", &format!("/?access_token={token}"), &[&bearer(&token)]);
    case(cases, "sources/query_and_bearer_get_400", Kind::Sources, both, invalid_request("api", ""));
    let not_enabled = request("GET", &format!("/?access_token={token}"), &[]);
    let protection = format!(r#"realm="orders", {METADATA}"#);
    case(cases, "sources/query_is_ignored_unless_enabled", Kind::Plain, not_enabled, missing(&protection));

    // A cookie neither replaces an explicit credential nor conflicts with it.
    let cookie_line = format!("Cookie: {at}");
    case(
        cases,
        "sources/bearer_wins_over_cookie",
        Kind::Sources,
        get(&[&bearer(&token), &cookie_line]),
        ok("alice"),
    );

    let bad_bearer = get(&[&bearer("abc"), &cookie_line]);
    case(
        cases,
        "sources/cookie_does_not_replace_a_bad_bearer",
        Kind::Sources,
        bad_bearer,
        invalid_token("api", ""),
    );
    let basic = get(&["Authorization: Basic YTpi", &cookie_line]);
    case(cases, "sources/cookie_is_admitted_beside_basic", Kind::Sources, basic, private("alice"));
}

/// Requests with a token in a cookie, from different sites.
fn cross_site(gates: &Gates, cases: &mut Vec<Case>) {
    let cookie = format!("Cookie: __Host-Http-at={}", gates.forge.token().sign());
    let lines: [(&str, &[&str], bool); 10] = [
        ("same_origin", &["Sec-Fetch-Site: same-origin"], true),
        ("none", &["Sec-Fetch-Site: none"], true),
        ("same_site", &["Sec-Fetch-Site: same-site"], false),
        ("unknown", &["Sec-Fetch-Site: Same-Origin"], false),
        ("repeated", &["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"], false),
        ("origin_is_host", &["Origin: https://api.example"], true),
        ("origin_other", &["Origin: https://evil.example"], false),
        ("origin_null", &["Origin: null"], false),
        ("origin_trusted", &["Sec-Fetch-Site: cross-site", "Origin: https://app.example"], true),
        ("no_provenance", &[], false),
    ];

    for (name, lines, admitted) in lines {
        let mut all = vec![&*cookie, "Content-Length: 0"];
        all.extend(lines);
        let (verdict, expected) =
            if admitted { ("admitted", private("alice")) } else { ("rejected", forbidden()) };
        case(
            cases,
            format!("cross_site/{name}_is_{verdict}"),
            Kind::Sources,
            request("POST", "/", &all),
            expected,
        );
    }

    let evil = "Sec-Fetch-Site: cross-site";
    case(
        cases,
        "cross_site/get_is_admitted",
        Kind::Sources,
        request("GET", "/", &[&cookie, evil]),
        private("alice"),
    );
    // A form on another site can also put a token into the query.
    let in_query = format!("/?access_token={}", gates.forge.token().sign());
    let form = request("POST", &in_query, &[evil, "Content-Length: 0"]);
    case(cases, "cross_site/query_token_is_rejected", Kind::Sources, form, forbidden());
    let explicit = bearer(&gates.forge.token().sign());
    let post = request("POST", "/", &[&explicit, evil, "Content-Length: 0"]);
    case(cases, "cross_site/bearer_token_is_admitted", Kind::Sources, post, ok("alice"));
}

/// The gate treats all methods alike. Responses to HEAD have no body (RFC 9110 §9.3.2).
fn methods(gates: &Gates, cases: &mut Vec<Case>) {
    let good = bearer(&gates.forge.token().sign());
    let protection = format!(r#"realm="orders", {METADATA}"#);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "HEAD"] {
        let strip = |response: Response| {
            if method == "HEAD" { Response { body: String::new(), ..response } } else { response }
        };
        let lines = [&*good, "Content-Length: 0"];

        case(
            cases,
            format!("methods/{method}_is_admitted_with_token"),
            Kind::Plain,
            request(method, "/", &lines),
            strip(ok("alice")),
        );

        let none = request(method, "/", &["Content-Length: 0"]);
        case(
            cases,
            format!("methods/{method}_is_rejected_without_token"),
            Kind::Plain,
            none,
            strip(missing(&protection)),
        );
    }

    let preflight =
        request("OPTIONS", "/", &["Origin: https://app.example", "Access-Control-Request-Method: POST"]);
    case(
        cases,
        "methods/preflight_is_rejected_behind_the_gate",
        Kind::Plain,
        preflight,
        missing(&protection),
    );
}

fn optional(gates: &Gates, cases: &mut Vec<Case>) {
    let get = |lines: &[&str]| request("GET", "/optional", lines);
    let after = format!(", {METADATA}");
    let good = bearer(&gates.forge.token().sign());
    case(cases, "optional/token_is_admitted", Kind::Plain, get(&[&good]), ok("alice"));
    case(cases, "optional/missing_token_is_anonymous", Kind::Plain, get(&[]), ok("anonymous"));
    case(
        cases,
        "optional/basic_is_anonymous",
        Kind::Plain,
        get(&["Authorization: Basic YTpi"]),
        ok("anonymous"),
    );
    case(
        cases,
        "optional/bad_token_gets_401",
        Kind::Plain,
        get(&[&bearer("garbage")]),
        invalid_token("orders", &after),
    );
    case(
        cases,
        "optional/repeated_token_gets_400",
        Kind::Plain,
        get(&[&good, &good]),
        invalid_request("orders", &after),
    );
    case(cases, "optional/unavailable_keys_get_503", Kind::NoKeys, get(&[&good]), unavailable("7"));
    case(cases, "optional/missing_token_needs_no_keys", Kind::NoKeys, get(&[]), ok("anonymous"));
}

fn policies(gates: &Gates, cases: &mut Vec<Case>) {
    let token = || gates.forge.token();
    let get = |path: &str, token: TokenBuilder| request("GET", path, &[&bearer(&token.sign())]);
    let lacks = |scope: &str| insufficient_scope("orders", &format!(r#", scope="{scope}", {METADATA}"#));
    let refused = || invalid_token("orders", &format!(", {METADATA}"));
    let table = [
        ("scope_among_others_is_found", get("/scope", token().scope("a read:items b")), ok("alice")),
        ("scope_array_is_read", get("/scope", token().claim("scp", ["read:items"])), ok("alice")),
        ("scope_in_other_case_is_rejected", get("/scope", token().scope("READ:items")), lacks("read:items")),
        (
            "scope_prefix_is_rejected",
            get("/scope", token().scope("read:item read:items2")),
            lacks("read:items"),
        ),
        ("malformed_scope_gets_401", get("/scope", token().claim("scope", 1)), refused()),
        ("role_satisfies_any", get("/policy", token().roles(&["admin"])), ok("alice")),
        ("scope_satisfies_any", get("/policy", token().scope("write:items")), ok("alice")),
        ("any_rejects_a_token_with_neither", get("/policy", token()), lacks("write:items")),
        (
            "not_rejects_a_listed_role",
            get("/policy", token().roles(&["admin", "suspended"])),
            lacks("write:items"),
        ),
        (
            "malformed_roles_get_401",
            get("/policy", token().scope("write:items").claim("roles", [1])),
            refused(),
        ),
    ];

    for (name, request, expected) in table {
        case(cases, format!("policies/{name}"), Kind::Plain, request, expected);
    }

    let protection = format!(r#"realm="orders", {METADATA}"#);
    case(
        cases,
        "policies/missing_token_gets_401",
        Kind::Plain,
        request("GET", "/scope", &[]),
        missing(&protection),
    );
}

/// Two issuers whose keys have the same key ID. The gate verifies each token with its own issuer's key.
fn issuers(gates: &Gates, cases: &mut Vec<Case>) {
    let get = |token: String| request("GET", "/", &[&bearer(&token)]);
    let first = gates.forge.token().header("kid", "k1");
    let second = gates.other_forge.token();
    let second_key = keys::signing(Algorithm::Es256);
    let crossed = first.clone().header("alg", "ES256").sign_with(&second_key);
    let claims_other = second.clone().claim("iss", ISSUER).sign();
    let unknown = second.clone().claim("iss", "https://third.example").sign();
    let wrong_audience = second.clone().claim("aud", OTHER_ISSUER).sign();
    case(cases, "issuers/first_issuer_is_admitted", Kind::TwoIssuers, get(first.sign()), ok("alice"));
    case(
        cases,
        "issuers/second_issuer_is_admitted",
        Kind::TwoIssuers,
        get(second.claim("aud", [AUDIENCE]).sign()),
        ok("alice"),
    );

    for (name, token) in [
        ("token_signed_by_the_other_is_rejected", crossed),
        ("token_naming_the_other_is_rejected", claims_other),
        ("unknown_issuer_is_rejected", unknown),
        ("wrong_audience_is_rejected", wrong_audience),
    ] {
        case(cases, format!("issuers/{name}"), Kind::TwoIssuers, get(token), invalid_token("api", ""));
    }
}

/// Policies on the authentication of the user (RFC 9470).
fn step_up(gates: &Gates, cases: &mut Vec<Case>) {
    let now = gates.forge.now().as_secs();
    let token = |acr: &str, ago: i64| gates.forge.token().claim("acr", acr).claim("auth_time", now - ago);
    let get = |token: TokenBuilder| request("GET", "/", &[&bearer(&token.sign())]);
    let challenge = |parameters: &str| {
        let body = r#"{"type":"tag:tollgate.example,2026:insufficient-user-authentication","title":"Insufficient user authentication","status":401,"detail":"the user has to authenticate again or in another way","error":"insufficient_user_authentication"}"#;
        let challenge =
            format!(r#"Bearer realm="api", error="insufficient_user_authentication", {parameters}"#);
        rejection(401, Some(&challenge), None, body)
    };
    let acr = r#"acr_values="phr mfa""#;
    let age = r#"max_age="300""#;
    let table = [
        ("sufficient_authentication_is_admitted", token("mfa", 300), ok("alice")),
        ("weak_authentication_gets_401", token("pwd", 0), challenge(acr)),
        ("old_authentication_gets_401", token("phr", 301), challenge(age)),
        ("weak_and_old_authentication_gets_401", token("pwd", 301), challenge(&format!("{acr}, {age}"))),
        ("token_without_acr_gets_401", token("mfa", 0).without("acr"), challenge(acr)),
        ("token_without_auth_time_gets_401", token("mfa", 0).without("auth_time"), challenge(age)),
        ("malformed_auth_time_gets_401", token("mfa", 0).claim("auth_time", "now"), invalid_token("api", "")),
    ];
    for (name, token, expected) in table {
        case(cases, format!("step_up/{name}"), Kind::StepUp, get(token), expected);
    }
}
