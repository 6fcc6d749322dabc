//! Tests `and`, `or` and `recover`: which branch determines the response.

use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use tollgate::{AuthError, TokenError};
use tollgate_testing::keys;
use tollgate_tower::AuthenticateLayer;
use tollgate_warp::{
    Algorithm, Audience, Authenticated, Gate, Issuer, Policy, Rejection, Verifier, authenticated,
    authenticated_with, handle_rejection, rejection_response,
};
use tower::{ServiceBuilder, ServiceExt as _};
use warp::hyper::body::Bytes;
use warp::{Filter, Reply};

use crate::support::{
    AUDIENCE, BARE, INVALID_TOKEN, bad, challenge, clock, field, forge, gate, get, good, send, terse, text,
    with_token,
};

/// Returns an application with `GET /me` and `DELETE /me` for requests with a token, and `GET /public` and
/// `POST /public` for all requests. The last route checks the method first, so it rejects every other request
/// with 405.
fn app() -> impl Filter<Extract = impl Reply, Error = warp::Rejection> + Clone {
    app_behind(gate)
}

fn app_behind(gate: fn() -> Gate) -> impl Filter<Extract = impl Reply, Error = warp::Rejection> + Clone {
    let gate = gate();
    let me = warp::path!("me")
        .and(warp::get())
        .and(authenticated(&gate))
        .map(|user: Authenticated| format!("me: {}", user.subject().unwrap_or_default()));
    let delete = warp::path!("me")
        .and(warp::delete())
        .and(authenticated_with(&gate, Policy::scope("me:delete")))
        .map(|_| "deleted");
    let public = warp::path!("public").and(warp::get()).map(|| "public");
    let post = warp::post().and(warp::path!("public")).map(|| "posted");
    me.or(delete).or(public).or(post)
}

#[tokio::test]
async fn public_branch_answers_with_any_token() {
    let app = app().recover(handle_rejection);
    for request in [get("/public"), good("/public"), bad("/public")] {
        let response = request.reply(&app).await;
        assert_eq!((response.status(), text(&response)), (StatusCode::OK, "public"));
    }
    let response = bad("/public").method("POST").reply(&app).await;
    assert_eq!(text(&response), "posted");
}

#[tokio::test]
async fn valid_token_reaches_its_branch() {
    let response = good("/me").reply(&app().recover(handle_rejection)).await;
    assert_eq!((response.status(), text(&response)), (StatusCode::OK, "me: alice"));
}

