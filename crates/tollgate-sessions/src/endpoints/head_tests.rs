//! The checks of the head of a request: its endpoint, its origin, and its credentials.

use tollgate::{ForwardedHeader, TokenSource, TrustedProxies};

use super::testing::{
    FakeRequest, ISSUER, PASSWORD, World, cleared_by, cookies_of, header, member, post, post_with,
};
use super::*;

/// A login must not set a cookie that the gate does not read.
#[tokio::test]
async fn login_rejects_mode_cookie_when_the_gate_reads_no_cookie() {
    let world = World::with_gate(|gate, _sessions| gate.with_sources([TokenSource::bearer()]).unwrap()).await;
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
    let refused = world.send(&post("/auth/login"), &body).await;
    assert_eq!((refused.status(), member(&refused, "error").as_str()), (400, "invalid_request"));
    assert!(world.sessions.list(&world.alice.subject).await.unwrap().is_empty());
    let _tokens = world.log_in("").await;
}

#[tokio::test]
async fn bearer_token_excludes_cookies() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    for malformed in ["Bearer x", "Bearer", "bearer a b"] {
        let request = post_with("/auth/refresh", &cookies).header("authorization", malformed);
        let response = world.send(&request, "{}").await;
        assert_eq!((response.status(), cleared_by(&response)), (401, 0), "{malformed}");
    }
    let twice = post_with("/auth/refresh", &cookies).header("authorization", "Basic eA==");
    let twice = world.send(&twice.header("authorization", "Basic eA=="), "{}").await;
    assert_eq!((twice.status(), cleared_by(&twice)), (401, 0));
    // The password of a proxy and an empty value are no tokens, for a gate as well.
    for other in ["Basic eA==", ""] {
        let request = post_with("/auth/refresh", &cookies).header("authorization", other);
        assert_eq!(world.send(&request, "{}").await.status(), 200, "{other}");
        let elsewhere = post("/auth/refresh").header("authorization", other).header("cookie", &cookies);
        let refused = world.send(&elsewhere.header("sec-fetch-site", "cross-site"), "{}").await;
        assert_eq!(refused.status(), 403, "{other}");
    }
}

/// A token in any header that the gate reads excludes cookies. A logout with it does not clear them.
#[tokio::test]
async fn token_in_a_custom_header_excludes_cookies() {
    let cookie = || CookieSettings::default().token_source().unwrap();
    let header_source = TokenSource::header("x-token").unwrap();
    let world =
        World::with_gate(|gate, _sessions| gate.with_sources([header_source, cookie()]).unwrap()).await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    let token = member(&world.log_in("").await, "access_token");
    let with = |path: &str, token: &str| post_with(path, &cookies).header("x-token", token);
    assert_eq!(world.send(&with("/auth/refresh", "junk"), "{}").await.status(), 401);
    let out = world.send(&with("/auth/logout", &token), "{}").await;
    assert_eq!((out.status(), cleared_by(&out)), (204, 0));
    let [left] = &*world.sessions.list(&world.alice.subject).await.unwrap() else {
        panic!("exactly one session is left")
    };
    assert!(
        world.endpoints.0.sessions.session_of_token(refresh_token_in(&cookies)).unwrap().0 == left.session
    );
    // This gate does not read `Authorization`.
    let bearer = post_with("/auth/refresh", &cookies).header("authorization", "Bearer x");
    assert_eq!(world.send(&bearer, "{}").await.status(), 200);
}

fn refresh_token_in(cookies: &str) -> &str {
    cookies.split_once("__Host-Http-rt=").unwrap().1
}

#[tokio::test]
async fn invalid_head_is_rejected_before_the_body_is_read() {
    let world = World::new().await;
    let status = |request: FakeRequest| world.endpoints.begin(&request, request.path(), None).unwrap_err();
    let plain = |name: &str, value: &str| FakeRequest::new("POST", "/auth/login").header(name, value);
    assert_eq!(status(post("/auth/x")).status(), 404);
    let method = status(FakeRequest::new("GET", "/auth/login"));
    assert_eq!((method.status(), header(&method, "allow")), (405, vec!["POST"]));
    for wrong in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
        "text/plain; application/json",
    ] {
        assert_eq!(status(plain("content-type", wrong)).status(), 415, "{wrong}");
    }
    assert_eq!(status(FakeRequest::new("POST", "/auth/login")).status(), 415);
    assert_eq!(status(post("/auth/login").header("content-type", "application/json")).status(), 415);
    for length in ["8193", "10485760", "99999999999999999999999", "-1"] {
        assert_eq!(status(post("/auth/login").header("content-length", length)).status(), 413, "{length}");
    }
    let cross = status(post("/auth/login").header("sec-fetch-site", "cross-site"));
    assert_eq!((cross.status(), member(&cross, "error").as_str()), (403, "csrf_cross_origin"));
    let twice = status(post_with("/auth/refresh", "__Host-Http-rt=a; __Host-Http-rt=b"));
    assert_eq!((twice.status(), cleared_by(&twice)), (400, 0));
    let json =
        FakeRequest::new("POST", "/auth/login").header("content-type", "Application/JSON ; charset=utf-8");
    assert!(world.endpoints.begin(&json, json.path(), None).is_ok());
}

