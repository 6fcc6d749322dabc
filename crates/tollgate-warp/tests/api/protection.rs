//! `protect`, and a layer of the Tower adapter around everything.

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
async fn nothing_inside_sees_a_refused_request() {
    // No `recover`, and a branch that answers everything.
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
async fn what_filters_inside_refuse_is_answered_here_too() {
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
async fn behind_a_path_or_a_public_route_others_are_left_alone() {
    let api = warp::path("api").and(protect(&gate(), tree()));
    let app = warp::path!("health").map(|| "ok").or(api);
    assert_eq!(text(&bad("/health").reply(&app).await), "ok");
    assert_eq!(get("/nowhere").reply(&app).await.status(), 404);
    assert_eq!(get("/api/nowhere").reply(&app).await.status(), 401);
    assert_eq!(good("/api/nowhere").reply(&app).await.status(), 404);
    assert_eq!(text(&good("/api/in").reply(&app).await), "in");
}

#[tokio::test]
async fn it_is_a_wrapper_too() {
    let gate = gate();
    let app = tree().with(warp::wrap_fn(move |routes| protect(&gate, routes)));
    assert_eq!(text(&good("/in").reply(&app).await), "in");
    assert_eq!(get("/in").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn a_tree_that_cannot_reject_goes_in_boxed() {
    async fn all(_: warp::Rejection) -> Result<StatusCode, Infallible> {
        Ok(StatusCode::IM_A_TEAPOT)
    }
    let app = protect(&gate(), tree().recover(all).boxed());
    assert_eq!(good("/nowhere").reply(&app).await.status(), 418);
    assert_eq!(get("/nowhere").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn another_body_is_given_to_everything_refused() {
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
async fn what_a_layer_admitted_can_be_taken() {
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
async fn without_a_layer_that_is_a_mistake_in_the_wiring() {
    let routes = admission().then(hello).recover(tollgate_warp::handle_rejection);
    let response = good("/").reply(&routes).await;
    assert_eq!((response.status().as_u16(), challenge(&response)), (500, None));
    assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
}
