//! Settings that cannot be right.

/// A setting that cannot be right. Found when the gate is built, never while it serves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A cookie, header or parameter name with characters that such a name cannot have.
    #[error("{name:?} cannot be the name of a {what}")]
    Name {
        /// What it was to name.
        what: &'static str,
        /// The name.
        name: Box<str>,
    },
    /// A value that would not survive inside a quoted string (RFC 9110 §5.6.4).
    #[error("{what} may hold printable ASCII without quotes and backslashes only")]
    Text {
        /// What it was for.
        what: &'static str,
    },
    /// More leeway than clocks need (RFC 7519 §4.1.4: "no more than a few minutes").
    #[error("leeway of {secs} s is more than the 300 s that clocks can need")]
    Leeway {
        /// The leeway asked for.
        secs: u64,
    },
    /// Two verifiers for one issuer: which one decides?
    #[error("two verifiers for the issuer {issuer:?}")]
    DuplicateIssuer {
        /// The issuer.
        issuer: Box<str>,
    },
    /// Not an origin: `scheme://host` with an optional port, and nothing else.
    #[error("{text:?} is not an origin, such as https://app.example")]
    Origin {
        /// What was given.
        text: Box<str>,
    },
    /// Not a resource identifier: an absolute https URL without a fragment (RFC 9728 §1.2).
    #[error("{url:?} is not an absolute https URL without fragment (http is accepted on loopback only)")]
    Resource {
        /// What was given.
        url: Box<str>,
    },
    /// A setting with which nothing could be accepted, or that cannot be compared with.
    #[error("{0}")]
    Conflict(&'static str),
}
