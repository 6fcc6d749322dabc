//! Errors of settings.

/// An invalid setting. Constructors and setters return it, so it cannot occur while a gate serves requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The name of a cookie, header field, query parameter or scope holds characters that such a name cannot have, or
    /// is not allowed for it.
    #[error("{name:?} cannot be the name of a {what}")]
    Name {
        /// What the name is for, such as `cookie`.
        what: &'static str,
        /// The name that was given.
        name: Box<str>,
    },
    /// A text cannot be the identifier of an issuer or an audience.
    #[error(
        "{text:?} cannot be an {what}: it is empty, has white space around it or holds a control character"
    )]
    Identifier {
        /// What the text was to identify: `issuer` or `audience`.
        what: &'static str,
        /// The text that was given.
        text: Box<str>,
    },
    /// A set without members, which would reject every token.
    #[error("no {what} given; every token would be rejected")]
    Empty {
        /// What the set was to contain, such as `scope`.
        what: &'static str,
    },
    /// A content type that cannot be the value of a header field.
    #[error("{text:?} is not a content type, such as application/json")]
    ContentType {
        /// The text that was given.
        text: Box<str>,
    },
    /// A value that cannot stand inside a quoted string (RFC 9110 §5.6.4).
    #[error("{what} may hold only printable ASCII without quotes and backslashes")]
    Text {
        /// What the value is for, such as `realm`.
        what: &'static str,
    },
    /// The leeway is longer than clocks need (RFC 7519 §4.1.4: "no more than a few minutes").
    #[error("leeway of {secs} s is longer than the limit of 300 s")]
    Leeway {
        /// The requested leeway, in seconds.
        secs: u64,
    },
    /// Two verifiers have the same issuer, so a token would not determine its verifier.
    #[error("two verifiers for the issuer {issuer:?}")]
    DuplicateIssuer {
        /// The issuer that both verifiers have.
        issuer: Box<str>,
    },
    /// A template of issuers does not have exactly one claim name in braces.
    #[error(
        "{template:?} is not a template of issuers, such as https://login.microsoftonline.com/{{tid}}/v2.0"
    )]
    IssuerTemplate {
        /// The text that was given.
        template: Box<str>,
    },
    /// A token could belong to two verifiers, and neither takes precedence.
    #[error("tokens could belong to two verifiers: {first:?} and {second:?}")]
    OverlappingIssuers {
        /// The rule of the verifier that the gate has.
        first: Box<str>,
        /// The rule of the verifier that was to be added.
        second: Box<str>,
    },
    /// A text is not an origin: `scheme://host` with an optional port, and nothing else.
    #[error("{text:?} is not an origin, such as https://app.example")]
    Origin {
        /// The text that was given.
        text: Box<str>,
    },
    /// A text is not a resource identifier: an absolute https URL without a fragment (RFC 9728 §1.2).
    #[error("{url:?} is not an absolute https URL without fragment (http is accepted on loopback only)")]
    Resource {
        /// The text that was given.
        url: Box<str>,
    },
    /// A setting that contradicts another one, would reject every token, or cannot be compared with a claim.
    /// The text says what is wrong.
    #[error("{0}")]
    Conflict(&'static str),
    /// A text is not a network of trusted proxies.
    #[error("{text:?} is not a network of proxies, such as 10.0.0.0/8: {problem}")]
    Network {
        /// The text that was given.
        text: Box<str>,
        /// What is wrong with the text.
        problem: &'static str,
    },
    /// A number of trusted proxies outside 1 to [`TrustedProxies::MAX_HOPS`](crate::TrustedProxies::MAX_HOPS).
    #[error("{hops} is not a number of proxies in front of the application; the limits are 1 and 16")]
    Hops {
        /// The number that was given.
        hops: usize,
    },
}
