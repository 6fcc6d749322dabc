//! JWT bearer authentication as a Tower layer, for hyper, tonic, axum and any other stack on `http` 1.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use tollgate::{Admission, Algorithm, Audience, Gate, Issuer, Verifier, VerifyingKey};
//! use tollgate_tower::AuthenticateLayer;
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! async fn hello(request: Request<String>) -> Result<Response<Vec<u8>>, std::convert::Infallible> {
//!     let admission = request.extensions().get::<Admission>();
//!     let subject = admission.and_then(Admission::verified).and_then(|token| token.subject());
//!     Ok(Response::new(format!("hello {}", subject.unwrap_or("stranger")).into_bytes()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let forge = tollgate_testing::Forge::new("https://issuer.example", "api://demo");
//! # let (secret, token) = (tollgate_testing::keys::SECRET, forge.token().subject("alice").sign());
//! let key = VerifyingKey::hmac(Algorithm::Hs256, secret)?;
//! let gate = Gate::new(Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?));
//! let service = ServiceBuilder::new().layer(AuthenticateLayer::new(gate)).service_fn(hello);
//!
//! let request = Request::builder().header("authorization", format!("Bearer {token}")).body(String::new())?;
//! let response = service.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.body(), b"hello alice");
//!
//! let response = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(()) }
//! ```
//!
//! # Optional authentication
//!
//! [`Gate::with_optional_token`] admits requests without a token; their
//! [`Admission::verified`] is `None`. The gate still rejects an invalid token.
//!
//! # Policies
//!
//! [`AuthorizeLayer`] requires a [`Policy`] and goes inside [`AuthenticateLayer`]. For a policy for
//! every request, use [`Gate::with_policy`].
//!
//! # Custom rejection
//!
//! [`Gate::with_rejection_body`] replaces the body and its content type,
//! for the layer and for guards inside it. The response body type must implement `From<Vec<u8>>`. The
//! [`Rejection`] with its typed cause is in the extensions of every response to a
//! rejected request, for outer layers that log or count.
//!
//! # Order of layers
//!
//! Layers that do not depend on the user go outside: CORS (a preflight carries no token), tracing, compression,
//! limits on connections. Layers that depend on the user go inside: authorization, limits per user. An inner
//! service with readiness, such as a concurrency limit, works as usual: the layer calls the instance that was
//! polled ready, even after it has waited for keys.
//!
//! # Logging
//!
//! See [`tollgate::manual::log`].
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
pub use future::AuthenticateFuture;
pub use request::HttpRequest;
pub use response::{mark_private, respond};
#[cfg(feature = "sessions")]
pub use sessions::{SessionFuture, SessionService};

/// The framework-independent core. Its major version is a part of this crate's API.
pub use tollgate;

// The types of the core that a first application needs, so that it needs no other crate.
pub use tollgate::{
    Admission, Algorithm, Audience, ClaimPath, ClaimPaths, ConfigError, CrossSite, FromClaims, Gate, Issuer,
    KeyError, KeySet, Policy, RegisteredClaims, Rejection, RejectionBody, ResourceMetadata, ScopeSet,
    TokenSource, Verified, Verifier, VerifierKeys, VerifyingKey,
};
