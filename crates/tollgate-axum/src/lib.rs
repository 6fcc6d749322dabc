//! JWT bearer authentication for axum: a layer, typed claims extractors, scope and role guards.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tollgate_axum::{Algorithm, AuthenticateLayer, Claims, Gate, Verifier, VerifyingKey};
//! use axum::{body::Body, http::{Request, StatusCode}};
//! use tower::ServiceExt;
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! async fn profile(user: Claims<User>) -> String {
//!     format!("hello {}", user.sub)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, "https://issuer.example", "api://demo"));
//! let app = Router::new().route("/profile", get(profile)).layer(AuthenticateLayer::new(gate));
//!
//! let request = Request::get("/profile").header("authorization", format!("Bearer {token}"));
//! let response = app.clone().oneshot(request.body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = app.oneshot(Request::get("/profile").body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(()) }
//! ```
//!
//! The claims can be of any type that implements `serde::de::DeserializeOwned`, which is `Deserialize` with fields of its
//! own. [`Claims`] derefs to it: read `user.sub`. Where the compiler only says that a handler is none,
//! `#[axum::debug_handler]` makes it say why.
//!
//! # Around the whole router
//!
//! [`Router::layer`](axum::Router::layer) puts the layer around every route, each of which axum boxes. Around the router it is one
//! box less, and a quarter less of what the layer adds; every path is then protected, those without a route too.
//!
//! ```
//! use axum::{Router, ServiceExt, extract::Request};
//! use tollgate_axum::{AuthenticateLayer, Gate};
//! use tower::Layer;
//!
//! # fn app(gate: Gate, router: Router) {
//! let router = router.with_state(()); // makes its routes once; `axum::serve` does so for a bare router
//! let app = AuthenticateLayer::new(gate).layer(router);
//! let service = ServiceExt::<Request>::into_make_service(app); // for `axum::serve`
//! # let _ = service; }
//! ```
//!
//! # Optional authentication
//!
//! With [`Gate::with_optional_token`], requests without a token pass, and handlers ask for `Option<Claims<T>>`. A bad token is
//! refused all the same: it is never the same as none.
//!
//! # Policies
//!
//! Per route, [`AuthorizeLayer`] as a `route_layer`; per handler, [`Authenticated::require`] and [`Scopes::require`];
//! for everything, [`Gate::with_policy`].
//!
//! ```
//! use axum::{Router, routing::get};
//! use tollgate_axum::{AuthenticateLayer, AuthorizeLayer, Gate, Policy};
//!
//! fn app(gate: Gate) -> Router {
//!     Router::new()
//!         .route("/items", get(async || "items"))
//!         .route_layer(AuthorizeLayer::new(Policy::scope("read:items")))
//!         .layer(AuthenticateLayer::new(gate))
//! }
//! ```
//!
//! # Custom rejection
//!
//! [`AuthenticateLayer::on_rejection`] replaces the body of every rejection, of the layer, of guards and of
//! extractors, and its content type. Status, challenge, `Cache-Control` and `Retry-After` stay, whatever it returns.
//! The closure takes the rejection of the [`core`]; the [`Rejection`] of this crate is what handlers return.
//!
//! ```
//! use axum::{Json, http::Response, response::IntoResponse};
//! use tollgate_axum::{AuthenticateLayer, Gate, core};
//!
//! # fn layer(gate: Gate) {
//! let layer = AuthenticateLayer::new(gate).on_rejection(|rejection: &core::Rejection, _: Response<()>| {
//!     Json([("code", rejection.status())]).into_response()
//! });
//! # let _: axum::Router = axum::Router::new().layer(layer);
//! # }
//! ```
//!
//! # Order of layers
//!
//! In axum, a layer added later is further out. Authentication goes inside what answers for everybody (CORS, as a
//! preflight carries no token; tracing; compression) and outside what looks at the user (authorization, limits per
//! user). `route_layer` on a router guards its routes only, and leaves its 404 alone; `layer` guards both.
//!
//! **Both reach only routes that were added before them.** Add the gate last, or a route that is added after it is
//! open. A guard or extractor that no gate stands in front of answers 500, and the log says why.
//!
//! # Log
//!
//! The core logs with the `tracing` crate: refused tokens at `info` with their cause, requests without a token at
//! `debug`, mistakes in the wiring and keys that cannot be had at `error`. Nothing appears without a subscriber, such
//! as `tracing_subscriber::fmt::init()` in `main`. No token and no secret is ever logged.
//!
//! # Features
//!
//! - `aws-lc-rs` (default) and `rust-crypto`: the cryptographic backends of the core, see [`core`].
//! - `sessions`: the endpoints of `tollgate-sessions` as routes, `session_routes`.

mod extract;
mod rejection;
#[cfg(feature = "sessions")]
mod sessions;

pub use extract::{Authenticated, Claims, Scopes};
pub use rejection::Rejection;
#[cfg(feature = "sessions")]
pub use sessions::session_routes;
pub use tollgate_tower::{Authenticate, AuthenticateLayer, Authorize, AuthorizeLayer, OnRejection};
#[cfg(feature = "sessions")]
pub use tollgate_tower::{SessionFuture, SessionService};

/// The framework-independent core.
pub use tollgate as core;

// The paved path of the core, so that a first application needs no other crate.
pub use tollgate::{
    Admission, Algorithm, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, KeySet, Policy,
    RegisteredClaims, ResourceMetadata, TokenSource, Verified, Verifier, VerifyingKey,
};
