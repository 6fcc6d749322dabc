//! JWT bearer authentication for Actix Web: a wrapper, typed claims extractors, scope and role guards.
//!
//! ```
//! use actix_web::{App, get};
//! use tollgate_actix::{Algorithm, Authenticate, Claims, Gate, Verifier, VerifyingKey};
//! use actix_web::test::{TestRequest, call_service, init_service};
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! #[get("/profile")]
//! async fn profile(user: Claims<User>) -> String {
//!     format!("hello {}", user.sub)
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, "https://issuer.example", "api://demo"));
//! let app = App::new().service(profile).wrap(Authenticate::new(gate));
//!
//! let app = init_service(app).await;
//! let request = TestRequest::get().uri("/profile").insert_header(("authorization", format!("Bearer {token}")));
//! let response = call_service(&app, request.to_request()).await;
//! assert_eq!(response.status(), 200);
//!
//! let response = call_service(&app, TestRequest::get().uri("/profile").to_request()).await;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers().get("www-authenticate").unwrap(), r#"Bearer realm="api""#);
//! # Ok(()) }
//! ```
//!
//! Build the gate before `HttpServer::new`, and clone it into the closure that makes the application: that is cheap,
//! and all workers then share its keys.
//!
//! # Optional authentication
//!
//! With [`Gate::with_optional_token`], requests without a token pass, and handlers ask for [`Optional<Claims<T>>`](Optional). A
//! bad token is refused all the same: it is never the same as none.
//!
//! Actix gives handlers `Option<E>` of every extractor `E`, and `None` for every error. `Option<Claims<T>>` still does
//! not pass a token off as none: when `T` cannot be made from it, [`Authenticate`] answers with 401 in place of what
//! the handler returned. By then the handler has run, though, and without a gate on the route there is nobody to
//! answer; an error in the log is all. [`Optional`] answers both before the handler runs.
//!
//! # Policies
//!
//! Per scope, resource or route, [`Authorize`] inside [`Authenticate`]; per handler, [`Authenticated::require`] and
//! [`Scopes::require`]; for everything, [`Gate::with_policy`].
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
//! let app = App::new().service(items).service(admin).wrap(Authenticate::new(gate));
//! # let _ = app; }
//! ```
//!
//! # Custom rejection
//!
//! [`Authenticate::on_rejection`] replaces the body of every rejection, of the wrapper, of guards and of extractors, and
//! its content type. Status, challenge, `Cache-Control` and `Retry-After` stay, whatever it returns.
//!
//! ```
//! use actix_web::HttpResponse;
//! use tollgate_actix::{Authenticate, Gate, core};
//!
//! # fn wrap(gate: Gate) {
//! let terse = |rejection: &core::Rejection, _: HttpResponse<()>| {
//!     let body = format!(r#"{{"code":{}}}"#, rejection.status());
//!     HttpResponse::Ok().content_type("application/json").body(body)
//! };
//! let authenticate = Authenticate::new(gate).on_rejection(terse);
//! # let _ = actix_web::App::new().wrap(authenticate); }
//! ```
//!
//! The [`core::Rejection`] with its typed cause is in the extensions of every refused response, for outer wrappers
//! that log or count.
//!
//! # Order of wrappers
//!
//! In actix, the wrapper added last is the outermost. Authentication goes inside what answers for everybody (CORS,
//! tracing, compression) and outside what looks at the user (authorization, limits per user):
//! `.wrap(per_user).wrap(Authenticate::new(gate)).wrap(cors)`. A CORS preflight carries no token. It passes because
//! the CORS wrapper answers it, and that has to stand outside: around the application, when [`Authenticate`] is
//! around a scope.
//!
//! A wrapper around the application also stands in front of what does not exist: without a token the answer is 401
//! rather than 404. Around a scope or a resource it guards what is below that path, and leaves the rest alone.
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
//! - `sessions`: the endpoints of `tollgate-sessions` as a resource, `session_routes`.

mod authenticate;
mod authorize;
mod extract;
mod future;
mod rejection;
mod request;
#[cfg(feature = "sessions")]
mod sessions;

pub use authenticate::{Authenticate, AuthenticateService};
pub use authorize::{Authorize, AuthorizeFuture, AuthorizeService};
pub use extract::{Authenticated, Claims, Optional, Scopes};
pub use future::AuthenticateFuture;
pub use rejection::{OnRejection, ProblemDetails, Rejection};
pub use request::ActixRequest;
#[cfg(feature = "sessions")]
pub use sessions::session_routes;

/// The framework-independent core.
pub use tollgate as core;

// The paved path of the core, so that a first application needs no other crate.
pub use tollgate::{
    Admission, Algorithm, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, KeySet, Policy,
    RegisteredClaims, ResourceMetadata, TokenSource, Verified, Verifier, VerifyingKey,
};
