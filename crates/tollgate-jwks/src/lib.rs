//! Remote key sets for Tollgate. A [`RemoteKeySet`] finds the keys of an issuer by discovery or by URL, and refreshes
//! them in the background. A [`PemKeySet`] fetches keys that are published one by one. A [`VerifierDirectory`] holds
//! the verifiers of issuers that come and go.
//!
//! Key rotation does not interrupt requests, cached keys bridge an outage of the issuer, and forged tokens
//! cannot cause unlimited fetches.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate::{Audience, Gate, Issuer, Verifier};
//! use tollgate_jwks::{HttpClient, HttpFuture, HttpRequest, HttpResponse, RemoteKeySet};
//!
//! # /// Replaces the network in this example.
//! # #[derive(Debug)]
//! # struct Canned;
//! # impl HttpClient for Canned {
//! #     fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
//! #         let body = match request.url() {
//! #             "https://issuer.example/.well-known/openid-configuration" => {
//! #                 r#"{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"}"#.to_owned()
//! #             }
//! #             _ => tollgate_testing::keys::jwk_set(&[tollgate::Algorithm::Es256]),
//! #         };
//! #         Box::pin(async move { Ok(HttpResponse::new(200, body)) })
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let network = Canned;
//! let keys = RemoteKeySet::discover("https://issuer.example")
//! #   .with_client(network)
//!     .connect()
//!     .await?;
//! let gate = Gate::new(Verifier::new(
//!     keys.clone(),
//!     Issuer::new("https://issuer.example")?,
//!     Audience::new("api://demo")?,
//! ));
//!
//! // For the readiness check:
//! assert!(keys.status().is_ready());
//! assert_eq!(keys.status().usable_keys(), 1);
//! # let _ = gate;
//! # Ok(()) }
//! ```
//!
//! # Behavior
//!
//! | situation | token with a known key | with a new key | with a forged key ID |
//! |---|---|---|---|
//! | normal operation | immediate | waits for one fetch | the first one waits for one fetch, then 401 |
//! | an unknown key has just caused a fetch | immediate | 401 until the cooldown ends or the next refresh | 401 |
//! | no response from the issuer, or an unusable one | immediate | 503 with `Retry-After` | 503 with `Retry-After` |
//! | the same, beyond the maximum staleness | 503 with `Retry-After` | 503 | 503 |
//! | the issuer has removed the key | 401 within the lifetime of the keys | | |
//! | the issuer has removed all usable keys | as for an unusable response | 503 | 503 |
//!
//! A token with a known key and a wrong signature waits for one fetch like a token with a new key, because the issuer
//! may have replaced the key under the same ID, or may write no key IDs. The cooldown is the same for both. If the
//! fetch changes nothing, or fails, the token is forged and gets 401, never 503.
//!
//! If an issuer publishes a key before it signs with it, no request waits. If it signs immediately, the first
//! requests wait for one fetch.
//!
//! # Requests to the issuer
//!
//! The key set sends one conditional `GET` after every 80 % of the keys' lifetime, at most one more per
//! cooldown when tokens name unknown keys or have wrong signatures, and retries with growing pauses after failures.
//!
//! # Starting
//!
//! [`connect`](RemoteKeySetBuilder::connect) waits for the first keys and fails without them.
//! [`start`](RemoteKeySetBuilder::start) does not wait: until there are keys, requests with a token get 503.
//!
//! # Networks
//!
//! - Plain http is rejected, except to hosts that
//!   [`with_insecure_http_to`](RemoteKeySetBuilder::with_insecure_http_to) names.
//! - A proxy is used if [`with_proxy`](HttpsClientBuilder::with_proxy) or
//!   [`with_proxy_from_environment`](HttpsClientBuilder::with_proxy_from_environment) sets it.
//! - A private certificate authority is trusted by [`with_authorities`](HttpsClientBuilder::with_authorities).
//! - [`with_request_header`](RemoteKeySetBuilder::with_request_header) sends a header field to the configured origin.
//! - Documents must have a JSON type, or one that
//!   [`tolerate_content_type`](RemoteKeySetBuilder::tolerate_content_type) names.
//!
//! # Keys of providers
//!
//! [`RemoteKeySet::of_provider`] takes the location of the keys from a preset in [`tollgate::providers`]. For an AWS
//! Application Load Balancer, which publishes each key as a PEM document of its own, [`PemKeySet::of_provider`] does.
//!
//! # Issuers that come and go
//!
//! A [`VerifierDirectory`] asks the application for the verifier of an issuer that the gate does not have.
//!
//! # Logging
//!
//! Each refresh is an event of the `tracing` crate with location, outcome, age and duration. New keys are
//! logged at `info`, confirmed ones at `debug`, failures at `warn`, and at `error` when there are no usable
//! keys left. This crate never sees tokens, and logs a key ID of a token only if the issuer has published its
//! key.
//!
//! # Features
//!
//! - `client` (default): [`HttpsClient`], hyper over rustls on aws-lc-rs. Nothing is installed process-wide.
//! - `aws-lc-rs` (default), `rust-crypto`: the backends of the core.

mod builder;
mod cache;
mod cache_control;
#[cfg(feature = "client")]
mod client;
mod content_type;
mod directory;
mod discovery;
mod document;
mod error;
mod fetch;
mod http;
mod location;
mod lookups;
mod moment;
mod negative_cache;
mod outcome;
mod pem_key_set;
mod plain_http;
mod remote;
mod request_header;
mod settings;
mod setup;
mod shared;
mod status;
mod wanted_key;

pub use builder::RemoteKeySetBuilder;
pub use remote::RemoteKeySet;
pub use settings::RefreshSettings;

// Keys that are published one by one.
pub use pem_key_set::{PemKeySet, PemKeySetBuilder, PemKeySetSettings, PemKeySetStatus};

// Issuers that come and go.
pub use directory::{
    LookupOutcome, LookupRequest, VerifierDirectory, VerifierDirectorySettings, VerifierDirectoryStatus,
};

// State and metrics.
pub use outcome::FetchOutcome;
pub use status::{KeySetHealth, KeySetStatus, LastFailure};

// Errors.
pub use content_type::ContentTypeError;
pub use error::{FetchError, MetadataError, StartError};
pub use location::UrlError;
pub use request_header::RequestHeaderError;

// HTTP clients.
#[cfg(feature = "client")]
pub use client::{HttpsClient, HttpsClientBuilder, HttpsClientError, ProxyUrlError};
pub use http::{HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse};
