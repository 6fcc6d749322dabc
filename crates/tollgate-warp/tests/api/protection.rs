//! Tests `protect`, and a layer of the Tower adapter around everything.

use std::convert::Infallible;

use http::StatusCode;
use http_body_util::BodyExt as _;
use tollgate_tower::AuthenticateLayer;
use tollgate_warp::{
    Admission, Gate, Policy, Rejection, TokenSource, admission, authenticated_with, protect,
};
use tower::{ServiceBuilder, ServiceExt as _};
use warp::{Filter, Reply};

use crate::support::{BARE, INVALID_TOKEN, User, bad, challenge, field, forge, gate, get, good, terse, text};

fn tree() -> impl Filter<Extract = (impl Reply,), Error = warp::Rejection> + Clone + Send + Sync + 'static {
    tree_behind(gate)
}

fn tree_behind(
    gate: fn() -> Gate,
) -> impl Filter<Extract = (impl Reply,), Error = warp::Rejection> + Clone + Send + Sync + 'static {
    let admin = warp::path!("admin").and(authenticated_with(&gate(), Policy::role("admin"))).map(|_| "admin");
    warp::path!("in").and(warp::get()).map(|| "in").or(admin)
}

#[tokio::test]
async fn rejected_request_does_not_reach_inner_filters() {
    // There is no `recover`, but a branch that matches every request.
    let app = protect(&gate(), tree()).or(warp::any().map(|| "index"));
    assert_eq!(text(&good("/in").reply(&app).await), "in");
    for (request, expected) in [(get("/in"), BARE), (bad("/in"), INVALID_TOKEN), (get("/nowhere"), BARE)] {
        let response = request.reply(&app).await;
        assert_eq!((response.status(), challenge(&response)), (StatusCode::UNAUTHORIZED, expected));
        assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
        assert!(response.extensions().get::<tollgate::Rejection>().is_some());
    }
}

#[tokio::test]
async fn protect_answers_rejections_of_inner_filters() {
    let app = protect(&gate(), tree());
    let response = good("/admin").reply(&app).await;
    assert_eq!(
        (response.status().as_u16(), response.headers().contains_key("www-authenticate")),
        (403, true)
    );
}

#[tokio::test]
async fn other_rejections_of_the_tree_are_passed_on() {
    let app = protect(&gate(), tree());
    assert_eq!(good("/nowhere").reply(&app).await.status(), 404);
    assert_eq!(good("/in").method("PUT").reply(&app).await.status(), 405);
    let app = app.or(warp::any().map(|| "index"));
    assert_eq!(text(&good("/nowhere").reply(&app).await), "index");
}

#[tokio::test]
async fn protect_does_not_affect_other_routes() {
    let api = warp::path("api").and(protect(&gate(), tree()));
    let app = warp::path!("health").map(|| "ok").or(api);
    assert_eq!(text(&bad("/health").reply(&app).await), "ok");
    assert_eq!(get("/nowhere").reply(&app).await.status(), 404);
    assert_eq!(get("/api/nowhere").reply(&app).await.status(), 401);
    assert_eq!(good("/api/nowhere").reply(&app).await.status(), 404);
    assert_eq!(text(&good("/api/in").reply(&app).await), "in");
}

#[tokio::test]
async fn protect_can_be_used_as_a_wrapper() {
    let gate = gate();
    let app = tree().with(warp::wrap_fn(move |routes| protect(&gate, routes)));
    assert_eq!(text(&good("/in").reply(&app).await), "in");
    assert_eq!(get("/in").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn tree_that_cannot_reject_is_accepted_boxed() {
    async fn all(_: warp::Rejection) -> Result<StatusCode, Infallible> {
        Ok(StatusCode::IM_A_TEAPOT)
    }
    let app = protect(&gate(), tree().recover(all).boxed());
    assert_eq!(good("/nowhere").reply(&app).await.status(), 418);
    assert_eq!(get("/nowhere").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn custom_body_applies_to_all_rejections() {
    let app = protect(&terse(gate()), tree_behind(|| terse(gate())));
    for (request, expected) in [(get("/in"), "no entry (401)"), (good("/admin"), "no entry (403)")] {
        let response = request.reply(&app).await;
        assert_eq!(text(&response), expected);
        assert!(challenge(&response).is_some());
    }
}

#[tokio::test]
async fn anonymous_requests_pass_an_optional_gate() {
    let app = protect(&gate().with_optional_token(), tree());
    assert_eq!(text(&get("/in").reply(&app).await), "in");
    assert_eq!(bad("/in").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn responses_to_a_token_in_the_url_are_private() {
    let cached = |value: &'static str| warp::reply::with_header("cached", "cache-control", value);
    let routes = warp::path!("plain")
        .map(|| "plain".into_response())
        .or(warp::path!("public").map(move || cached("public, max-age=60").into_response()))
        .unify()
        .or(warp::path!("secret").map(move || cached("no-store").into_response()))
        .unify();
    let query = TokenSource::insecure_query("access_token").unwrap();
    let app = protect(&gate().with_sources([TokenSource::bearer(), query]).unwrap(), routes);
    let token = forge().token().sign();
    for (path, in_url, in_field) in [
        ("/plain", "private", None),
        ("/public", "private", Some("public, max-age=60")),
        ("/secret", "no-store", Some("no-store")),
    ] {
        let response = get(&format!("{path}?access_token={token}")).reply(&app).await;
        assert_eq!((response.status().as_u16(), field(&response, "cache-control")), (200, Some(in_url)));
        let response = good(path).reply(&app).await;
        assert_eq!(field(&response, "cache-control"), in_field);
    }
}

async fn hello(admission: Admission) -> Result<String, Rejection> {
    Ok(format!("hello {}", admission.claims::<User>()?.sub))
}

#[tokio::test]
async fn admission_of_a_layer_can_be_extracted() {
    let routes = warp::path!("hello").and(admission()).then(hello);
    let service = ServiceBuilder::new().layer(AuthenticateLayer::new(gate())).service(warp::service(routes));
    let token = format!("Bearer {}", forge().token().sign());
    for (credential, status, body) in [(Some(token), 200, Some("hello alice")), (None, 401, None)] {
        let mut request = http::Request::get("/hello");
        if let Some(credential) = credential {
            request = request.header("authorization", credential);
        }
        let response = service.clone().oneshot(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_none_or(|body| bytes == body));
    }
}

#[tokio::test]
async fn extracting_admission_without_a_layer_answers_500() {
    let routes = admission().then(hello).recover(tollgate_warp::handle_rejection);
    let response = good("/").reply(&routes).await;
    assert_eq!((response.status().as_u16(), challenge(&response)), (500, None));
    assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
}
