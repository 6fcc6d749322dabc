//! Tokens that real issuers make, and locations where real clients put them. Each is accepted by one explicit setting.

use serde_json::json;
use tollgate::{
    Algorithm, Audience, AudienceRule, ClaimPaths, Gate, GrantClaim, Issuer, IssuerRule, TokenSource,
    Verifier,
};
use tollgate_testing::{Forge, TokenBuilder, keys};
use tollgate_tests::client::Response;

use crate::cases::{
    Case, bearer, case, forbidden, insufficient_scope, invalid_request, invalid_token, missing, ok, private,
    request,
};
use crate::gates::{AUDIENCE, Gates, ISSUER, Kind};

const CLIENTS: &str = "https://clients.example";

/// Returns a gate with several issuers, all of one key, and many sources.
pub(crate) fn gate() -> Gate {
    let key = || keys::verifying(Algorithm::Hs256);
    let audience = || Audience::new(AUDIENCE).expect("an audience");
    let paths = ClaimPaths::default()
        .with_scopes_at([
            GrantClaim::at("scope"),
            GrantClaim::at("groups"),
            GrantClaim::separated_by(',', "perms"),
        ])
        .with_roles_at([
            GrantClaim::at("roles"),
            GrantClaim::keys_of("project_roles"),
            GrantClaim::member_of("teams", "name"),
        ])
        .with_implied_scopes("items", ["read:items"])
        .with_implied_roles("owner", ["admin"]);
    let issuer = Verifier::new(key(), Issuer::new(ISSUER).expect("an issuer"), audience())
        .with_claim_paths(paths)
        .tolerate_numeric_subject();
    let tenants =
        IssuerRule::template("https://tenants.example/{tid}/v2.0", ["t1", "t2"]).expect("a template");
    let clients = AudienceRule::claim("client_id", ["app"]).expect("a rule");
    Gate::new(issuer)
        .with_verifiers([
            Verifier::new(key(), tenants, audience()),
            Verifier::new(key(), Issuer::new(CLIENTS).expect("an issuer"), clients),
            Verifier::new(
                key(),
                IssuerRule::subject_prefix("spiffe://example.org/", None).expect("a prefix"),
                audience(),
            ),
        ])
        .expect("rules without overlaps")
        .with_sources(sources())
        .expect("sources")
        .with_preflights()
}

fn sources() -> Vec<TokenSource> {
    let query = TokenSource::insecure_query("access_token").and_then(TokenSource::tolerate_native_handshakes);
    let pieces = TokenSource::cookie_in_pieces("at").and_then(TokenSource::with_bearer_prefix);
    let named = [
        TokenSource::scheme("JWT"),
        TokenSource::bearer_in("X-Forwarded-Authorization"),
        pieces,
        query,
        TokenSource::websocket_protocol("access_token"),
    ];
    let mut sources = vec![TokenSource::bearer()];
    sources.extend(named.map(|source| source.expect("a source")));
    sources
}

/// Adds the cases.
pub(crate) fn add(gates: &Gates, cases: &mut Vec<Case>) {
    headers(gates, cases);
    cookies(gates, cases);
    handshakes(gates, cases);
    preflights(cases);
    issuers(gates, cases);
    claims(gates, cases);
    grants(gates, cases);
}

fn add_case(cases: &mut Vec<Case>, name: &str, request: Vec<u8>, expected: Response) {
    case(cases, format!("real_world/{name}"), Kind::RealWorld, request, expected);
}

const REALM: &str = r#"realm="api""#;

