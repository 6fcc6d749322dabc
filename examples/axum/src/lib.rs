//! The example application on axum: [`app`].

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::Response;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use example_shared::{Answer, Items, MAX_BODY_BYTES, Settings};
use tollgate_axum::{AuthenticateLayer, Authenticated, AuthorizeLayer, Policy, session_routes};

#[derive(Clone)]
struct App {
    settings: Arc<Settings>,
    items: Items,
}

/// Builds the application's router.
pub fn app(settings: Settings) -> Router {
    let required = AuthenticateLayer::new(settings.gate.clone());
    let optional = AuthenticateLayer::new(settings.optional_gate.clone());
    // Without endpoints the application only verifies tokens of another issuer: it has no login.
    let sessions = settings.endpoints().map_or_else(Router::new, session_routes);
    let state = App { settings: Arc::new(settings), items: Items::default() };
    Router::new()
        .route("/items", get(list_items).route_layer(needs_scope("read:items")))
        .route("/items", post(add_item).route_layer(needs_scope("write:items")))
        .route("/admin", get(admin).route_layer(AuthorizeLayer::new(Policy::role("admin"))))
        .route("/me", get(me))
        .route_layer(required)
        .merge(Router::new().route("/whoami", get(who_am_i)).route_layer(optional))
        .merge(sessions)
        .merge(page())
        .merge(open_routes())
        .fallback(async || Reply(example_shared::not_found()))
        .method_not_allowed_fallback(async || Reply(example_shared::method_not_allowed()))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

fn needs_scope(scope: &str) -> AuthorizeLayer {
    AuthorizeLayer::new(Policy::scope(scope))
}

fn page() -> Router<App> {
    example_shared::page()
        .fold(Router::new(), |page, (path, file)| page.route(path, get(async move || Reply(file.clone()))))
}

fn open_routes() -> Router<App> {
    Router::new()
        .route("/public", get(async || Reply(example_shared::public())))
        .route("/healthz", get(async || Reply(example_shared::health())))
        .route(
            "/readyz",
            get(async |State(app): State<App>| Reply(example_shared::ready(&app.settings).await)),
        )
        .route(
            "/metrics",
            get(async |State(app): State<App>| Reply(example_shared::metrics(&app.settings).await)),
        )
        .route(
            "/.well-known/oauth-protected-resource",
            get(async |State(app): State<App>| Reply(app.settings.resource_metadata())),
        )
}

async fn me(token: Authenticated) -> Reply {
    Reply(example_shared::me(&token))
}

async fn who_am_i(token: Option<Authenticated>) -> Reply {
    Reply(example_shared::who_am_i(token.as_deref()))
}

async fn list_items(State(app): State<App>) -> Reply {
    Reply(app.items.list())
}

async fn add_item(State(app): State<App>, body: Result<Bytes, BytesRejection>) -> Reply {
    Reply(body.map_or_else(|_unreadable| example_shared::body_too_large(), |body| app.items.add(&body)))
}

async fn admin(token: Authenticated) -> Reply {
    Reply(example_shared::admin(&token))
}

/// Converts an [`Answer`] to axum's response.
struct Reply(Answer);

impl IntoResponse for Reply {
    fn into_response(self) -> Response<Body> {
        let Answer { status, content_type, headers, body, .. } = self.0;
        let response = Response::builder().status(status).header("content-type", content_type);
        let response =
            headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(Body::from(body)).unwrap_or_default()
    }
}
