//! Remote key sets for Tollgate: the keys of an issuer, found by discovery or by URL, and kept fresh in the background.
//!
//! A rotation is not seen by anyone, an outage of the issuer is survived, and nobody can make us fetch at will.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate::{Audience, Gate, Issuer, Verifier};
//! use tollgate_jwks::{HttpClient, HttpFuture, HttpRequest, HttpResponse, RemoteKeySet};
//!
//! # /// Stands for the network in this example.
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
//! # What happens when
//!
//! | situation | a token with a known key | with a new key | with a forged key id |
//! |---|---|---|---|
//! | all is well | goes on at once | waits for one fetch, goes on | the first waits for that fetch, then 401 |
//! | a fetch was just caused by an unknown key | goes on at once | 401 until the cooldown is over, or the next refresh | 401 at once |
//! | the issuer does not answer, or answers nonsense | goes on at once | 503 with `Retry-After` | 503 with `Retry-After` |
//! | the same, for longer than keys may be stale | 503 with `Retry-After` | 503 | 503 |
//! | the issuer has withdrawn the key | 401 within the lifetime of the keys | | |
//! | the issuer has withdrawn all keys that can be used | as if it answered nonsense | 503 | 503 |
//!
//! An issuer that publishes a key before it signs with it is never waited for. One that signs at once costs the first
//! requests one fetch.
//!
//! # What the issuer sees
//!
//! One conditional `GET` each time that 80 % of the keys' lifetime are over, one more per cooldown at most when tokens
//! name keys that it does not have, and retries with growing pauses when it fails.
//!
//! # Starting
//!
//! [`connect`](RemoteKeySetBuilder::connect) waits for the first keys and fails without them.
//! [`start`](RemoteKeySetBuilder::start) does not wait: until there are keys, requests with a token are answered 503.
//!
//! # Log
//!
//! Each refresh is an event of the `tracing` crate with location, outcome, age and duration: new keys at `info`,
//! confirmed ones at `debug`, failures at `warn`, and at `error` when there are no keys left to use. Tokens never come
//! near this crate; key ids of tokens are not logged.
//!
//! # Features
//!
//! - `client` (default): [`HttpsClient`], hyper over rustls on aws-lc-rs. Nothing is installed process-wide.
//! - `aws-lc-rs` (default), `rust-crypto`: the backends of the core.

mod absent;
mod builder;
mod cache;
mod cache_control;
#[cfg(feature = "client")]
mod client;
mod discovery;
mod document;
mod error;
mod fetch;
mod http;
mod location;
mod moment;
mod outcome;
mod remote;
mod settings;
mod shared;
mod status;

pub use builder::RemoteKeySetBuilder;
pub use remote::RemoteKeySet;
pub use settings::RefreshSettings;

// How it is.
pub use outcome::FetchOutcome;
pub use status::{KeySetHealth, KeySetStatus, LastFailure};

// What can go wrong.
pub use error::{FetchError, MetadataError, StartError};
pub use location::UrlError;

// How it is fetched.
#[cfg(feature = "client")]
pub use client::{HttpsClient, HttpsClientBuilder, HttpsClientError};
pub use http::{HttpClient, HttpError, HttpFuture, HttpRequest, HttpResponse};