fn headers(gates: &Gates, cases: &mut Vec<Case>) {
    let token = gates.forge.token().sign();
    let get = |line: String| request("GET", "/", &[&line]);
    let mut add = |name: &str, line: String, expected: Response| add_case(cases, name, get(line), expected);
    add("scheme_jwt_is_read", format!("Authorization: JWT {token}"), ok("alice"));
    add("scheme_ignores_case", format!("Authorization: jwt  {token}"), ok("alice"));
    add("other_scheme_counts_as_no_token", format!("Authorization: Token {token}"), missing(REALM));
    add(
        "two_tokens_after_a_scheme_get_400",
        format!("Authorization: JWT {token} {token}"),
        invalid_request("api", ""),
    );
    add(
        "moved_authorization_is_read",
        format!("X-Forwarded-Authorization: Bearer {token}"),
        private("alice"),
    );
    add(
        "moved_authorization_needs_its_scheme",
        format!("X-Forwarded-Authorization: {token}"),
        missing(REALM),
    );
    let both = [bearer(&token), format!("X-Forwarded-Authorization: Bearer {token}")];
    let both = request("GET", "/", &both.each_ref().map(String::as_str));
    add_case(cases, "two_fields_get_400", both, invalid_request("api", ""));
}

fn cookies(gates: &Gates, cases: &mut Vec<Case>) {
    let token = gates.forge.token().sign();
    let (start, end) = token.split_at(40);
    let get = |cookie: String| request("GET", "/", &[&format!("Cookie: {cookie}")]);
    let mut add =
        |name: &str, cookie: String, expected: Response| add_case(cases, name, get(cookie), expected);
    add("cookie_in_pieces_is_joined", format!("at.1={end}; x=y; at.0={start}"), private("alice"));
    add("whole_cookie_is_read", format!("at={token}"), private("alice"));
    add("missing_piece_gets_400", format!("at.0={start}; at.2={end}"), invalid_request("api", ""));
    add("piece_alone_gets_400", format!("at.1={end}"), invalid_request("api", ""));
    add(
        "repeated_piece_gets_400",
        format!("at.0={start}; at.0={start}; at.1={end}"),
        invalid_request("api", ""),
    );
    add("whole_cookie_and_piece_get_400", format!("at={token}; at.0={start}"), invalid_request("api", ""));
    add("forged_piece_gets_401", format!("at.0={start}; at.1=AAAA"), invalid_token("api", ""));
    add("escaped_prefix_of_a_cookie_is_removed", format!("at=Bearer%20{token}"), private("alice"));
    add(
        "prefix_of_a_cookie_in_pieces_is_removed",
        format!("at.0=Bearer%20{start}; at.1={end}"),
        private("alice"),
    );
    let cross_site =
        [&*format!("Cookie: at.0={start}; at.1={end}"), "Sec-Fetch-Site: cross-site", "Content-Length: 0"];
    let cross_site = request("POST", "/", &cross_site);
    add_case(cases, "cookie_in_pieces_is_checked_for_cross_site_requests", cross_site, forbidden());
}

