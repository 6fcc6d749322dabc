//! The application on axum.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{any, get};
use tollgate::Gate;
use tollgate_axum::{AuthenticateLayer, Authenticated, AuthorizeLayer, Claims};

use super::{Driver, Typed, in_background, listen, mixed_policy, scope_policy};

pub(crate) struct Axum;

impl Driver for Axum {
    fn name(&self) -> &'static str {
        "axum"
    }

    fn serve(&self, gate: Gate) -> SocketAddr {
        let (listener, address) = listen();
        in_background(async move || {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app(gate)).await.expect("serve");
        });
        address
    }
}

fn app(gate: Gate) -> Router {
    let optional = AuthenticateLayer::new(gate.clone().with_optional_token());
    Router::new()
        .route("/", any(subject))
        .route("/typed", get(async |claims: Claims<Typed>| claims.tenant.to_string()))
        .route("/scope", get(subject).route_layer(AuthorizeLayer::new(scope_policy())))
        .route("/policy", get(subject).route_layer(AuthorizeLayer::new(mixed_policy())))
        .route("/bare", any(async || "bare"))
        .route(
            "/panic",
            get(async |_: Authenticated| -> String { std::panic::panic_any(super::EXPECTED_PANIC) }),
        )
        .layer(AuthenticateLayer::new(gate))
        .merge(Router::new().route("/optional", get(optional_subject)).layer(optional))
        .route("/unguarded", get(subject))
        .route("/open", any(async || "open"))
}

async fn subject(token: Authenticated) -> String {
    token.subject().unwrap_or_default().to_owned()
}

async fn optional_subject(token: Option<Authenticated>) -> String {
    token.as_ref().and_then(|token| token.subject()).unwrap_or("anonymous").to_owned()
}
