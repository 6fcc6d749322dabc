//! JWT bearer authentication for warp: filters for verified tokens, typed claims, scopes and roles.
//!
//! ```
//! use tollgate_warp::{Algorithm, Claims, Gate, Verifier, VerifyingKey};
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
//! let gate = Gate::new(Verifier::new(key, "https://issuer.example", "api://demo"));
//! let profile = warp::path!("profile")
//!     .and(tollgate_warp::claims(&gate))
//!     .map(|user: Claims<User>| format!("hello {}", user.sub));
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
//! # Ok(()) }
//! ```
//!
//! # What to ask for
//!
//! | filter | extracts | a request without a token |
//! |---|---|---|
//! | [`claims`](claims()) | [`Claims`] | is refused |
//! | [`optional_claims`] | `Option<`[`Claims`]`>` | is for the gate to decide |
//! | [`authenticate`] | [`Authenticated`] | is refused |
//! | [`authorize`] | [`Authenticated`], granted enough | is refused |
//! | [`scopes`](scopes()) | [`Scopes`] | is refused |
//! | [`admit`] | [`Admission`] | is for the gate to decide |
//!
//! A refused request is rejected with [`Rejection`]. [`protect`] guards a tree of routes and answers by itself.
//!
//! # Optional authentication
//!
//! With [`Gate::with_optional_token`], requests without a token pass, and [`optional_claims`] extracts `None`. A bad token is
//! refused all the same: it is never the same as none. A gate is cheap to clone, so one application can use both:
//! `optional_claims(&gate.clone().with_optional_token())`.
//!
//! # Policies
//!
//! Per route, [`authorize`]; inside a handler, [`Authenticated::require`] and [`Scopes::require`]; for everything,
//! [`Gate::with_policy`].
//!
//! ```
//! use tollgate_warp::{Authenticated, Gate, Policy, authorize};
//! use warp::Filter;
//!
//! # fn routes(gate: Gate) {
//! let read = warp::path!("items")
//!     .and(warp::get())
//!     .and(authorize(&gate, Policy::scope("read:items")))
//!     .map(|_: Authenticated| "items");
//! let write = warp::path!("items")
//!     .and(warp::post())
//!     .and(authorize(&gate, Policy::scope("write:items")))
//!     .map(|user: Authenticated| format!("written by {:?}", user.subject()));
//! # let _ = read.or(write); }
//! ```
//!
//! # Custom rejection
//!
//! [`handle_rejection_with`] and [`protect_with`] replace the body and its content type. Status, challenge,
//! `Cache-Control` and `Retry-After` stay, whatever the function returns. The
//! rejection of the [`core`] with its typed cause is in the extensions of every refused response.
//!
//! ```
//! use tollgate_warp::{Gate, authenticate, handle_rejection_with};
//! use warp::{Filter, http::Response};
//!
//! # fn routes(gate: Gate) {
//! let app = warp::path!("me").and(authenticate(&gate)).map(|_| "me").recover(handle_rejection_with(
//!     |rejection: &tollgate_warp::core::Rejection, _: Response<()>| {
//!         let body = format!(r#"{{"code":{}}}"#, rejection.status());
//!         warp::reply::with_header(body, "content-type", "application/json")
//!     },
//! ));
//! # let _ = app; }
//! ```
//!
//! A `recover` of your own finds the [`Rejection`] and answers with [`response`]:
//!
//! ```
//! use tollgate_warp::Rejection;
//! use warp::{Reply, http::StatusCode};
//!
//! async fn recover(rejection: warp::Rejection) -> Result<impl Reply, warp::Rejection> {
//!     if let Some(refused) = rejection.find::<Rejection>() {
//!         return Ok(tollgate_warp::response(refused));
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
//! - **Path, method, then token.** Behind `path!` and `get()`, the filters of this crate refuse requests for their
//!   route only, and a path that no route has stays a 404. In front of the path, every path that is not found before
//!   is a 401.
//! - **Token, then body.** What comes later in a chain is not done for a refused request.
//! - **A refusal is a rejection**, so the other branches of `or` are tried: a public route that matches answers as
//!   ever. If none does, the refusal is the answer, even where another branch would have said 404 or 405. With a
//!   catch-all such as a directory of files among the branches, use [`protect`]: what it refuses stays refused.
//! - **`recover`, then `with(cors)`.** Around everything, `warp::cors` answers preflights, which carry no token,
//!   before any filter sees them, and its header fields are on refusals too. Inside, browsers are told that the
//!   preflight failed.
//! - **Without `recover`** and outside [`protect`], warp answers every refusal with 500.
//!
//! ```
//! use tollgate_warp::{Gate, authenticate, handle_rejection};
//! use warp::Filter;
//!
//! # fn routes(gate: Gate) {
//! let me = warp::path!("me").and(warp::get()).and(authenticate(&gate)).map(|_| "me");
//! let health = warp::path!("health").map(|| "ok");
//! let cors = warp::cors().allow_origin("https://app.example").allow_header("authorization").allow_method("GET");
//! let app = me.or(health).recover(handle_rejection).with(cors);
//! # let _ = app; }
//! ```
//!
//! # Tokens from elsewhere than `Authorization`
//!
//! A response to a request whose token was in a cookie, another field or the URL has to be marked
//! `Cache-Control: private` (RFC 9111 §3.5, RFC 6750 §2.3).
//! [`protect`] does so. A filter inside a route cannot see the response: there it is for the handler to do, and
//! [`Admission::is_private`] says when.
//!
//! # Cost
//!
//! warp shows filters no borrow of the request, so each filter of this crate copies the header map (not the values), and
//! method, target and host where the gate looks for tokens in cookies or in the query.
//! Every filter verifies the token, so ask once per route: [`Authenticated`] has everything. Where that counts, put
//! the layer of `tollgate-tower` around [`warp::service`] and take what it found with [`admission`](admission()).
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
//! - `sessions`: the endpoints of `tollgate-sessions` as a filter, `session_routes`.

mod extract;
mod filter;
mod protect;
mod rejection;
mod request;
#[cfg(feature = "sessions")]
mod sessions;

pub use extract::{Authenticated, Claims, Scopes};
pub use filter::{admission, admit, authenticate, authorize, claims, optional_claims, scopes};
pub use protect::{protect, protect_with};
pub use rejection::{Rejection, handle_rejection, handle_rejection_with, response};
#[cfg(feature = "sessions")]
pub use sessions::session_routes;

/// The framework-independent core.
pub use tollgate as core;

// The paved path of the core, so that a first application needs no other crate.
pub use tollgate::{
    Admission, Algorithm, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, KeySet, Policy,
    RegisteredClaims, ResourceMetadata, TokenSource, Verified, Verifier, VerifyingKey,
};
