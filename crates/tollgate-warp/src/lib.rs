//! JWT bearer authentication for warp: filters for verified tokens, typed claims, scopes and roles.
//!
//! ```
//! use tollgate_warp::{Algorithm, Audience, Claims, Gate, Issuer, Verifier, VerifyingKey};
//! use warp::Filter;
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?));
//! let profile = warp::path!("profile")
//!     .and(tollgate_warp::claims(&gate))
//!     .map(|Claims(user): Claims<User>| format!("hello {}", user.sub));
//! let app = profile.recover(tollgate_warp::handle_rejection);
//!
//! let request = warp::test::request().path("/profile").header("authorization", format!("Bearer {token}"));
//! let response = request.reply(&app).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.body(), "hello alice");
//!
//! let response = warp::test::request().path("/profile").reply(&app).await;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//!
//! assert_eq!(warp::test::request().path("/nowhere").reply(&app).await.status(), 404);
//! # Ok(()) }
//! ```
//!
//! # Filters
//!
//! | filter | extracts | a request without a token |
//! |---|---|---|
//! | [`claims`](claims()) | [`Claims`] | is rejected |
//! | [`optional_claims`] | `Option<`[`Claims`]`>` | is rejected unless the gate's token is optional |
//! | [`authenticated`] | [`Authenticated`] | is rejected |
//! | [`authenticated_with`] | [`Authenticated`], after a policy | is rejected |
//! | [`scopes`](scopes()) | [`Scopes`] | is rejected |
//! | [`admission_from`] | [`Admission`] | is rejected unless the gate's token is optional |
//!
//! These filters reject with [`Rejection`]. [`protect`] guards a tree of routes, and sends the response itself.
//!
//! # Optional authentication
//!
//! [`Gate::with_optional_token`] admits requests without a token, and [`optional_claims`] extracts `None`. The
//! gate still rejects an invalid token. A gate is cheap to clone, so one application can use both:
//! `optional_claims(&gate.clone().with_optional_token())`.
//!
//! # Policies
//!
//! Use [`authenticated_with`] for a policy per route, [`Authenticated::require`] and [`Scopes::require`] inside
//! a handler, and [`Gate::with_policy`] for all requests.
//!
//! ```
//! use tollgate_warp::{Authenticated, Gate, Policy, authenticated_with};
//! use warp::Filter;
//!
//! # fn routes(gate: Gate) {
//! let read = warp::path!("items")
//!     .and(warp::get())
//!     .and(authenticated_with(&gate, Policy::scope("read:items")))
//!     .map(|_: Authenticated| "items");
//! let write = warp::path!("items")
//!     .and(warp::post())
//!     .and(authenticated_with(&gate, Policy::scope("write:items")))
//!     .map(|user: Authenticated| format!("written by {:?}", user.subject()));
//! # let _ = read.or(write); }
//! ```
//!
//! # Custom rejection
//!
//! [`Gate::with_rejection_body`] replaces the body and content type of every rejection. The rejection of the
//! [core](tollgate::Rejection), with its typed cause, is in the extensions of every response to a rejected
//! request.
//!
//! ```
//! use tollgate_warp::{Gate, RejectionBody, authenticated, handle_rejection};
//! use warp::Filter;
//!
//! # fn routes(gate: Gate) {
//! let gate = gate
//!     .with_rejection_body(|rejection| RejectionBody::json(format!(r#"{{"code":{}}}"#, rejection.status())));
//! let app = warp::path!("me").and(authenticated(&gate)).map(|_| "me").recover(handle_rejection);
//! # let _ = app; }
//! ```
//!
//! A custom `recover` can find the [`Rejection`] and respond with [`rejection_response`]:
//!
//! ```
//! use tollgate_warp::Rejection;
//! use warp::{Reply, http::StatusCode};
//!
//! async fn recover(rejection: warp::Rejection) -> Result<impl Reply, warp::Rejection> {
//!     if let Some(refused) = rejection.find::<Rejection>() {
//!         return Ok(tollgate_warp::rejection_response(refused));
//!     }
//!     if rejection.is_not_found() {
//!         return Ok(StatusCode::NOT_FOUND.into_response());
//!     }
//!     Err(rejection)
//! }
//! # let _ = recover;
//! ```
//!
//! # Order of filters
//!
//! - **Path, method, then token.** After `path!` and `get()`, the filters of this crate reject only requests
//!   for their route, and an unknown path stays a 404. Before the path, every path that no earlier route
//!   matches is a 401.
//! - **Token, then body.** Filters later in a chain do not run for a rejected request.
//! - **warp tries the other branches of `or`** after a rejection: a public route that matches responds as
//!   usual. If none matches, the response is that of the rejection, even where another branch would have
//!   responded with 404 or 405. With a catch-all among the branches, such as a directory of files, use
//!   [`protect`], whose rejections are final.
//! - **`recover`, then `with(cors)`.** As the outermost wrapper, `warp::cors` responds to preflights, which
//!   carry no token, before any filter sees them, and adds its header fields to rejections. Further inside,
//!   preflights fail.
//! - **Without `recover`** and outside [`protect`], warp turns every rejection into a 500.
//!
//! ```
//! use tollgate_warp::{Gate, authenticated, handle_rejection};
//! use warp::Filter;
//!
//! # fn routes(gate: Gate) {
//! let me = warp::path!("me").and(warp::get()).and(authenticated(&gate)).map(|_| "me");
//! let health = warp::path!("health").map(|| "ok");
//! let cors = warp::cors().allow_origin("https://app.example").allow_header("authorization").allow_method("GET");
//! let app = me.or(health).recover(handle_rejection).with(cors);
//! # let _ = app; }
//! ```
//!
//! # Tokens from sources other than `Authorization`
//!
//! A response to a request whose token was in a cookie, another header or the URL must be marked
//! `Cache-Control: private` (RFC 9111 §3.5, RFC 6750 §2.3). [`protect`] does so. A filter inside a route cannot
//! see the response, so there the handler must do it, when [`Admission::is_private`] returns `true`.
//!
//! # Cost
//!
//! warp's filters cannot borrow the request. Each filter of this crate therefore copies the header map (not the
//! values), and also method, target and host where the gate reads cookies or the query. Every filter verifies
//! the token, so use one per route: [`Authenticated`] has everything. To avoid the copy, put the layer of
//! `tollgate-tower` around [`warp::service`] and extract [`admission`](admission()).
//!
//! # Logging
//!
//! See [`tollgate::manual::log`].
//!
//! # Features
//!
//! - `aws-lc-rs` (default) and `rust-crypto`: the cryptographic backends of the core, see [`tollgate`].
//! - `sessions`: the endpoints of `tollgate-sessions` as a filter, `session_routes`.

mod extract;
mod filter;
mod protect;
mod rejection;
mod request;
#[cfg(feature = "sessions")]
mod sessions;

pub use extract::{Authenticated, Claims, Scopes};
pub use filter::{
    admission, admission_from, authenticated, authenticated_with, claims, optional_claims, scopes,
};
pub use protect::protect;
pub use rejection::{Rejection, handle_rejection, rejection_response};
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
