//! Tollgate-config builds a [`Gate`](tollgate::Gate), its issuers and its policies from a TOML document and environment
//! variables.
//!
//! ```no_run
//! use tollgate_config::Document;
//!
//! # async fn run() -> Result<(), tollgate_config::DocumentError> {
//! let config = Document::from_file("tollgate.toml")?.with_environment("TOLLGATE")?.config()?;
//! let built = config.build().await?;
//! let gate = built.gate().clone(); // for the layer, wrapper or filter of your framework
//! # drop(gate); Ok(()) }
//! ```
//!
//! [`ConfigWatcher`] reads the document again on demand, and replaces the gate while requests run.
//!
//! # The document
//!
//! All members, most of them with a value that differs from the default. Only `issuers` is required.
//!
//! ```toml
#![doc = include_str!("../docs/tollgate.toml")]
//! ```
//!
//! With the feature `sessions`:
//!
//! ```toml
#![doc = include_str!("../docs/sessions.toml")]
//! ```
//!
//! - Providers are the functions of [`tollgate::providers`], with hyphens in their names. An entry of `issuers` with a
//!   `provider` needs the members of that provider, which are the parameters of the function. It may also have the
//!   general members: `keys`, the checks from `leeway` to `required_header_members`, `scopes_at`, `roles_at`,
//!   `implied_scopes`, `implied_roles`, `tolerate`, `tolerate_id_token_claims`, `refresh` and `network`. They replace
//!   or extend what the preset sets.
//! - An issuer has one entry. For several clients, use the list of the preset (`clients`). If it has none, write the
//!   issuer without `provider`, with a list as `audience`.
//! - A setting that gives up a check is named `insecure_…` or `tolerate…`. It is bound to its entry: two entries never
//!   influence each other.
//! - In `[gate]`, settings that are on or off accept `true` and `false`. In an entry of `issuers`, `true` is the only
//!   value of settings such as `rfc9068_profile` and `insecure_loopback`. Leave them out otherwise.
//! - A relative path starts in the folder of the document. The path in a store URL starts in the working directory.
//!
//! # Errors
//!
//! A [`DocumentError`] is one line: the file, line and column of the value or the name of the variable, the member,
//! what is wrong with it, and how to mend it. Unknown members are errors.
//!
//! ```text
//! tollgate.toml:6:1: `gate.relm` is not a member that exists; did you mean `realm`?
//! tollgate.toml:9:8: `issuers.0.keys` has both `discover` and `secret_env`; remove one
//! TOLLGATE_GATE__PREFLIGHTS: `gate.preflights` is a string; write `true` or `false`
//! ```
//!
//! # Secrets
//!
//! A secret comes from a file or a variable. Only `insecure_secret` takes one in the document itself.
//!
//! - A file with a secret has at most 64 KiB, and other users must not be able to read it (mode 600).
//! - White space around a secret in base64 or base64url does not count, nor does its padding. With the encoding `utf8`,
//!   the text itself is the secret, except for one line break at its end, which editors add.
//! - No `Debug`, error or log contains a secret. Errors never show the value of a member with the wrong type.
//!
//! # Durations and sizes
//!
//! A duration is a whole number and a unit (`ms`, `s`, `min`, `h`, `d`), and a size a whole number and `B`, `KiB`,
//! `MiB` or `GiB`, both in quotes. There is no unit `m`, which could be a minute or a month, and no `MB`.
//!
//! # Features
//!
//! - `client` (default): the HTTPS client for the keys of remote issuers.
//! - `sessions`: the table `[sessions]` with settings of `tollgate-sessions`.
//! - `aws-lc-rs` (default), `rust-crypto`: the backends of the core.

mod build;
mod config;
mod document;
mod error;
mod settings;
mod watcher;

pub use build::Built;
#[cfg(feature = "sessions")]
pub use build::SessionsConfig;
pub use config::Config;
pub use document::{Document, Override};
pub use error::{DocumentError, Place};
pub use watcher::ConfigWatcher;