fn handshakes(gates: &Gates, cases: &mut Vec<Case>) {
    let token = gates.forge.token().sign();
    let selected = |protocol: &str| {
        let mut response = private("alice");
        response.headers.push(("sec-websocket-protocol".to_owned(), protocol.to_owned()));
        response
    };
    let upgrade = ["Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    let handshake = |target: &str, lines: &[&str]| request("GET", target, &[&upgrade, lines].concat());
    let offer = |list: &str| format!("Sec-WebSocket-Protocol: {list}");
    let offered = offer(&format!("access_token, {token}"));
    add_case(cases, "subprotocol_is_selected", handshake("/", &[&offered]), selected("access_token"));
    let evil = [&*offered, "Origin: https://evil.example"];
    // A page of another site cannot know the token.
    add_case(cases, "subprotocol_needs_no_origin_check", handshake("/", &evil), selected("access_token"));
    let chat = offer(&format!("chat, access_token, {token}"));
    add_case(
        cases,
        "subprotocol_among_others_is_selected",
        handshake("/", &[&chat]),
        selected("access_token"),
    );
    let split = [&*offer("access_token"), &*offer(&token)];
    add_case(
        cases,
        "subprotocols_in_two_fields_are_one_list",
        handshake("/", &split),
        selected("access_token"),
    );
    let alone = offer("access_token");
    add_case(cases, "subprotocol_alone_gets_400", handshake("/", &[&alone]), invalid_request("api", ""));
    let twice = offer(&format!("access_token, {token}, access_token, {token}"));
    add_case(cases, "repeated_subprotocol_gets_400", handshake("/", &[&twice]), invalid_request("api", ""));
    let other = offer(&format!("token, {token}"));
    add_case(cases, "other_subprotocol_counts_as_no_token", handshake("/", &[&other]), missing(REALM));
    let forged = offer("access_token, a.b.c");
    add_case(
        cases,
        "forged_token_as_subprotocol_gets_401",
        handshake("/", &[&forged]),
        invalid_token("api", ""),
    );

    let target = format!("/?access_token={token}");
    add_case(cases, "native_handshake_with_query_is_admitted", handshake(&target, &[]), private("alice"));
    for (name, line) in [
        ("origin", "Origin: https://evil.example"),
        ("null_origin", "Origin: null"),
        ("fetch_site", "Sec-Fetch-Site: cross-site"),
    ] {
        let name = format!("handshake_of_another_site_with_query_gets_403/{name}");
        add_case(cases, &name, handshake(&target, &[line]), forbidden());
    }
    let post = request("POST", &target, &["Content-Length: 0"]);
    add_case(cases, "post_with_query_and_without_origin_gets_403", post, forbidden());
}

fn preflights(cases: &mut Vec<Case>) {
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: POST"];
    add_case(cases, "preflight_is_admitted", request("OPTIONS", "/bare", &preflight), ok("bare"));
    add_case(cases, "extractor_rejects_preflight", request("OPTIONS", "/", &preflight), missing(REALM));
    let options = request("OPTIONS", "/bare", &["Origin: https://app.example"]);
    add_case(cases, "options_without_preflight_header_gets_401", options, missing(REALM));
    let post = request("POST", "/", &[&preflight[..], &["Content-Length: 0"]].concat());
    add_case(cases, "preflight_header_on_post_gets_401", post, missing(REALM));
    let bad = [&preflight[..], &["Authorization: Bearer a.b.c"]].concat();
    add_case(
        cases,
        "preflight_with_bad_token_gets_401",
        request("OPTIONS", "/bare", &bad),
        invalid_token("api", ""),
    );
}

fn issuers(gates: &Gates, cases: &mut Vec<Case>) {
    let clock = gates.clock();
    let get = |token: TokenBuilder| request("GET", "/", &[&bearer(&token.sign())]);
    let tenant = |tenant: &str| {
        Forge::new(format!("https://tenants.example/{tenant}/v2.0"), AUDIENCE).with_clock(&clock).token()
    };
    let mut add =
        |name: &str, token: TokenBuilder, expected: Response| add_case(cases, name, get(token), expected);
    let bad = || invalid_token("api", "");
    add("issuer_by_template_is_accepted", tenant("t1").claim("tid", "t1"), ok("alice"));
    add("other_tenant_gets_401", tenant("t3").claim("tid", "t3"), bad());
    add("tenant_that_its_claim_does_not_repeat_gets_401", tenant("t1").claim("tid", "t2"), bad());
    add("tenant_without_its_claim_gets_401", tenant("t1"), bad());
    let client = || Forge::new(CLIENTS, AUDIENCE).with_clock(&clock).token().without("aud");
    add("audience_in_another_claim_is_accepted", client().claim("client_id", "app"), ok("alice"));
    add(
        "null_audience_counts_as_absent",
        client().claim("client_id", "app").claim("aud", json!(null)),
        ok("alice"),
    );
    add("other_client_gets_401", client().claim("client_id", "other"), bad());
    add("token_without_client_gets_401", client(), bad());
    add(
        "other_audience_beside_the_client_gets_401",
        client().claim("client_id", "app").claim("aud", "api://other"),
        bad(),
    );
    let svid = |subject: &str| gates.forge.token().without("iss").subject(subject);
    add(
        "subject_of_the_trust_domain_is_accepted",
        svid("spiffe://example.org/web"),
        ok("spiffe://example.org/web"),
    );
    add("subject_of_another_trust_domain_gets_401", svid("spiffe://example.org.evil.example/web"), bad());
    add(
        "client_of_another_issuer_gets_401",
        gates.forge.token().without("aud").claim("client_id", "app"),
        bad(),
    );
}

fn claims(gates: &Gates, cases: &mut Vec<Case>) {
    let get = |token: TokenBuilder| request("GET", "/", &[&bearer(&token.sign())]);
    let token = || gates.forge.token();
    let mut add =
        |name: &str, token: TokenBuilder, expected: Response| add_case(cases, name, get(token), expected);
    for name in ["nbf", "iat", "jti", "nonce", "cnf"] {
        add(&format!("null_claim_counts_as_absent/{name}"), token().claim(name, json!(null)), ok("alice"));
    }
    for name in ["exp", "iss", "aud"] {
        let expected = invalid_token("api", "");
        add(
            &format!("null_for_a_required_claim_gets_401/{name}"),
            token().claim(name, json!(null)),
            expected,
        );
    }
    add("null_in_the_header_gets_401", token().header("kid", json!(null)), invalid_token("api", ""));
    add("numeric_subject_is_accepted", token().claim("sub", 17), ok("17"));
    add("fractional_subject_gets_401", token().claim("sub", 1.5), invalid_token("api", ""));
    add("largest_double_is_accepted", token().claim("n", f64::MAX), ok("alice"));
    add("thumbprint_without_keys_that_have_one_is_ignored", token().header("x5t", "AAAA"), ok("alice"));
}

fn grants(gates: &Gates, cases: &mut Vec<Case>) {
    let token = || gates.forge.token();
    let get = |target: &str, token: TokenBuilder| request("GET", target, &[&bearer(&token.sign())]);
    let (scope, policy) = ("/scope", "/policy");
    let denied = |target: &str| {
        let scope = if target == "/scope" { "read:items" } else { "write:items" };
        insufficient_scope("api", &format!(r#", scope="{scope}""#))
    };
    let granted = [
        ("string", scope, token().claim("scope", "a read:items")),
        ("member_of_array", scope, token().claim("groups", ["read:items"])),
        ("between_commas", scope, token().claim("perms", "a, read:items")),
        ("implied_scope", scope, token().claim("scope", "items")),
        ("key_of_object", policy, token().claim("project_roles", json!({"admin": {"1": "x"}}))),
        ("member_of_object", policy, token().claim("teams", json!([{"name": "admin", "id": 1}]))),
        ("implied_role", policy, token().claim("roles", ["owner"])),
        (
            "null_roles_beside",
            policy,
            token().claim("roles", json!(null)).claim("teams", json!({"name": "admin"})),
        ),
    ];
    for (name, target, token) in granted {
        add_case(cases, &format!("grant_is_read/{name}"), get(target, token), ok("alice"));
    }
    let refused = [
        ("part_of_a_member", scope, token().claim("groups", ["x read:items"])),
        ("part_between_commas", scope, token().claim("perms", ["a,read:items"])),
        ("null", scope, token().claim("scope", json!(null))),
        ("false_key", policy, token().claim("project_roles", json!({"admin": false}))),
        ("null_roles", policy, token().claim("roles", json!(null))),
        ("space_of_another_kind", scope, token().claim("scope", "read:items\u{a0}")),
        ("tab", scope, token().claim("scope", "a\tread:items")),
    ];
    for (name, target, token) in refused {
        add_case(
            cases,
            &format!("right_that_was_not_granted_gets_403/{name}"),
            get(target, token),
            denied(target),
        );
    }
    let malformed = [
        ("object", scope, token().claim("groups", json!({"read:items": true}))),
        ("array_for_object", policy, token().claim("project_roles", ["admin"])),
        ("number", policy, token().claim("roles", [1])),
        ("object_without_the_member", policy, token().claim("teams", json!([{"id": "admin"}]))),
    ];
    for (name, target, token) in malformed {
        add_case(
            cases,
            &format!("malformed_grant_gets_401/{name}"),
            get(target, token),
            invalid_token("api", ""),
        );
    }
}
