//! The table of cases. All cases of an adapter share a server, and each one creates its own accounts there.

use tollgate::ForwardedHeader;
use tollgate_tests::client;

use crate::server::{PASSWORD, Server, cleared, cookies, credentials, header, member, text};

/// The name and body of a case.
pub(crate) type Case = (&'static str, fn(&Server));

pub(crate) const ALL: [Case; 19] = [
    ("login_returns_tokens_in_the_body", login_returns_tokens_in_the_body),
    ("login_sets_tokens_as_cookies", login_sets_tokens_as_cookies),
    ("refresh_rejects_a_cookie_token_in_the_body", refresh_rejects_a_cookie_token_in_the_body),
    ("endpoints_reject_malformed_json", endpoints_reject_malformed_json),
    ("null_member_counts_as_absent", null_member_counts_as_absent),
    ("endpoints_reject_other_content_types", endpoints_reject_other_content_types),
    ("endpoints_reject_ten_announced_megabytes", endpoints_reject_ten_announced_megabytes),
    ("login_rejects_an_oversized_chunked_body", login_rejects_an_oversized_chunked_body),
    ("login_reads_a_body_in_one_byte_chunks", login_reads_a_body_in_one_byte_chunks),
    ("login_rejects_a_broken_chunked_body", login_rejects_a_broken_chunked_body),
    ("endpoints_reject_repeated_cookies", endpoints_reject_repeated_cookies),
    ("bad_refresh_tokens_get_one_response", bad_refresh_tokens_get_one_response),
    ("bad_passwords_get_one_response", bad_passwords_get_one_response),
    ("endpoints_reject_cross_site_requests", endpoints_reject_cross_site_requests),
    ("endpoints_reject_cross_site_websocket_handshakes", endpoints_reject_cross_site_websocket_handshakes),
    ("reused_refresh_token_revokes_the_session", reused_refresh_token_revokes_the_session),
    (
        "logout_everywhere_revokes_all_sessions_of_the_user",
        logout_everywhere_revokes_all_sessions_of_the_user,
    ),
    ("users_see_and_revoke_their_own_sessions_only", users_see_and_revoke_their_own_sessions_only),
    ("endpoints_match_exact_paths_and_methods", endpoints_match_exact_paths_and_methods),
];

const CALLS: [&str; 6] =
    ["/auth/login", "/auth/refresh", "/auth/logout", "/auth/logout-all", "/auth/register", "/auth/password"];

fn login_returns_tokens_in_the_body(server: &Server) {
    let login = server.log_in("bodies@a.example", "");
    assert_eq!(text(&login, "token_type"), "Bearer");
    let expires_in = member(&login, "expires_in").as_u64();
    assert!(expires_in.is_some_and(|secs| (570..=600).contains(&secs)), "{login:?}");
    assert_eq!(header(&login, "cache-control"), Some("no-store"));
    assert_eq!(header(&login, "set-cookie"), None);

    let refreshed = server.refresh(&text(&login, "refresh_token"));
    assert_eq!(refreshed.status, 200);
    let body = format!(r#"{{"refresh_token":"{}"}}"#, text(&refreshed, "refresh_token"));
    let out = server.post("/auth/logout", &body);
    assert_eq!((out.status, out.body.as_str(), header(&out, "set-cookie")), (204, "", None));
    assert_eq!(server.refresh(&text(&refreshed, "refresh_token")).status, 401);
}

fn login_sets_tokens_as_cookies(server: &Server) {
    let login = server.log_in("cookies@a.example", r#","mode":"cookie""#);
    assert_eq!(text(&login, "token_type"), "Cookie");
    assert_eq!(header(&login, "vary"), Some("Cookie"));
    assert!(!login.body.contains("rt1_") && !login.body.contains("eyJ"));

    let both = cookies(&login);
    assert!(both.starts_with("__Host-Http-at=eyJ") && both.contains("; __Host-Http-rt=rt1_"), "{both}");
    let refreshed = server.post_with("/auth/refresh", &both, "{}");
    assert_eq!(refreshed.status, 200);

    let out = server.post_with("/auth/logout", &cookies(&refreshed), "{}");
    assert_eq!((out.status, cleared(&out)), (204, 2));
    let after = server.post_with("/auth/refresh", &cookies(&refreshed), "{}");
    assert_eq!((after.status, cleared(&after)), (401, 2));
}

fn refresh_rejects_a_cookie_token_in_the_body(server: &Server) {
    let both = cookies(&server.log_in("transport@a.example", r#","mode":"cookie""#));
    let (_, bound) = both.split_once("__Host-Http-rt=").expect("a refresh token");
    let refused = server.refresh(bound);
    assert_eq!((refused.status, text(&refused, "error").as_str()), (400, "invalid_request"));
    assert_eq!(header(&refused, "set-cookie"), None);
    assert_eq!(server.post_with("/auth/refresh", &both, "{}").status, 200, "the session is unaffected");
}

fn endpoints_reject_malformed_json(server: &Server) {
    let deep = format!(r#"{{"email":"a","password":"b","refresh_token":{}"#, "[".repeat(8000));
    let wrong = [
        "",
        "{",
        "[]",
        "null",
        "\"SENTINEL\"",
        "{\"email\":\"SENTINEL",
        r#"{"email":1,"password":"SENTINEL","refresh_token":1,"current_password":1}"#,
        r#"{"email":"a","email":"b","password":"c","refresh_token":"x","refresh_token":"y","new_password":"a"}"#,
        &deep,
        "{\"email\":\"a\",\"password\":\"\u{0}\",\"refresh_token\":\"\u{0}\"}",
        r#"{"email":"\ud800","password":"\ud800","refresh_token":"\ud800","current_password":"\ud800"}"#,
    ];
    let login = server.log_in("malformed@a.example", "");
    let bearer = format!("Bearer {}", text(&login, "access_token"));

    for path in CALLS {
        for body in wrong {
            let fields = [("Content-Type", "application/json"), ("Authorization", &bearer)];
            let refused = server.send(&format!("POST {path}"), &fields, body);
            assert_eq!(refused.status, 400, "{path} {body:.60} {refused:?}");
            assert_eq!(text(&refused, "error"), "invalid_request");
            assert_eq!(header(&refused, "set-cookie"), None);
        }
    }
}

fn null_member_counts_as_absent(server: &Server) {
    let login = server.log_in("nulls@a.example", r#","mode":null,"remember":null"#);
    assert_eq!(text(&login, "token_type"), "Bearer");
    for path in ["/auth/login", "/auth/register"] {
        let refused = server.post(path, r#"{"email":"nulls@a.example","password":null}"#);
        assert_eq!((refused.status, text(&refused, "error").as_str()), (400, "invalid_request"), "{path}");
    }
    let both = cookies(&server.log_in("nulls-in-cookies@a.example", r#","mode":"cookie""#));
    assert_eq!(server.post_with("/auth/refresh", &both, r#"{"refresh_token":null}"#).status, 200);
}

fn endpoints_reject_other_content_types(server: &Server) {
    for path in CALLS {
        for wrong in
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "json"]
        {
            let refused = server.send(&format!("POST {path}"), &[("Content-Type", wrong)], "{}");
            assert_eq!((refused.status, cleared(&refused)), (415, 0), "{path} {wrong}");
        }
        assert_eq!(server.send(&format!("POST {path}"), &[], "{}").status, 415, "{path}");
    }
}

fn endpoints_reject_ten_announced_megabytes(server: &Server) {
    for path in CALLS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n"
        );
        // The body is never sent, so the response must not wait for it.
        let refused = server.send_raw(head.as_bytes());
        assert_eq!((refused.status, text(&refused, "error").as_str()), (413, "content_too_large"), "{path}");
    }
}

fn login_rejects_an_oversized_chunked_body(server: &Server) {
    let mut request = b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"8000\r\n".as_slice(), &[b' '; 0x8000], b"\r\n"].concat();
    // The last chunk is never sent, so the response must not wait for it.
    request.extend(chunk.repeat(20));
    let refused = server.send_raw(&request);
    assert_eq!((refused.status, text(&refused, "error").as_str()), (413, "content_too_large"));
}

fn login_reads_a_body_in_one_byte_chunks(server: &Server) {
    server.register("pieces@a.example");
    let mut request = String::from(
        "POST /auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );

    for byte in
        credentials("pieces@a.example", "").replace("ä", "\\u00e4").replace('🔑', "\\ud83d\\udd11").chars()
    {
        request.push_str(&format!("1\r\n{byte}\r\n"));
    }

    request.push_str("0\r\n\r\n");
    assert_eq!(server.send_raw(request.as_bytes()).status, 200);
}

fn login_rejects_a_broken_chunked_body(server: &Server) {
    let request = "POST /auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n\r\n";
    assert_eq!(server.send_raw(request.as_bytes()).status, 400);
}

fn endpoints_reject_repeated_cookies(server: &Server) {
    let both = cookies(&server.log_in("repeated@a.example", r#","mode":"cookie""#));
    for path in CALLS {
        for name in ["__Host-Http-at", "__Host-Http-rt"] {
            let refused = server.post_with(path, &format!("{both}; {name}=planted"), "{}");
            assert_eq!((refused.status, cleared(&refused)), (400, 0), "{path} {name}");
        }
    }
    assert_eq!(server.post_with("/auth/refresh", &both, "{}").status, 200, "the session is unaffected");
}

fn bad_refresh_tokens_get_one_response(server: &Server) {
    let good = text(&server.log_in("bad@a.example", ""), "refresh_token");
    let denied = server.refresh("");
    assert_eq!((denied.status, text(&denied, "error").as_str()), (401, "invalid_grant"));
    assert!(header(&denied, "www-authenticate").is_some());

    let forged = format!("{}AAAA", &good[..72]);
    for bad in [
        &forged,
        &good[..75],
        &format!("rt0_{}", &good[4..]),
        &format!("{good}A"),
        "rt1_",
        "eyJ.e30.x",
        &"x".repeat(8000),
    ] {
        let refused = server.refresh(bad);
        assert_eq!((refused.status, &refused.body), (401, &denied.body), "{bad:.80}");
        let in_cookie = server.post_with("/auth/refresh", &format!("__Host-Http-rt={bad}"), "{}");
        assert_eq!(
            (in_cookie.status, &in_cookie.body, cleared(&in_cookie)),
            (401, &denied.body, 2),
            "{bad:.80}"
        );
        let out = server.post_with("/auth/logout", &format!("__Host-Http-rt={bad}"), "{}");
        assert_eq!((out.status, cleared(&out)), (204, 2));
    }
    assert_eq!(server.refresh(&good).status, 200, "the session is unaffected");
}

fn bad_passwords_get_one_response(server: &Server) {
    server.register("passwords@a.example");
    let log_in = |password: &str| {
        server.post("/auth/login", &format!(r#"{{"email":"passwords@a.example","password":"{password}"}}"#))
    };
    let wrong = log_in("SENTINEL wrong");
    assert_eq!((wrong.status, text(&wrong, "error").as_str()), (401, "invalid_credentials"));

    for password in ["", &"S".repeat(2000), "SENTINEL-pa\u{308}ssword-🔑"] {
        let refused = log_in(password);
        assert_eq!((refused.status, &refused.body), (401, &wrong.body), "{password:.40}");
    }

    assert_eq!(log_in(PASSWORD).status, 200);
    let long = format!(r#"{{"email":"long@a.example","password":"{}"}}"#, "S".repeat(2000));
    let refused = server.post("/auth/register", &long);
    assert_eq!((refused.status, text(&refused, "error").as_str()), (400, "invalid_password"));

    let taken = server.post("/auth/register", &credentials("passwords@A.example", ""));
    assert_eq!((taken.status, text(&taken, "error").as_str()), (409, "login_taken"));
}

fn endpoints_reject_cross_site_requests(server: &Server) {
    let both = cookies(&server.log_in("cross@a.example", r#","mode":"cookie""#));
    let table: [(&[(&str, &str)], bool); 8] = [
        (&[("Sec-Fetch-Site", "same-origin")], true),
        (&[("Origin", "https://api.example")], true),
        (&[("Sec-Fetch-Site", "cross-site")], false),
        (&[("Sec-Fetch-Site", "same-site"), ("Origin", "https://sub.api.example")], false),
        (&[("Origin", "null")], false),
        (&[("Origin", "https://evil@api.example")], false),
        (&[("Origin", "https://evil.example")], false),
        (&[], false),
    ];

    for path in CALLS {
        for (fields, passes) in table {
            // An invalid cookie suffices: the check depends on its presence only.
            let mut all = vec![("Content-Type", "application/json"), ("Cookie", "__Host-Http-rt=x")];
            all.extend(fields);
            let answer = server.send(&format!("POST {path}"), &all, "{}");
            assert_eq!(answer.status != 403, passes, "{path} {fields:?} {answer:?}");
            if !passes {
                assert!(text(&answer, "error").starts_with("csrf_"), "{answer:?}");
                assert_eq!(header(&answer, "set-cookie"), None);
            }
        }
    }

    // The log must not contain an invalid session ID from the path.
    let refused = server.send("DELETE /auth/sessions/SENTINEL", &[("Cookie", "__Host-Http-rt=x")], "");
    assert_eq!(refused.status, 403);

    let fields = [("Content-Type", "application/json"), ("Origin", "https://evil.example")];
    assert_eq!(server.send("POST /auth/login", &fields, &credentials("cross@a.example", "")).status, 403);
    assert_eq!(server.post_with("/auth/refresh", &both, "{}").status, 200, "the session is unaffected");
}

fn endpoints_reject_cross_site_websocket_handshakes(server: &Server) {
    let both = cookies(&server.log_in("handshake@a.example", r#","mode":"cookie""#));
    let upgrade = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Cookie", &*both)];
    let from = |origin: (&'static str, &'static str), path: &str| {
        server.send(&format!("GET {path}"), &[upgrade.as_slice(), &[origin]].concat(), "").status
    };
    assert_eq!(from(("Sec-Fetch-Site", "cross-site"), "/auth/sessions"), 403);
    assert_eq!(from(("Origin", "https://evil.example"), "/auth/sessions"), 403);
    assert_eq!(
        from(("Sec-Fetch-Site", "same-origin"), "/auth/sessions"),
        200,
        "the handshake is answered as a plain GET"
    );
    assert_eq!(from(("Sec-Fetch-Site", "same-origin"), "/auth/refresh"), 405);
}

fn reused_refresh_token_revokes_the_session(server: &Server) {
    let login = server.log_in("reuse@a.example", r#","mode":"cookie""#);
    let refreshed = server.post_with("/auth/refresh", &cookies(&login), "{}");
    assert_eq!(refreshed.status, 200);
    let stolen = server.post_with("/auth/refresh", &cookies(&login), "{}");
    assert_eq!((stolen.status, cleared(&stolen)), (401, 2));
    let victim = server.post_with("/auth/refresh", &cookies(&refreshed), "{}");
    assert_eq!((victim.status, &victim.body, cleared(&victim)), (401, &stolen.body, 2));
}

fn logout_everywhere_revokes_all_sessions_of_the_user(server: &Server) {
    let first = server.log_in("everywhere@a.example", "");
    let second = server.post("/auth/login", &credentials("everywhere@a.example", r#","mode":"cookie""#));
    let other = server.log_in("elsewhere@a.example", "");
    let out = server.post_with("/auth/logout-all", &cookies(&second), "{}");
    assert_eq!((out.status, cleared(&out)), (204, 2));
    assert_eq!(server.refresh(&text(&first, "refresh_token")).status, 401);
    assert_eq!(server.refresh(&text(&other, "refresh_token")).status, 200);
    assert_eq!(server.post("/auth/logout-all", "{}").status, 401);
}

fn users_see_and_revoke_their_own_sessions_only(server: &Server) {
    let login = server.log_in("own@a.example", "");
    let bearer = format!("Bearer {}", text(&login, "access_token"));
    let other = server.log_in("other@a.example", "");
    let list = |bearer: &str| server.send("GET /auth/sessions", &[("Authorization", bearer)], "");
    let sid = |listed: &serde_json::Value| listed[0]["sid"].as_str().expect("a session").to_owned();
    let mine = member(&list(&bearer), "sessions");
    assert_eq!((mine.as_array().map(Vec::len), &mine[0]["current"]), (Some(1), &true.into()));

    let others = member(&list(&format!("Bearer {}", text(&other, "access_token"))), "sessions");
    let end =
        |sid: &str| server.send(&format!("DELETE /auth/sessions/{sid}"), &[("Authorization", &bearer)], "");
    let unknown = end("0190163d-8694-739b-aea5-966c26f8ad91");
    assert_eq!(unknown.status, 404);

    for not_mine in [&*sid(&others), "x", "%00", "..%2f"] {
        let refused = end(not_mine);
        assert_eq!((refused.status, &refused.body), (404, &unknown.body), "{not_mine}");
    }

    assert_eq!(server.refresh(&text(&other, "refresh_token")).status, 200);
    assert_eq!(end(&sid(&mine)).status, 204);
    assert_eq!(server.refresh(&text(&login, "refresh_token")).status, 401);
    assert_eq!(server.send("GET /auth/sessions", &[], "").status, 401);
}

fn endpoints_match_exact_paths_and_methods(server: &Server) {
    assert_eq!(server.send("GET /open", &[], "").body, "open");
    for path in CALLS {
        let refused = server.send(&format!("GET {path}"), &[], "");
        assert_eq!((refused.status, header(&refused, "allow")), (405, Some("POST")), "{path}");
    }

    for unknown in
        ["/auth/login/", "/auth//login", "/auth/Login", "/auth/%6cogin", "/auth/nothing", "/auth/sessions/"]
    {
        let status =
            server.send(&format!("POST {unknown}"), &[("Content-Type", "application/json")], "{}").status;
        assert!(matches!(status, 404 | 405), "{unknown}: {status}");
    }

    // A target without a path (RFC 9112 §3.2.3).
    let connect = server
        .send_raw(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\nConnection: close\r\n\r\n");
    assert!(matches!(connect.status, 404 | 405), "{connect:?}");
    let keys = server.send("GET /.well-known/jwks.json", &[], "");
    assert_eq!((keys.status, header(&keys, "cache-control")), (200, Some("public, max-age=900")));
    assert_eq!(member(&keys, "keys")[0]["kty"], "OKP");

    let head = server.send("HEAD /.well-known/jwks.json", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// Runs on its own server, whose gate requires anti-CSRF tokens.
pub(crate) fn calls_with_cookies_need_an_anti_csrf_token(server: &Server) {
    let all = cookies(&server.log_in("tokens@a.example", r#","mode":"cookie""#));
    let (_, token) = all.split_once("; __Host-csrf=").expect("an anti-CSRF token");
    let other = cookies(&server.post("/auth/login", &credentials("tokens@a.example", r#","mode":"cookie""#)));
    let (_, of_other) = other.split_once("; __Host-csrf=").expect("another");
    let call = |line: &str, token: Option<&str>, site: &str| {
        let mut fields =
            vec![("Content-Type", "application/json"), ("Sec-Fetch-Site", site), ("Cookie", &*all)];
        fields.extend(token.map(|token| ("X-CSRF-Token", token)));
        server.send(line, &fields, "{}")
    };

    for line in
        ["POST /orders", "DELETE /orders", "POST /auth/refresh", "POST /auth/logout", "POST /auth/logout-all"]
    {
        for token in [None, Some(""), Some("x"), Some(of_other)] {
            let refused = call(line, token, "same-origin");
            assert_eq!((refused.status, header(&refused, "set-cookie")), (403, None), "{line} {token:?}");
        }
        assert_eq!(
            call(line, Some(token), "cross-site").status,
            403,
            "{line}: a token does not bypass the cross-site check"
        );
    }

    assert_eq!(call("GET /orders", None, "same-origin").body, "ordered");
    assert_eq!(call("POST /orders", Some(token), "same-origin").body, "ordered");
    let bearer = format!(
        "Bearer {}",
        text(&server.post("/auth/login", &credentials("tokens@a.example", "")), "access_token")
    );
    assert_eq!(server.send("POST /orders", &[("Authorization", &bearer)], "").body, "ordered");

    let fresh = call("POST /auth/csrf", None, "same-origin");
    assert_eq!((fresh.status, cookies(&fresh)), (204, format!("__Host-csrf={token}")));

    let refreshed = call("POST /auth/refresh", Some(token), "same-origin");
    assert!(refreshed.status == 200 && cookies(&refreshed).ends_with(token), "{refreshed:?}");
    assert_eq!(call("POST /auth/logout", Some(token), "same-origin").status, 204);
}

/// Runs on its own server with a strict throttle. Clients with a valid token are not throttled.
pub(crate) fn flood_of_forged_tokens_is_throttled(server: &Server) {
    let both = cookies(&server.log_in("flood@a.example", r#","mode":"cookie""#));
    let forged = format!("rt1_{}", "A".repeat(72));
    let in_cookie = format!("__Host-Http-rt={forged}");

    for _ in 0..8 {
        assert_eq!(server.refresh(&forged).status, 401);
    }

    for refused in [server.refresh(&forged), server.post_with("/auth/refresh", &in_cookie, "{}")] {
        assert_eq!((refused.status, cleared(&refused)), (429, 0));
        assert_eq!(text(&refused, "error"), "too_many_attempts");
        assert!(header(&refused, "retry-after").is_some_and(|secs| secs.parse::<u32>().is_ok()));
    }

    assert_eq!(server.post_with("/auth/refresh", &both, "{}").status, 200);
    assert_eq!(server.post("/auth/login", &credentials("flood@a.example", "")).status, 200);
}

/// Runs on its own server, which trusts the proxies on loopback addresses and in 10.0.0.0/8.
pub(crate) fn clients_behind_proxies_are_throttled_one_by_one(server: &Server, header: ForwardedHeader) {
    let (name, other) = match header {
        ForwardedHeader::XForwardedFor => ("X-Forwarded-For", "Forwarded"),
        _ => ("Forwarded", "X-Forwarded-For"),
    };
    let element = |address: &str| match header {
        ForwardedHeader::XForwardedFor => address.to_owned(),
        _ => format!("for=\"{address}\";proto=https"),
    };
    // What a client sent stands to the left of what the proxies append.
    let refresh = |sent: &str, client: &str| {
        let field = format!("{sent}, {}, {}", element(client), element("10.1.2.3"));
        let fields = [("Content-Type", "application/json"), (name, &*field), (other, "192.0.2.99")];
        server.send("POST /auth/refresh", &fields, r#"{"refresh_token":"rt1_x"}"#).status
    };
    for attempt in 0..8 {
        assert_eq!(refresh(&element(&format!("198.51.100.{attempt}")), "192.0.2.1:4711"), 401, "{name}");
    }
    for sent in [&*element("198.51.100.9"), &element("127.0.0.1"), "\"", "unknown", ""] {
        assert_eq!(refresh(sent, "192.0.2.1"), 429, "{name} {sent}");
    }
    assert_eq!(refresh("", "192.0.2.2"), 401, "{name}: another client");
    assert_eq!(refresh("", "[2001:db8::1]:4711"), 401, "{name}: another client");
    // Without the header, the address is that of the connection.
    assert_eq!(server.refresh("rt1_x").status, 401);
}

/// Runs on its own server, because it turns the store off. No session is lost, and all calls work again afterwards.
pub(crate) fn store_outage_keeps_sessions(server: &Server) {
    let both = cookies(&server.log_in("down@a.example", r#","mode":"cookie""#));
    let login = server.post("/auth/login", &credentials("down@a.example", ""));
    let bearer = format!("Bearer {}", text(&login, "access_token"));
    let body = format!(r#"{{"refresh_token":"{}"}}"#, text(&login, "refresh_token"));

    server.store.set_down(true);
    let unavailable = |answer: client::Response, cookies_cleared: usize, what: &str| {
        assert_eq!((answer.status, cleared(&answer)), (503, cookies_cleared), "{what}");
        assert_eq!(text(&answer, "error"), "temporarily_unavailable", "{what}");
        assert!(header(&answer, "retry-after").is_some_and(|secs| secs.parse::<u32>().is_ok()), "{what}");
    };
    unavailable(server.post("/auth/refresh", &body), 0, "refresh");
    unavailable(server.post_with("/auth/refresh", &both, "{}"), 0, "refresh by cookie");
    unavailable(server.post("/auth/login", &credentials("down@a.example", "")), 0, "login");
    unavailable(server.post("/auth/logout", &body), 0, "logout");
    unavailable(server.post_with("/auth/logout", &both, "{}"), 2, "logout by cookie");
    unavailable(server.post_with("/auth/logout-all", &both, "{}"), 2, "logout everywhere");
    let fields = [("Authorization", bearer.as_str())];
    unavailable(server.send("GET /auth/sessions", &fields, ""), 0, "list");
    let sid = "DELETE /auth/sessions/0190163d-8694-739b-aea5-966c26f8ad91";
    unavailable(server.send(sid, &fields, ""), 0, "end");

    server.store.set_down(false);
    assert_eq!(server.post("/auth/refresh", &body).status, 200);
    assert_eq!(server.post_with("/auth/refresh", &both, "{}").status, 200);
}