/// Each endpoint, with and without cookies, for requests of several origins.
#[tokio::test]
async fn cross_site_requests_are_rejected_by_endpoint_and_credential() {
    let world = World::new().await;
    let login = world.log_in(r#","mode":"cookie""#).await;
    let bearer = format!("Bearer {}", member(&world.log_in("").await, "access_token"));
    let calls = [
        ("POST", "/auth/login"),
        ("POST", "/auth/refresh"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/register"),
        ("POST", "/auth/logout-all"),
        ("POST", "/auth/password"),
        ("DELETE", "/auth/sessions/x"),
    ];
    let origins: [(&[(&str, &str)], bool, bool); 5] = [
        (&[("sec-fetch-site", "same-origin")], true, true),
        (&[("origin", ISSUER)], true, true),
        (&[], false, true),
        (&[("sec-fetch-site", "same-site")], false, false),
        (&[("origin", "https://evil.example")], false, false),
    ];
    for (method, path) in calls {
        let for_anonymous_clients =
            !matches!(path, "/auth/logout-all" | "/auth/password" | "/auth/sessions/x");
        for (headers, with_cookie, without) in origins {
            let request = headers
                .iter()
                .fold(FakeRequest::new(method, path), |request, (name, value)| request.header(name, value));
            let request = request.header("content-type", "application/json");
            let passes = |request: FakeRequest| {
                world
                    .endpoints
                    .begin(&request, path, None)
                    .map_or_else(|response| response.status() != 403, |_| true)
            };
            let cookies = request.clone().header("cookie", cookies_of(&login));
            assert_eq!(passes(cookies), with_cookie, "{path} {headers:?} with cookies");
            assert_eq!(passes(request.clone()), without || !for_anonymous_clients, "{path} {headers:?}");
            let explicit = request.header("authorization", &bearer).header("cookie", cookies_of(&login));
            assert_eq!(
                passes(explicit),
                without || !for_anonymous_clients,
                "{path} {headers:?} with Authorization"
            );
        }
    }
    let upgrade = FakeRequest::new("GET", "/auth/sessions")
        .header("upgrade", "websocket")
        .header("sec-fetch-site", "cross-site")
        .header("cookie", cookies_of(&login));
    assert_eq!(world.send(&upgrade, "").await.status(), 403);
}

/// The paused clock advances to the timeout of the body. Without a timeout, this test would hang.
#[tokio::test]
async fn unreadable_body_is_rejected() {
    let world = World::new().await;
    tokio::time::pause();
    let respond = async |body: Result<Vec<u8>, BodyError>| {
        let request = post("/auth/refresh");
        let call = world.endpoints.begin(&request, request.path(), None).unwrap();
        assert_eq!(call.body_limit(), 8192);
        call.respond_with(std::future::ready(body)).await
    };
    assert_eq!(respond(Ok(b"{}".to_vec())).await.status(), 401);
    assert_eq!(respond(Ok(vec![b' '; 8193])).await.status(), 413);
    let long = respond(Err(BodyError::TooLarge)).await;
    assert_eq!((long.status(), header(&long, "connection")), (413, vec!["close"]));
    assert_eq!(respond(Err(BodyError::Unreadable)).await.status(), 400);
    let request = post("/auth/login");
    let call = world.endpoints.begin(&request, request.path(), None).unwrap();
    assert_eq!(call.respond_with(std::future::pending()).await.status(), 408);
}

/// A forged token is counted by the address of its client.
#[tokio::test]
async fn address_of_the_application_precedes_the_header_of_proxies() {
    let world = World::new().await;
    let proxies = TrustedProxies::hops(ForwardedHeader::XForwardedFor, 1).unwrap();
    let endpoints = world.endpoints.with_trusted_proxies(proxies);
    let client = ClientAddress("192.0.2.7".parse().unwrap());
    let forged = br#"{"refresh_token":"rt1_x"}"#;
    let mut last = 0;
    for number in 0..21 {
        let request = post("/auth/refresh").header("x-forwarded-for", format!("198.51.100.{number}"));
        let call = endpoints.begin_for(&request, request.path(), client).unwrap();
        last = call.respond(forged).await.status();
    }
    assert_eq!(last, 429, "the header does not count");
    for (field, expected) in [("192.0.2.7", 429), ("192.0.2.8", 401)] {
        let request = post("/auth/refresh").header("x-forwarded-for", field);
        let call = endpoints.begin(&request, request.path(), Some(client.0)).unwrap();
        assert_eq!(call.respond(forged).await.status(), expected, "{field}");
    }
}

/// A client that reaches the application past its proxy cannot claim to be on loopback.
#[tokio::test]
async fn development_cookies_require_loopback_behind_a_proxy_as_well() {
    let world = World::new().await;
    let proxies = TrustedProxies::hops(ForwardedHeader::XForwardedFor, 1).unwrap();
    let endpoints = world.endpoints.with_cookies(CookieSettings::insecure_for_development());
    let endpoints = endpoints.with_trusted_proxies(proxies);
    for (peer, client, expected) in
        [("127.0.0.1", "127.0.0.1", 200), ("127.0.0.1", "192.0.2.1", 403), ("192.0.2.1", "127.0.0.1", 403)]
    {
        let request = post("/auth/login").header("host", "localhost").header("x-forwarded-for", client);
        let begun = endpoints.begin(&request, request.path(), Some(peer.parse().unwrap()));
        let status = begun.map_or_else(|response| response.status(), |_| 200);
        assert_eq!(status, expected, "{peer} {client}");
    }
}

#[tokio::test]
async fn development_cookies_require_loopback() {
    let world = World::new().await;
    let endpoints = world.endpoints.with_cookies(CookieSettings::insecure_for_development());
    let status = |host: &str, peer: &str| {
        let request = post("/auth/login").header("host", host);
        endpoints
            .begin(&request, request.path(), Some(peer.parse().unwrap()))
            .map_or_else(|response| response.status(), |_| 200)
    };
    assert_eq!(status("localhost:3000", "127.0.0.1"), 200);
    assert_eq!(status("api.example", "127.0.0.1"), 403);
    assert_eq!(status("localhost:3000", "192.0.2.1"), 403);
}
