//! What the head of a request decides: whether it is ours, whose it is, and which credentials count.

use tollgate::TokenSource;

use super::testing::{
    FakeRequest, ISSUER, PASSWORD, World, cleared_by, cookies_of, header, member, post, post_with,
};
use super::*;

/// Nobody is logged in with a cookie that the gate does not look for.
#[tokio::test]
async fn cookies_that_nobody_looks_for() {
    let world = World::behind(|gate, _sessions| gate.with_sources([TokenSource::bearer()]).unwrap()).await;
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
    let refused = world.send(&post("/auth/login"), &body).await;
    assert_eq!((refused.status(), member(&refused, "error").as_str()), (400, "invalid_request"));
    assert!(world.sessions.list(&world.alice.subject).await.unwrap().is_empty());
    let _tokens = world.log_in("").await;
}

#[tokio::test]
async fn a_bearer_token_counts_alone() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    for malformed in ["Bearer x", "Bearer", "bearer a b"] {
        let request = post_with("/auth/refresh", &cookies).header("authorization", malformed);
        let reply = world.send(&request, "{}").await;
        assert_eq!((reply.status(), cleared_by(&reply)), (401, 0), "{malformed}");
    }
    let twice = post_with("/auth/refresh", &cookies).header("authorization", "Basic eA==");
    let twice = world.send(&twice.header("authorization", "Basic eA=="), "{}").await;
    assert_eq!((twice.status(), cleared_by(&twice)), (401, 0));
    // A proxy that asks for a password, and what is no scheme at all: for a gate they say nothing either.
    for other in ["Basic eA==", ""] {
        let request = post_with("/auth/refresh", &cookies).header("authorization", other);
        assert_eq!(world.send(&request, "{}").await.status(), 200, "{other}");
        let elsewhere = post("/auth/refresh").header("authorization", other).header("cookie", &cookies);
        let refused = world.send(&elsewhere.header("sec-fetch-site", "cross-site"), "{}").await;
        assert_eq!(refused.status(), 403, "{other}");
    }
}

/// Wherever the gate looks for tokens: cookies never stand in for one, and are not lost with its session.
#[tokio::test]
async fn a_token_in_a_field_of_its_own_counts_alone() {
    let cookie = || CookieSettings::default().token_source().unwrap();
    let field = TokenSource::header("x-token").unwrap();
    let world = World::behind(|gate, _sessions| gate.with_sources([field, cookie()]).unwrap()).await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    let token = member(&world.log_in("").await, "access_token");
    let with = |path: &str, token: &str| post_with(path, &cookies).header("x-token", token);
    assert_eq!(world.send(&with("/auth/refresh", "junk"), "{}").await.status(), 401);
    let out = world.send(&with("/auth/logout", &token), "{}").await;
    assert_eq!((out.status(), cleared_by(&out)), (204, 0));
    let [left] = &*world.sessions.list(&world.alice.subject).await.unwrap() else { panic!("one is left") };
    assert!(world.endpoints.0.sessions.session_of(refresh_token_in(&cookies)).unwrap().0 == left.session);
    // This gate does not look there.
    let bearer = post_with("/auth/refresh", &cookies).header("authorization", "Bearer x");
    assert_eq!(world.send(&bearer, "{}").await.status(), 200);
}

fn refresh_token_in(cookies: &str) -> &str {
    cookies.split_once("__Host-Http-rt=").unwrap().1
}

#[tokio::test]
async fn heads_are_refused_before_a_body_is_read() {
    let world = World::new().await;
    let status = |request: FakeRequest| world.endpoints.accept(&request, request.path(), None).unwrap_err();
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
    assert!(world.endpoints.accept(&json, json.path(), None).is_ok());
}

/// Which calls are checked for other sites, by what the request presents.
#[tokio::test]
async fn cross_site_requests() {
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
        let for_strangers = !matches!(path, "/auth/logout-all" | "/auth/password" | "/auth/sessions/x");
        for (fields, with_cookie, without) in origins {
            let request = fields
                .iter()
                .fold(FakeRequest::new(method, path), |request, (name, value)| request.header(name, value));
            let request = request.header("content-type", "application/json");
            let passes = |request: FakeRequest| {
                world
                    .endpoints
                    .accept(&request, path, None)
                    .map_or_else(|reply| reply.status() != 403, |_| true)
            };
            let cookies = request.clone().header("cookie", cookies_of(&login));
            assert_eq!(passes(cookies), with_cookie, "{path} {fields:?} with cookies");
            assert_eq!(passes(request.clone()), without || !for_strangers, "{path} {fields:?}");
            let explicit = request.header("authorization", &bearer).header("cookie", cookies_of(&login));
            assert_eq!(passes(explicit), without || !for_strangers, "{path} {fields:?} with Authorization");
        }
    }
    let upgrade = FakeRequest::new("GET", "/auth/sessions")
        .header("upgrade", "websocket")
        .header("sec-fetch-site", "cross-site")
        .header("cookie", cookies_of(&login));
    assert_eq!(world.send(&upgrade, "").await.status(), 403);
}

/// A body that does not come is waited for, but not for long; then the time stands still, and this would hang.
#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let world = World::new().await;
    tokio::time::pause();
    let answer = async |body: Result<Vec<u8>, BodyError>| {
        let request = post("/auth/refresh");
        let call = world.endpoints.accept(&request, request.path(), None).unwrap();
        assert_eq!(call.body_limit(), 8192);
        call.answer_with(std::future::ready(body)).await
    };
    assert_eq!(answer(Ok(b"{}".to_vec())).await.status(), 401);
    assert_eq!(answer(Ok(vec![b' '; 8193])).await.status(), 413);
    let long = answer(Err(BodyError::TooLarge)).await;
    assert_eq!((long.status(), header(&long, "connection")), (413, vec!["close"]));
    assert_eq!(answer(Err(BodyError::Unreadable)).await.status(), 400);
    let request = post("/auth/login");
    let call = world.endpoints.accept(&request, request.path(), None).unwrap();
    assert_eq!(call.answer_with(std::future::pending()).await.status(), 408);
}

#[tokio::test]
async fn cookies_for_development_stay_on_this_machine() {
    let world = World::new().await;
    let endpoints = world.endpoints.with_cookies(CookieSettings::insecure_for_development());
    let status = |host: &str, peer: &str| {
        let request = post("/auth/login").header("host", host);
        endpoints
            .accept(&request, request.path(), Some(peer.parse().unwrap()))
            .map_or_else(|reply| reply.status(), |_| 200)
    };
    assert_eq!(status("localhost:3000", "127.0.0.1"), 200);
    assert_eq!(status("api.example", "127.0.0.1"), 403);
    assert_eq!(status("localhost:3000", "192.0.2.1"), 403);
}
