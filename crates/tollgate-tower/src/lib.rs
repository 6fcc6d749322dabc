//! JWT bearer authentication as a Tower layer, for hyper, tonic, axum and any other stack on `http` 1.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use http_body_util::BodyExt;
//! use tollgate::{Admission, Algorithm, Audience, Gate, Issuer, Verifier, VerifyingKey};
//! use tollgate_tower::AuthenticateLayer;
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! async fn hello(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
//!     let admission = request.extensions().get::<Admission>();
//!     let subject = admission.and_then(Admission::verified).and_then(|token| token.subject());
//!     Ok(Response::new(format!("hello {}", subject.unwrap_or("stranger"))))
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
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "hello alice");
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
//! for the layer and for guards inside it. The [`Rejection`] with its typed cause is in the extensions of every
//! response to a rejected request, for outer layers that log or count.
//!
//! The response body of the inner service can be of any type. That of the layers is a [`GateBody`], which is that
//! body or a rejection.
//!
//! # gRPC
//!
//! The layers work around services of tonic, and around the whole server. The package `example-tonic` in the
//! repository is a server with a client.
//!
//! ```
//! use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, Gate, Policy};
//! use tonic::service::LayerExt;
//! # use tonic::server::NamedService;
//!
//! # fn build<S: NamedService>(gate: Gate, service: S) {
//! let gate = gate.with_grpc_rejections();
//! // For a whole server: tonic::transport::Server::builder().layer(AuthenticateLayer::new(gate))
//! // For one service, with a policy:
//! let service = AuthorizeLayer::new(Policy::scope("read:items")).named_layer(service);
//! let service = AuthenticateLayer::new(gate).named_layer(service);
//! # let _ = service; }
//! ```
//!
//! Handlers find the [`Admission`] in the extensions of `tonic::Request`. [`grpc_metadata`] turns the [`Rejection`]
//! of [`Admission::require`], [`Admission::authorize`] or [`Admission::claims`] into a status.
//!
//! With [`Gate::with_grpc_rejections`], a rejected POST request gets a response of gRPC if its `Content-Type` is
//! `application/grpc`, `application/grpc-web` or `application/grpc-web-text`, with or without a message format such as
//! `+proto`. The HTTP status is then 200, the header has the trailers of the call, and there is no body:
//!
//! | rejection | `grpc-status` |
//! |---|---|
//! | 400 | 3, `INVALID_ARGUMENT` |
//! | 401 | 16, `UNAUTHENTICATED` |
//! | 403 | 7, `PERMISSION_DENIED` |
//! | 503 | 14, `UNAVAILABLE`, with `retry-after` and `grpc-retry-pushback-ms` |
//!
//! The challenge `www-authenticate` is part of the metadata. [`Gate::with_rejection_body`] has no effect on these
//! responses. Outer layers and proxies that count rejections by HTTP status do not see these: count the [`Rejection`]
//! in the extensions. Without the setting, and for a guard without a gate (500), gRPC clients map the HTTP status to
//! one of theirs.
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
mod body;
mod future;
mod grpc;
mod request;
mod response;
#[cfg(feature = "sessions")]
mod sessions;

pub use authenticate::{Authenticate, AuthenticateLayer};
pub use authorize::{Authorize, AuthorizeFuture, AuthorizeLayer};
pub use body::{GateBody, GateBodyFuture, GateBodyService};
pub use future::AuthenticateFuture;
pub use grpc::grpc_metadata;
pub use request::HttpRequest;
pub use response::{mark_response, respond, respond_to};
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
