//! JWT bearer authentication as a Tower layer, for hyper, tonic, axum and anything else on `http` 1.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use tollgate::{Admission, Algorithm, Gate, Verifier, VerifyingKey};
//! use tollgate_tower::AuthenticateLayer;
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! async fn hello(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
//!     let admission = request.extensions().get::<Admission>();
//!     let subject = admission.and_then(Admission::verified).and_then(|token| token.subject());
//!     Ok(Response::new(format!("hello {}", subject.unwrap_or("nobody"))))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! # let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, "https://issuer.example", "api://demo"));
//! let service = ServiceBuilder::new().layer(AuthenticateLayer::new(gate)).service_fn(hello);
//!
//! let request = Request::builder().header("authorization", format!("Bearer {token}")).body(String::new())?;
//! let response = service.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.body(), "hello alice");
//!
//! let response = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(()) }
//! ```
//!
//! # Optional authentication
//!
//! [`Gate::with_optional_token`](tollgate::Gate::with_optional_token) lets requests without a token pass; their
//! [`Admission::verified`](tollgate::Admission::verified) is `None`. A bad token is refused all the same.
//!
//! # Policies
//!
//! [`AuthorizeLayer`] requires a [`Policy`](tollgate::Policy) and goes inside [`AuthenticateLayer`]. What holds
//! for every request can be given to the gate itself.
//!
//! # Custom rejection
//!
//! [`AuthenticateLayer::on_rejection`] replaces the body and its content type. Status, challenge, `Cache-Control` and
//! `Retry-After` stay, whatever it returns. The
//! [`Rejection`](tollgate::Rejection) with its typed cause is in the extensions of every refused response, for
//! outer layers that log or count.
//!
//! # Order of layers
//!
//! Layers that answer for everybody go outside: CORS (a preflight carries no token), tracing, compression, limits on
//! connections. Whatever looks at the user goes inside: authorization, limits per user. A service inside a layer
//! that must be polled ready, such as a concurrency limit, keeps its readiness: the instance that was ready is the
//! one that is called, even when keys have to be awaited first.
//!
//! # Log
//!
//! The core logs with the `tracing` crate: refused tokens at `info` with their cause, requests without a token at
//! `debug`, mistakes in the wiring and keys that cannot be had at `error`. Nothing appears without a subscriber, such
//! as `tracing_subscriber::fmt::init()` in `main`. No token and no secret is ever logged.
//!
//! # Features
//!
//! - `aws-lc-rs` (default) and `rust-crypto`: the cryptographic backends of the core.
//! - `sessions`: the endpoints of `tollgate-sessions` as a service, `SessionService`.

mod authenticate;
mod authorize;
mod future;
mod request;
mod response;
#[cfg(feature = "sessions")]
mod sessions;

pub use authenticate::{Authenticate, AuthenticateLayer};
pub use authorize::{Authorize, AuthorizeFuture, AuthorizeLayer};
pub use future::ResponseFuture;
pub use request::HttpRequest;
pub use response::{OnRejection, ProblemDetails, respond};
#[cfg(feature = "sessions")]
pub use sessions::{SessionFuture, SessionService};