#[tokio::test]
async fn rejection_overrides_404_and_405_of_other_branches() {
    let app = app().recover(handle_rejection);
    let cases = [
        (get("/me"), 401, BARE),
        (bad("/me"), 401, INVALID_TOKEN),
        (get("/me").method("DELETE"), 401, BARE),
        (
            good("/me").method("DELETE"),
            403,
            Some(r#"Bearer realm="api", error="insufficient_scope", scope="me:delete""#),
        ),
    ];
    for (request, status, expected) in cases {
        let response = request.reply(&app).await;
        assert_eq!((response.status().as_u16(), challenge(&response)), (status, expected));
        assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
        assert_eq!(field(&response, "cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn order_of_branches_does_not_matter() {
    let gate = gate();
    let me = warp::path!("me").and(authenticated(&gate)).map(|_| "me");
    let public = warp::path!("public").map(|| "public");
    let post = warp::post().and(warp::path!("public")).map(|| "posted");
    let app = public.or(post).or(me).recover(handle_rejection);
    assert_eq!(text(&bad("/public").reply(&app).await), "public");
    assert_eq!(challenge(&bad("/me").reply(&app).await), INVALID_TOKEN);
}

#[tokio::test]
async fn unknown_path_is_404_with_any_token() {
    let gate = gate();
    let me = warp::path!("me").and(warp::get()).and(authenticated(&gate)).map(|_| "me");
    let app = me.or(warp::path!("public").and(warp::get()).map(|| "public")).recover(handle_rejection);
    for make in [get, good, bad] {
        let response = make("/nowhere").reply(&app).await;
        assert_eq!((response.status(), text(&response)), (StatusCode::NOT_FOUND, ""));
        assert_eq!(challenge(&response), None);

        let response = make("/me").method("PUT").reply(&app).await;
        assert_eq!((response.status(), challenge(&response)), (StatusCode::METHOD_NOT_ALLOWED, None));
    }
}

#[tokio::test]
async fn filter_before_the_path_rejects_every_path() {
    let me = authenticated(&gate()).and(warp::path!("me")).map(|_| "me");
    let app = me.or(warp::path!("public").map(|| "public")).recover(handle_rejection);
    assert_eq!(get("/nowhere").reply(&app).await.status(), 401);
    assert_eq!(good("/nowhere").reply(&app).await.status(), 404);
    assert_eq!(get("/public").reply(&app).await.status(), 200);
}

#[tokio::test]
async fn later_branch_for_the_same_path_can_answer() {
    let me = warp::path!("me").and(authenticated(&gate())).map(|_| "me");
    let app = me.or(warp::any().map(|| "index"));
    assert_eq!(text(&bad("/me").reply(&app).await), "index");
}

#[tokio::test]
async fn other_rejections_are_passed_on() {
    #[derive(Debug)]
    struct TooMany;
    impl warp::reject::Reject for TooMany {}

    async fn last(rejection: warp::Rejection) -> Result<StatusCode, warp::Rejection> {
        match rejection.find::<TooMany>() {
            Some(TooMany) => Ok(StatusCode::TOO_MANY_REQUESTS),
            None => Err(rejection),
        }
    }

    let limited = warp::path!("limited").and_then(async || Err::<&str, _>(warp::reject::custom(TooMany)));
    let app = limited.or(app()).recover(handle_rejection).recover(last);
    assert_eq!(get("/limited").reply(&app).await.status(), 429);
    assert_eq!(get("/me").reply(&app).await.status(), 401);
}

#[tokio::test]
async fn custom_recover_can_send_the_same_response() {
    async fn recover(rejection: warp::Rejection) -> Result<warp::reply::Response, warp::Rejection> {
        rejection.find::<Rejection>().map(|refused| rejection_response(refused)).ok_or(rejection)
    }
    let ours = bad("/me").reply(&app().recover(handle_rejection)).await;
    let theirs = bad("/me").reply(&app().recover(recover)).await;
    assert_eq!(ours.status(), theirs.status());
    assert_eq!(ours.headers(), theirs.headers());
    assert_eq!(ours.body(), theirs.body());
}

#[tokio::test]
async fn custom_body_does_not_change_status_and_headers() {
    let response = bad("/me").reply(&app_behind(|| terse(gate())).recover(handle_rejection)).await;
    assert_eq!((response.status(), text(&response)), (StatusCode::UNAUTHORIZED, "no entry (401)"));
    assert_eq!(challenge(&response), INVALID_TOKEN);
    assert_eq!(field(&response, "cache-control"), Some("no-store"));
}

#[tokio::test]
async fn response_extensions_carry_the_typed_cause() {
    let response = bad("/me").reply(&app().recover(handle_rejection)).await;
    let rejection = response.extensions().get::<tollgate::Rejection>().unwrap();
    assert!(
        matches!(rejection.error(), AuthError::InvalidToken(TokenError::SignatureMismatch)),
        "{rejection:?}"
    );
}

#[tokio::test]
async fn response_is_500_without_cause_when_not_recovered() {
    let response = bad("/me").reply(&app()).await;
    assert_eq!(response.status(), 500);
    assert_eq!(text(&response), "Unhandled rejection: Rejection { status: 401, .. }");
}

#[tokio::test]
async fn responses_equal_those_of_the_tower_adapter() {
    async fn inner(_: http::Request<String>) -> Result<Response<String>, std::convert::Infallible> {
        Ok(Response::new("in".to_owned()))
    }
    let gate = gate().with_policy(Policy::scope("orders"));
    let tower = ServiceBuilder::new().layer(AuthenticateLayer::new(gate.clone())).service_fn(inner);
    let warp = authenticated(&gate).map(|_| "in").recover(handle_rejection);
    let good = format!("Bearer {}", forge().token().sign());
    let expired = format!("Bearer {}", forge().token().claim("exp", 1).sign());
    let cases: [&[&str]; 6] = [&[], &[&good], &[&expired], &[&good, &good], &["Basic YTpi"], &["Bearer a b"]];
    for credentials in cases {
        let fields: Vec<_> = credentials.iter().map(|credential| ("authorization", *credential)).collect();
        let ours = send(&warp, &fields).await;
        let request =
            fields.iter().fold(http::Request::get("/"), |request, field| request.header(field.0, field.1));
        let theirs = tower.clone().oneshot(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(ours.status(), theirs.status());
        assert_eq!(ours.headers(), theirs.headers());
        assert_eq!(*ours.body(), theirs.into_body().collect().await.unwrap().to_bytes());
        assert!(ours.status().is_client_error());
    }
}

/// Returns a gate with the forge's key for another issuer.
fn other_gate(realm: &str) -> Gate {
    let verifier = Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new("https://other.example").unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    Gate::new(verifier).with_clock(clock()).with_realm(realm).unwrap()
}

#[tokio::test]
async fn request_is_admitted_when_one_of_several_gates_admits() {
    let other = other_gate("other");
    let app = warp::path!("me")
        .and(authenticated(&gate()).or(authenticated(&other)).unify())
        .map(|user: Authenticated| user.issuer().to_owned())
        .recover(handle_rejection);
    let token = forge().token();
    assert_eq!(text(&with_token("/me", &token.clone().sign()).reply(&app).await), "https://issuer.example");
    let token = token.claim("iss", "https://other.example").sign();
    assert_eq!(text(&with_token("/me", &token).reply(&app).await), "https://other.example");
    // Of two rejections, the last determines the response.
    let refused = Some(r#"Bearer realm="other", error="invalid_token""#);
    assert_eq!(challenge(&bad("/me").reply(&app).await), refused);
}

#[tokio::test]
async fn gates_of_other_branches_do_not_matter() {
    let inside = warp::path!("in").and(authenticated(&gate())).map(|_| "in");
    let outside = warp::path!("out").and(authenticated(&other_gate("other"))).map(|_| "out");
    let app = inside.or(outside).recover(handle_rejection);
    assert_eq!(text(&good("/in").reply(&app).await), "in");
    assert_eq!(challenge(&get("/in").reply(&app).await), BARE);
    assert_eq!(challenge(&get("/out").reply(&app).await), Some(r#"Bearer realm="other""#));
    let refused = Some(r#"Bearer realm="other", error="invalid_token""#);
    assert_eq!(challenge(&good("/out").reply(&app).await), refused);
}

#[tokio::test]
async fn preflight_passes_and_rejections_carry_cors_headers() {
    let cors = warp::cors()
        .allow_origin("https://app.example")
        .allow_header("authorization")
        .allow_methods(["GET", "DELETE"]);
    let app = app().recover(handle_rejection).with(cors);

    let preflight = get("/me")
        .method("OPTIONS")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "authorization");
    let response = preflight.reply(&app).await;
    assert_eq!((response.status(), challenge(&response)), (StatusCode::OK, None));

    let response = bad("/me").header("origin", "https://app.example").reply(&app).await;
    assert_eq!((response.status(), challenge(&response)), (StatusCode::UNAUTHORIZED, INVALID_TOKEN));
    assert_eq!(field(&response, "access-control-allow-origin"), Some("https://app.example"));
}

#[tokio::test]
async fn rejected_request_keeps_its_body_for_the_next_branch() {
    let protected = warp::path!("in")
        .and(authenticated(&gate()))
        .and(warp::body::bytes())
        .map(|_, body: Bytes| body.to_vec());
    let public = warp::path!("in").and(warp::body::bytes()).map(|_| "read by the other");
    let app = protected.or(public).recover(handle_rejection);
    let response = bad("/in").method("POST").body("a body").reply(&app).await;
    assert_eq!(text(&response), "read by the other");
}

#[tokio::test]
async fn rejection_is_a_reply() {
    let refused = tollgate::Rejection::missing_gate();
    let reply = Rejection::from(refused.clone()).into_response();
    assert_eq!(reply.status(), 500);
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), refused.body().into_bytes());
}
