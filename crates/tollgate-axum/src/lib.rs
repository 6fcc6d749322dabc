//! JWT bearer authentication for axum: a layer, typed claims extractors, scope and role guards.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tollgate_axum::{Algorithm, Audience, AuthenticateLayer, Claims, Gate, Issuer, Verifier, VerifyingKey};
//! use axum::{body::Body, http::{Request, StatusCode}};
//! use tower::ServiceExt;
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! async fn profile(Claims(user): Claims<User>) -> String {
//!     format!("hello {}", user.sub)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?));
//! let app = Router::new().route("/profile", get(profile)).route_layer(AuthenticateLayer::new(gate));
//!
//! let request = Request::get("/profile").header("authorization", format!("Bearer {token}"));
//! let response = app.clone().oneshot(request.body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = app.clone().oneshot(Request::get("/profile").body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//!
//! let response = app.oneshot(Request::get("/nowhere").body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::NOT_FOUND);
//! # Ok(()) }
//! ```
//!
//! The claims can be of any type that implements `serde::de::DeserializeOwned`: `Deserialize` with owned
//! fields. `Claims(user)` binds `user` to an `Arc` of that type. If the compiler only reports that a function
//! is not a handler, `#[axum::debug_handler]` shows the reason.
//!
//! # Around the whole router
//!
//! [`Router::route_layer`](axum::Router::route_layer) puts the layer around every route, and axum boxes each of them. A
//! layer around the whole router saves one box and a quarter of the layer's cost. It protects every path,
//! including paths without a route.
//!
//! ```
//! use axum::{Router, ServiceExt, extract::Request};
//! use tollgate_axum::{AuthenticateLayer, Gate};
//! use tower::Layer;
//!
//! # fn app(gate: Gate, router: Router) {
//! let router = router.with_state(()); // builds its routes once; `axum::serve` does so for a bare router
//! let app = AuthenticateLayer::new(gate).layer(router);
//! let service = ServiceExt::<Request>::into_make_service(app); // for `axum::serve`
//! # let _ = service; }
//! ```
//!
//! # Optional authentication
//!
//! [`Gate::with_optional_token`] admits requests without a token, and handlers extract `Option<Claims<T>>`. The
//! gate still rejects an invalid token.
//!
//! # Policies
//!
//! Use [`AuthorizeLayer`] as a `route_layer` for a policy per route, [`Authenticated::require`] and
//! [`Scopes::require`] for one per handler, and [`Gate::with_policy`] for all requests.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tollgate_axum::{AuthenticateLayer, AuthorizeLayer, Gate, Policy};
//!
//! fn app(gate: Gate) -> Router {
//!     Router::new()
//!         .route("/items", get(async || "items"))
//!         .route_layer(AuthorizeLayer::new(Policy::scope("read:items")))
//!         .route_layer(AuthenticateLayer::new(gate))
//! }
//! ```
//!
//! # Custom rejection
//!
//! [`Gate::with_rejection_body`] replaces the body and content type of every rejection by the layer, guards and
//! extractors. The [`Rejection`] of this crate wraps that of the [core](tollgate::Rejection), and handlers can
//! return it.
//!
//! ```
//! use tollgate_axum::{Gate, RejectionBody};
//!
//! # fn build(gate: Gate) -> Gate {
//! let gate = gate
//!     .with_rejection_body(|rejection| RejectionBody::json(format!(r#"{{"code":{}}}"#, rejection.status())));
//! # gate }
//! ```
//!
//! # gRPC
//!
//! Services of tonic are routes of axum, behind the same gate. With [`Gate::with_grpc_rejections`], the layers reject
//! gRPC requests in their protocol, as [`tollgate_tower`] describes. Extractors and [`Rejection`] always respond with
//! HTTP.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tollgate_axum::{AuthenticateLayer, Gate};
//!
//! /// `grpc` is `tonic::service::Routes::new(service).into_axum_router()`.
//! fn app(gate: Gate, grpc: Router) -> Router {
//!     let gate = gate.with_grpc_rejections();
//!     grpc.route("/items", get(async || "items")).layer(AuthenticateLayer::new(gate))
//! }
//! ```
//!
//! # Order of layers
//!
//! In axum, a layer that is added later is further out. Authentication goes inside layers that do not depend on
//! the user (tracing, compression, and CORS, because a preflight carries no token). It goes outside layers that
//! depend on the user (authorization, limits per user).
//!
//! **Use `route_layer` for the gate.** It guards the routes of a router, also nested ones, and does not affect the 404
//! for unknown paths. `layer` also guards the fallback, and merging takes the fallback over: a router with `layer` that
//! is merged into a public one makes every unknown path of the application answer 401. `layer` is right around a whole
//! application in which even unknown paths require a token.
//!
//! **Both guard only routes that were added before them.** Add the gate last, because a route that is added
//! after it is open. A guard or extractor without a gate in front responds with 500, and logs an error.
//!
//! # Client addresses behind a proxy
//!
//! The session endpoints have a setting for proxies. Other handlers ask
//! [`TrustedProxies`](tollgate::TrustedProxies) for the address of the client:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use axum::extract::{ConnectInfo, Request, State};
//! use tollgate_axum::HttpRequest;
//! use tollgate_axum::tollgate::TrustedProxies;
//!
//! async fn address(
//!     State(proxies): State<TrustedProxies>,
//!     ConnectInfo(peer): ConnectInfo<SocketAddr>,
//!     request: Request,
//! ) -> String {
//!     proxies.client_address(&HttpRequest::from(&request), peer.ip()).to_string()
//! }
//! # let _ = axum::Router::new().route("/", axum::routing::get(address));
//! ```
//!
//! # Logging
//!
//! See [`tollgate::manual::log`].
//!
//! # Features
//!
//! - `aws-lc-rs` (default) and `rust-crypto`: the cryptographic backends of the core, see [`tollgate`].
//! - `sessions`: the endpoints of `tollgate-sessions` as routes, `session_routes`.

mod authenticate;
mod authorize;
mod extract;
mod rejection;
#[cfg(feature = "sessions")]
mod sessions;

pub use authenticate::AuthenticateLayer;
pub use authorize::AuthorizeLayer;
pub use extract::{Authenticated, Claims, Scopes};
pub use rejection::Rejection;
#[cfg(feature = "sessions")]
pub use sessions::session_routes;
pub use tollgate_tower::{Authenticate, AuthenticateFuture, Authorize, AuthorizeFuture, HttpRequest};
#[cfg(feature = "sessions")]
pub use tollgate_tower::{SessionFuture, SessionService};

/// The framework-independent core. Its major version is a part of this crate's API.
pub use tollgate;

// The types of the core that a first application needs, so that it needs no other crate.
pub use tollgate::{
    Admission, Algorithm, Audience, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, Issuer,
    KeyError, KeySet, Policy, RegisteredClaims, RejectionBody, ResourceMetadata, ScopeSet, TokenSource,
    Verified, Verifier, VerifierKeys, VerifyingKey,
};
