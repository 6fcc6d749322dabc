//! Tests the sources of tokens, and the view of the request.

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use tollgate::adapter::RequestView as _;
use tollgate_actix::{ActixRequest, Authenticate, Gate, TokenSource};

use crate::support::{BARE, INVALID_REQUEST, ask, authenticate, forge, gate, get, good, subject};

const COOKIE: &str = "__Host-Http-at";

fn token() -> String {
    forge().token().sign()
}

fn cookie_gate() -> Gate {
    gate().with_sources([TokenSource::bearer(), TokenSource::cookie(COOKIE).unwrap()]).unwrap()
}

#[actix_web::test]
async fn duplicate_credentials_are_rejected() {
    let app = init_service(App::new().route("/", web::get().to(subject)).wrap(authenticate())).await;
    for second in [format!("Bearer {}", token()), "Basic YTpi".to_owned()] {
        let request = good("/").append_header(("authorization", second));
        ask(&app, request.to_request()).await.is_refused(400, INVALID_REQUEST);
    }
}

#[actix_web::test]
async fn credentials_that_are_not_text_are_rejected() {
    let app = init_service(App::new().route("/", web::get().to(subject)).wrap(authenticate())).await;
    let value = HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    let request = get("/").insert_header(("authorization", value));
    ask(&app, request.to_request()).await.is_refused(400, INVALID_REQUEST);
}

#[actix_web::test]
async fn cookies_may_be_in_several_headers_but_not_repeated() {
    let app = App::new().route("/", web::get().to(subject)).wrap(Authenticate::new(cookie_gate()));
    let app = init_service(app).await;
    let ours = format!("theme=dark; {COOKIE}={}; a=b", token());
    for fields in [vec![&*ours], vec![&*ours, "c=d"], vec!["c=d", &*ours]] {
        let request =
            fields.iter().fold(get("/"), |request, field| request.append_header(("cookie", *field)));
        ask(&app, request.to_request()).await.is(200, "alice");
    }
    let twice = get("/").append_header(("cookie", &*ours)).append_header(("cookie", &*ours));
    ask(&app, twice.to_request()).await.is_refused(400, INVALID_REQUEST);
}

#[actix_web::test]
async fn cookies_are_not_percent_decoded() {
    let app = App::new().route("/", web::get().to(subject)).wrap(Authenticate::new(cookie_gate()));
    let app = init_service(app).await;
    let other_name = get("/").insert_header(("cookie", format!("__Host%2DHttp-at={}", token())));
    ask(&app, other_name.to_request()).await.is_refused(401, BARE);
    let value = token().replace('.', "%2E");
    let other_value = get("/").insert_header(("cookie", format!("{COOKIE}={value}")));
    ask(&app, other_value.to_request()).await.is_refused(400, INVALID_REQUEST);
}

fn post(target: &str) -> TestRequest {
    TestRequest::post().uri(target).insert_header(("cookie", format!("{COOKIE}={}", token())))
}

#[actix_web::test]
async fn host_comes_from_the_target_or_the_header() {
    let app = App::new().route("/", web::post().to(subject)).wrap(Authenticate::new(cookie_gate()));
    let app = init_service(app).await;
    let cases = [
        ("/", "api.example", "https://api.example", 200),
        ("/", "api.example", "https://evil.example", 403),
        ("http://api.example/", "evil.example", "https://api.example", 200),
        ("http://api.example/", "evil.example", "https://evil.example", 403),
    ];
    for (target, host, origin, expected) in cases {
        let request = post(target).insert_header(("host", host)).insert_header(("origin", origin));
        assert_eq!(ask(&app, request.to_request()).await.status(), expected, "{target} {host} {origin}");
    }
}

#[test]
fn view_shows_the_request_unchanged() {
    let request = TestRequest::with_uri("/a%20b?c=%2F&d")
        .method(Method::from_bytes(b"PURGE").unwrap())
        .append_header(("x-a", "1"))
        .append_header(("x-b", "2"))
        .append_header(("x-a", HeaderValue::from_bytes(b"\xff").unwrap()));
    let request = request.to_http_request();
    let view = ActixRequest::from(&request);
    assert_eq!(view.method(), "PURGE");
    assert_eq!(view.query(), Some("c=%2F&d"));
    assert_eq!(view.authority(), None);
    assert_eq!(view.header_values("x-a").collect::<Vec<_>>(), [&b"1"[..], b"\xff"]);
    assert_eq!(view.header_values("x-c").count(), 0);
    assert_eq!(view.header_values("not a name").count(), 0);

    let request = TestRequest::with_uri("http://api.example:8443/").to_srv_request();
    let view = ActixRequest::from(&request);
    assert_eq!((view.authority(), view.query()), (Some("api.example:8443"), None));
}
