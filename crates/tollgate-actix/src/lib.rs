//! JWT bearer authentication for Actix Web: a wrapper, typed claims extractors, scope and role guards.
//!
//! ```
//! use actix_web::{App, web};
//! use tollgate_actix::{Algorithm, Audience, Authenticate, Claims, Gate, Issuer, Verifier, VerifyingKey};
//! use actix_web::test::{TestRequest, call_service, init_service};
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
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?));
//! let profile = web::resource("/profile").wrap(Authenticate::new(gate)).get(profile);
//! let app = App::new().service(profile);
//!
//! let app = init_service(app).await;
//! let request = TestRequest::get().uri("/profile").insert_header(("authorization", format!("Bearer {token}")));
//! let response = call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 200);
//!
//! let response = call_service(&app, TestRequest::get().uri("/profile").to_request()).await;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers().get("www-authenticate").unwrap(), r#"Bearer realm="api""#);
//!
//! let response = call_service(&app, TestRequest::get().uri("/nowhere").to_request()).await;
//! assert_eq!(response.status(), 404);
//! # Ok(()) }
//! ```
//!
//! Build the gate before `HttpServer::new`, and clone it into the closure that creates the application. The
//! clone is cheap, and all workers share its keys.
//!
//! # Optional authentication
//!
//! [`Gate::with_optional_token`] admits requests without a token, and handlers extract
//! [`Optional<Claims<T>>`](Optional). The gate still rejects an invalid token.
//!
//! Actix offers `Option<E>` for every extractor `E`, and it is `None` for every error. With
//! `Option<Claims<T>>`, a token whose claims do not fit `T` is still rejected: [`Authenticate`] replaces the
//! handler's response by 401. However, the handler has already run, and on a route without a gate only an error
//! is logged. [`Optional`] rejects both before the handler runs.
//!
//! # Policies
//!
//! Use [`Authorize`] inside [`Authenticate`] for a policy per scope, resource or route,
//! [`Authenticated::require`] and [`Scopes::require`] for one per handler, and [`Gate::with_policy`] for all
//! requests.
//!
//! ```
//! use actix_web::{App, get, web};
//! use tollgate_actix::{Authenticate, Authorize, Gate, Policy};
//!
//! #[get("/items", wrap = "Authorize::new(Policy::scope(\"read:items\"))")]
//! async fn items() -> &'static str {
//!     "items"
//! }
//!
//! # fn app(gate: Gate) {
//! let admin = web::scope("/admin").wrap(Authorize::new(Policy::role("admin")));
//! let api = web::scope("/api").service(items).service(admin).wrap(Authenticate::new(gate));
//! let app = App::new().service(api);
//! # let _ = app; }
//! ```
//!
//! # Custom rejection
//!
//! [`Gate::with_rejection_body`] replaces the body and content type of every rejection by the wrapper, guards
//! and extractors. The [`Rejection`] of this crate wraps that of the [core](tollgate::Rejection), and handlers
//! can return it.
//!
//! ```
//! use tollgate_actix::{Gate, RejectionBody};
//!
//! # fn build(gate: Gate) -> Gate {
//! let gate = gate
//!     .with_rejection_body(|rejection| RejectionBody::json(format!(r#"{{"code":{}}}"#, rejection.status())));
//! # gate }
//! ```
//!
//! The [`tollgate::Rejection`] with its typed cause is in the extensions of every response to a rejected request, for
//! outer wrappers that log or count.
//!
//! # Order of wrappers
//!
//! In actix, the wrapper that is added last is the outermost. Authentication goes inside wrappers that do not
//! depend on the user (CORS, tracing, compression) and outside wrappers that do (authorization, limits per
//! user): `.wrap(per_user).wrap(Authenticate::new(gate)).wrap(cors)`. A CORS preflight carries no token. The
//! CORS wrapper answers it, so it must be further out: around the application, when [`Authenticate`] is around
//! a scope.
//!
//! **Wrap resources, routes or scopes, and not the application.** A wrapper around a resource or a route protects only
//! its path, and unknown paths get 404. A wrapper around a scope protects all paths below its prefix, also unknown
//! ones; a scope with an empty prefix takes every path. A wrapper around the application protects all paths: without a
//! token, the response to an unknown path is 401. That is right for an application in which no path is public.
//!
//! # Logging
//!
//! See [`tollgate::manual::log`].
//!
//! # Features
//!
//! - `aws-lc-rs` (default) and `rust-crypto`: the cryptographic backends of the core, see [`tollgate`].
//! - `sessions`: the endpoints of `tollgate-sessions` as a resource, `session_routes`.

mod authenticate;
mod authorize;
mod extract;
mod future;
mod guarded;
mod rejection;
mod request;
#[cfg(feature = "sessions")]
mod sessions;

pub use authenticate::{Authenticate, AuthenticateService};
pub use authorize::{Authorize, AuthorizeFuture, AuthorizeService};
pub use extract::{Authenticated, Claims, Optional, Scopes};
pub use future::AuthenticateFuture;
pub use rejection::Rejection;
pub use request::ActixRequest;
#[cfg(feature = "sessions")]
pub use sessions::session_routes;

/// The framework-independent core. Its major version is a part of this crate's API.
pub use tollgate;

// The types of the core that a first application needs, so that it needs no other crate.
pub use tollgate::{
    Admission, Algorithm, Audience, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, Issuer,
    KeyError, KeySet, Policy, RegisteredClaims, RejectionBody, ResourceMetadata, ScopeSet, TokenSource,
    Verified, Verifier, VerifierKeys, VerifyingKey,
};
