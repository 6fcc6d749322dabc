//! Tests the crate as axum users use it: nested routers, state, `route_layer`, extractors, their own errors.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt as _;
use tollgate_axum::{
    Algorithm, Audience, AuthenticateLayer, Authenticated, AuthorizeLayer, Claims, Gate, Issuer, Policy,
    RegisteredClaims, Rejection, RejectionBody, Scopes, Verifier,
};
use tollgate_testing::{Forge, keys};
use tower::ServiceExt as _;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE)
}

fn gate() -> Gate {
    Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
}

async fn call(app: &Router, request: Request<Body>) -> (u16, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn with(token: &str, path: &str) -> Request<Body> {
    Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()
}

fn without(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[derive(serde::Deserialize)]
struct User {
    sub: String,
}

async fn subject(user: Claims<User>) -> String {
    user.sub.clone()
}

#[tokio::test]
async fn handler_extracts_claims_of_several_types() {
    async fn handler(
        user: Claims<User>,
        registered: Claims<RegisteredClaims>,
        token: Authenticated,
    ) -> String {
        assert!(registered.aud.contains(AUDIENCE));
        assert_eq!(token.issuer(), ISSUER);
        user.sub.clone()
    }
    let app = Router::new().route("/", get(handler)).layer(AuthenticateLayer::new(gate()));
    assert_eq!(call(&app, with(&forge().token().sign(), "/")).await, (200, "alice".to_owned()));
}

#[tokio::test]
async fn nested_routers_keep_their_state() {
    #[derive(Clone)]
    struct App {
        greeting: &'static str,
    }
    struct Greeting(&'static str);
    impl FromRef<App> for Greeting {
        fn from_ref(app: &App) -> Self {
            Self(app.greeting)
        }
    }
    async fn greet(State(greeting): State<Greeting>, user: Claims<User>) -> String {
        format!("{} {}", greeting.0, user.sub)
    }
    let inner =
        Router::new().route("/greet", get(greet)).nest("/deep", Router::new().route("/greet", get(greet)));
    let app = Router::new()
        .nest("/api", inner)
        .layer(AuthenticateLayer::new(gate()))
        .route("/open", get(async || "open"))
        .with_state(App { greeting: "hello" });
    let token = forge().token().sign();
    assert_eq!(call(&app, with(&token, "/api/greet")).await, (200, "hello alice".to_owned()));
    assert_eq!(call(&app, with(&token, "/api/deep/greet")).await, (200, "hello alice".to_owned()));
    assert_eq!(call(&app, without("/api/deep/greet")).await.0, 401);
    assert_eq!(call(&app, without("/open")).await, (200, "open".to_owned()));
}

/// `route_layer` does not affect the 404 of the router. `layer` also guards it.
#[tokio::test]
async fn route_layer_does_not_guard_404_but_layer_does() {
    let routes = || Router::new().route("/", get(subject));
    let by_route = routes().route_layer(AuthenticateLayer::new(gate()));
    let by_router = routes().layer(AuthenticateLayer::new(gate()));
    assert_eq!(call(&by_route, without("/")).await.0, 401);
    assert_eq!(call(&by_router, without("/")).await.0, 401);
    assert_eq!(call(&by_route, without("/nowhere")).await.0, 404);
    assert_eq!(call(&by_router, without("/nowhere")).await.0, 401);
}

/// A fallback that `layer` wraps becomes the fallback of the router that it is merged into: every unknown path of the
/// application then answers 401.
#[tokio::test]
async fn merged_routers_with_route_layer_keep_the_404_of_the_application() {
    let layer = || AuthenticateLayer::new(gate());
    let routers = || ["/a", "/b", "/c"].map(|path| Router::new().route(path, get(subject)));
    let public = || Router::new().route("/open", get(async || "open"));
    let merged = |routers: [Router; 3]| routers.into_iter().fold(public(), Router::merge);
    let by_route = merged(routers().map(|router| router.route_layer(layer())));
    let by_router = merged(routers().map(|router| router.layer(layer())));
    for app in [&by_route, &by_router] {
        assert_eq!(call(app, without("/open")).await.0, 200);
        assert_eq!(call(app, without("/a")).await.0, 401);
        assert_eq!(call(app, with(&forge().token().sign(), "/a")).await.0, 200);
    }
    assert_eq!(call(&by_route, without("/b")).await.0, 401);
    assert_eq!(call(&by_route, without("/nowhere")).await.0, 404);
    assert_eq!(call(&by_router, without("/nowhere")).await.0, 401);
}

#[tokio::test]
async fn nested_routes_are_guarded_and_unknown_paths_stay_404() {
    let inner =
        || Router::new().route("/me", get(subject)).nest("/deep", Router::new().route("/me", get(subject)));
    let layer = || AuthenticateLayer::new(gate());
    let around_inner = Router::new().nest("/api", inner().route_layer(layer()));
    let around_outer = Router::new().nest("/api", inner()).route_layer(layer());
    let by_layer = Router::new().nest("/api", inner().layer(layer()));
    for app in [&around_inner, &around_outer, &by_layer] {
        for path in ["/api/me", "/api/deep/me"] {
            assert_eq!(call(app, without(path)).await.0, 401, "{path}");
            assert_eq!(call(app, with(&forge().token().sign(), path)).await.0, 200, "{path}");
        }
        assert_eq!(call(app, without("/nowhere")).await.0, 404);
    }
    // Nesting takes over no default fallback, even with `layer`.
    for app in [&around_inner, &around_outer, &by_layer] {
        for path in ["/api/nowhere", "/api/deep/nowhere"] {
            assert_eq!(call(app, without(path)).await.0, 404, "{path}");
        }
    }
}

/// The router decides which route a path matches. There is no list of exceptions that another spelling could
/// bypass.
#[tokio::test]
async fn every_spelling_of_a_path_is_guarded() {
    let app = Router::new()
        .route("/admin", get(subject))
        .layer(AuthenticateLayer::new(gate()))
        .route("/open", get(async || "open"));
    for path in
        ["/admin", "//admin", "/admin/", "/%61dmin", "/admin;x", "/open/../admin", "/admin?x=/open", "/ADMIN"]
    {
        let (status, body) = call(&app, without(path)).await;
        assert!(status == 401 || status == 404, "{path}: {status} {body}");
    }
}

#[tokio::test]
async fn option_is_none_only_without_a_token() {
    async fn handler(user: Option<Claims<User>>, token: Option<Authenticated>) -> String {
        assert_eq!(user.is_some(), token.is_some());
        user.map_or_else(|| "anonymous".to_owned(), |user| user.sub.clone())
    }
    let app =
        Router::new().route("/", get(handler)).layer(AuthenticateLayer::new(gate().with_optional_token()));
    assert_eq!(call(&app, without("/")).await, (200, "anonymous".to_owned()));
    assert_eq!(call(&app, with(&forge().token().sign(), "/")).await, (200, "alice".to_owned()));
    assert_eq!(call(&app, with("garbage", "/")).await.0, 401);
    // A token whose claims do not fit the type is invalid, and never counts as missing.
    assert_eq!(call(&app, with(&forge().token().without("sub").sign(), "/")).await.0, 401);
    let required =
        Router::new().route("/", get(subject)).layer(AuthenticateLayer::new(gate().with_optional_token()));
    assert_eq!(call(&required, without("/")).await.0, 401);
}

/// Without a layer, every extractor answers 500, including optional ones.
#[tokio::test]
async fn request_without_a_layer_is_never_anonymous() {
    let app = Router::new()
        .route("/claims", get(subject))
        .route("/optional", get(async |_: Option<Claims<User>>| "reached"))
        .route("/authenticated", get(async |_: Authenticated| "reached"))
        .route("/optional_authenticated", get(async |_: Option<Authenticated>| "reached"))
        .route("/scopes", get(async |_: Scopes| "reached"))
        .route("/guard", get(async || "reached").route_layer(AuthorizeLayer::new(Policy::all([]))));
    for path in ["/claims", "/optional", "/authenticated", "/optional_authenticated", "/scopes", "/guard"] {
        let (status, body) = call(&app, with(&forge().token().sign(), path)).await;
        assert_eq!(status, 500, "{path}: {body}");
        assert!(!body.contains("reached") && !body.contains("layer"), "{body}");
    }
}

#[tokio::test]
async fn guards_apply_per_route_and_per_handler() {
    async fn by_handler(token: Authenticated) -> Result<&'static str, Rejection> {
        token.require(&(Policy::role("admin") | Policy::scope("delete")))?;
        Ok("deleted")
    }
    async fn by_scopes(scopes: Scopes) -> Result<String, Rejection> {
        scopes.require("read")?;
        Ok(scopes.to_string())
    }
    let app = Router::new()
        .route("/read", get(subject).route_layer(AuthorizeLayer::new(Policy::scope("read"))))
        .route("/delete", post(by_handler))
        .route("/scopes", get(by_scopes))
        .layer(AuthenticateLayer::new(gate()));
    let token = |scope: &str| forge().token().scope(scope).sign();
    assert_eq!(call(&app, with(&token("read"), "/read")).await.0, 200);
    assert_eq!(call(&app, with(&token("write"), "/read")).await.0, 403);
    assert_eq!(call(&app, with(&token("write read"), "/scopes")).await, (200, "write read".to_owned()));
    assert_eq!(call(&app, with(&token("write"), "/scopes")).await.0, 403);
    let delete = |token: &str| {
        Request::post("/delete")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(call(&app, delete(&token("delete"))).await.0, 200);
    assert_eq!(call(&app, delete(&forge().token().roles(&["admin"]).sign())).await.0, 200);
    assert_eq!(call(&app, delete(&token("read"))).await.0, 403);
}

/// Layer, guard, extractor and handler reject with the same body.
#[tokio::test]
async fn customised_errors() {
    async fn refuses(scopes: Scopes) -> Result<(), Rejection> {
        scopes.require("x")
    }
    let app = Router::new()
        .route("/extractor", get(subject))
        .route("/guard", get(subject).route_layer(AuthorizeLayer::new(Policy::scope("x"))))
        .route("/handler", get(refuses))
        .layer(AuthenticateLayer::new(gate().with_rejection_body(|rejection| {
            RejectionBody::json(serde_json::json!({"code": rejection.status()}).to_string())
        })));
    let good = forge().token().sign();
    let no_subject = forge().token().without("sub").sign();
    for (request, status) in [
        (without("/extractor"), 401),
        (with(&no_subject, "/extractor"), 401),
        (with(&good, "/guard"), 403),
        (with(&good, "/handler"), 403),
    ] {
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(response.headers().contains_key("www-authenticate"));
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, format!(r#"{{"code":{status}}}"#));
    }
}

/// A body that looks like a success changes only the body.
#[tokio::test]
async fn custom_body_does_not_change_the_status() {
    let cheerful = gate().with_rejection_body(|_| RejectionBody::json(r#""welcome""#));
    let app = Router::new()
        .route("/", get(subject))
        .route("/guard", get(subject).route_layer(AuthorizeLayer::new(Policy::scope("x"))))
        .layer(AuthenticateLayer::new(cheerful));
    for (request, status) in [(without("/"), 401), (with(&forge().token().sign(), "/guard"), 403)] {
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers().contains_key("www-authenticate"));
    }
}

/// An application's error type can wrap the rejection.
#[tokio::test]
async fn application_error_can_wrap_a_rejection() {
    enum AppError {
        Auth(Rejection),
        Other,
    }
    impl From<Rejection> for AppError {
        fn from(rejection: Rejection) -> Self {
            Self::Auth(rejection)
        }
    }
    impl IntoResponse for AppError {
        fn into_response(self) -> Response<Body> {
            match self {
                Self::Auth(rejection) => rejection.into_response(),
                Self::Other => (StatusCode::IM_A_TEAPOT, Json("tea")).into_response(),
            }
        }
    }
    async fn handler(token: Authenticated) -> Result<&'static str, AppError> {
        token.require(&Policy::scope("a"))?;
        if token.subject() == Some("mallory") { Err(AppError::Other) } else { Ok("fine") }
    }
    let app = Router::new().route("/", get(handler)).layer(AuthenticateLayer::new(gate()));
    assert_eq!(call(&app, with(&forge().token().sign(), "/")).await.0, 403);
    assert_eq!(call(&app, with(&forge().token().scope("a").sign(), "/")).await.0, 200);
    assert_eq!(call(&app, with(&forge().token().scope("a").subject("mallory").sign(), "/")).await.0, 418);
}

/// A handler can extract the rejection and decide by itself.
#[tokio::test]
async fn handler_can_extract_the_rejection() {
    async fn handler(user: Result<Claims<User>, Rejection>) -> String {
        match user {
            Ok(user) => user.sub.clone(),
            Err(rejection) => format!("rejected with {}", rejection.into_inner().status()),
        }
    }
    let app =
        Router::new().route("/", get(handler)).layer(AuthenticateLayer::new(gate().with_optional_token()));
    assert_eq!(call(&app, without("/")).await, (200, "rejected with 401".to_owned()));
}

/// A preflight carries no token. The CORS layer stands outside the gate, as the crate documentation says.
#[tokio::test]
async fn preflight_passes_when_cors_is_outside() {
    use axum::extract::Request as AxumRequest;
    use axum::middleware::{Next, from_fn};

    async fn cors(request: AxumRequest, next: Next) -> Response<Body> {
        let preflight =
            request.method() == "OPTIONS" && request.headers().contains_key("access-control-request-method");
        let mut response = if preflight { Response::default() } else { next.run(request).await };
        response.headers_mut().insert("access-control-allow-origin", "https://app.example".parse().unwrap());
        response
    }
    let app =
        Router::new().route("/", get(subject)).layer(AuthenticateLayer::new(gate())).layer(from_fn(cors));
    let preflight =
        Request::options("/").header("access-control-request-method", "GET").body(Body::empty()).unwrap();
    assert_eq!(call(&app, preflight).await.0, 200);
    // Rejections have the CORS header too, so that the page can read them.
    let refused = app.clone().oneshot(without("/")).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://app.example");
    // An OPTIONS request that is not a preflight is gated like any other.
    let options = Request::options("/").body(Body::empty()).unwrap();
    assert_eq!(call(&app, options).await.0, 401);
}
