//! Tests the sources of tokens, and the view of the request.

use http::HeaderValue;
use tollgate_warp::{Authenticated, Gate, TokenSource, authenticated, handle_rejection};
use warp::test::RequestBuilder;
use warp::{Filter, Reply};

use crate::support::{BARE, challenge, forge, gate, get, good, send};

const COOKIE: &str = "__Host-Http-at";

fn app(
    gate: &Gate,
) -> impl Filter<Extract = impl Reply + use<>, Error = warp::Rejection> + Clone + 'static + use<> {
    authenticated(gate).map(|user: Authenticated| user.issuer().to_owned()).recover(handle_rejection)
}

fn token() -> String {
    forge().token().sign()
}

#[tokio::test]
async fn duplicate_credentials_are_rejected() {
    let app = app(&gate());
    let good = format!("Bearer {}", token());
    assert_eq!(send(&app, &[("authorization", &good)]).await.status(), 200);
    let response = send(&app, &[("authorization", &good), ("authorization", &good)]).await;
    assert_eq!(response.status(), 400);
    assert_eq!(challenge(&response), Some(r#"Bearer realm="api", error="invalid_request""#));

    let response = send(&app, &[("authorization", &good), ("authorization", "Basic YTpi")]).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn credentials_that_are_not_text_are_rejected() {
    let value = HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    let response = get("/").header("authorization", value).reply(&app(&gate())).await;
    assert_eq!(response.status(), 400);
}

fn cookie_gate() -> Gate {
    gate().with_sources([TokenSource::bearer(), TokenSource::cookie(COOKIE).unwrap()]).unwrap()
}

fn with_cookie(method: &str, target: &str) -> RequestBuilder {
    get(target).method(method).header("cookie", format!("theme=dark; {COOKIE}={}; a=b", token()))
}

#[tokio::test]
async fn cookies_may_be_in_several_headers_but_not_repeated() {
    let app = app(&cookie_gate());
    let ours = format!("theme=dark; {COOKIE}={}; a=b", token());
    assert_eq!(send(&app, &[("cookie", &ours)]).await.status(), 200);
    assert_eq!(send(&app, &[("cookie", &ours), ("cookie", "c=d")]).await.status(), 200);
    assert_eq!(send(&app, &[("cookie", "c=d"), ("cookie", &ours)]).await.status(), 200);
    assert_eq!(send(&app, &[("cookie", &ours), ("cookie", &ours)]).await.status(), 400);
}

#[tokio::test]
async fn cookie_does_not_replace_a_malformed_token() {
    let app = app(&cookie_gate());
    let request = with_cookie("GET", "/").header("authorization", "Bearer a.b.c");
    assert_eq!(request.reply(&app).await.status(), 401);
}

#[tokio::test]
async fn cookie_on_a_cross_site_request_is_rejected() {
    let app = app(&cookie_gate());
    let post = |target| with_cookie("POST", target);
    assert_eq!(post("/").reply(&app).await.status(), 403);
    assert_eq!(post("/").header("sec-fetch-site", "cross-site").reply(&app).await.status(), 403);
    assert_eq!(post("/").header("sec-fetch-site", "same-origin").reply(&app).await.status(), 200);
    assert_eq!(with_cookie("GET", "/").reply(&app).await.status(), 200);

    let here = |target| post(target).header("origin", "https://api.example");
    assert_eq!(here("/").reply(&app).await.status(), 403);
    assert_eq!(here("/").header("host", "api.example").reply(&app).await.status(), 200);
    assert_eq!(here("/").header("host", "evil.example").reply(&app).await.status(), 403);
    assert_eq!(here("https://api.example/").reply(&app).await.status(), 200);
    assert_eq!(here("https://evil.example/").reply(&app).await.status(), 403);
    // Target and header contradict each other.
    assert_eq!(here("https://evil.example/").header("host", "api.example").reply(&app).await.status(), 403);
}

#[tokio::test]
async fn query_tokens_are_read_only_when_configured() {
    let target = format!("/?a=b&access_token={}", token());
    let allowed = gate()
        .with_sources([TokenSource::bearer(), TokenSource::insecure_query("access_token").unwrap()])
        .unwrap();
    assert_eq!(get(&target).reply(&app(&allowed)).await.status(), 200);
    assert_eq!(good(&target).reply(&app(&allowed)).await.status(), 400);
    assert_eq!(challenge(&get(&target).reply(&app(&gate())).await), BARE);
}

#[tokio::test]
async fn custom_header_token_must_not_be_repeated() {
    let app = app(&gate().with_sources([TokenSource::header("x-token").unwrap()]).unwrap());
    assert_eq!(get("/").header("x-token", token()).reply(&app).await.status(), 200);
    assert_eq!(good("/").reply(&app).await.status(), 401);
    let token = token();
    assert_eq!(send(&app, &[("x-token", &token), ("x-token", &token)]).await.status(), 400);
}
