//! Errors: [`StartError`] when a key set is set up, [`FetchError`] when it is fetched.

use std::time::Duration;

use tollgate::{Excerpt, KeyError};

use crate::content_type::ContentTypeError;
use crate::http::HttpError;
use crate::location::UrlError;
use crate::outcome::FetchOutcome;
use crate::request_header::RequestHeaderError;

/// The reason why a remote key set does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The URL or the issuer cannot be used.
    #[error("{text:?} cannot be used")]
    Url {
        /// The text that was given, without a query. Empty when it contains a password.
        text: Box<str>,
        /// The reason why it cannot be used.
        #[source]
        reason: UrlError,
    },
    /// A host of [`with_insecure_http_to`](crate::RemoteKeySetBuilder::with_insecure_http_to) is not a host.
    #[error(
        "`with_insecure_http_to` cannot use {text}; expected a host name or an IP address, without wildcards, \
         scheme or port"
    )]
    Host {
        /// The text that was given.
        text: Excerpt,
    },
    /// A header field cannot be added to fetches.
    #[error("the request header field {name} cannot be added")]
    RequestHeader {
        /// The name of the header field.
        name: Excerpt,
        /// The reason why it cannot be added.
        #[source]
        reason: RequestHeaderError,
    },
    /// A content type cannot be tolerated.
    #[error("the content type {text} cannot be tolerated")]
    ContentType {
        /// The text that was given.
        text: Excerpt,
        /// The reason why it cannot be tolerated.
        #[source]
        reason: ContentTypeError,
    },
    /// The provider does not publish its keys where this source of keys reads them. The text names the source to use.
    #[error("the keys of this provider cannot be fetched here: {0}")]
    Provider(&'static str),
    /// Two settings contradict each other, or one is out of range.
    #[error("invalid settings: {0}")]
    Settings(&'static str),
    /// There is no Tokio runtime to run the refreshing task.
    #[error("a remote key set must be started inside a Tokio runtime")]
    NoRuntime,
    /// There is no HTTP client.
    #[error("no HTTP client: enable the feature `client`, or set one with `with_client`")]
    NoClient,
    /// The default client cannot be created.
    #[error("cannot create the HTTPS client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The first fetch failed. Only [`connect`](crate::RemoteKeySetBuilder::connect) returns this.
    #[error("cannot fetch the keys of {location}")]
    Fetch {
        /// The URL of the keys, or the issuer.
        location: Box<str>,
        /// The reason of the failure.
        #[source]
        reason: FetchError,
    },
}

/// The reason why a refresh failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The response was not complete within the timeout.
    #[error("no complete response within {} ms", .after.as_millis())]
    Timeout {
        /// The timeout of the refresh.
        after: Duration,
    },
    /// The request failed without a complete response.
    #[error("no complete response")]
    Http(#[source] HttpError),
    /// The body is larger than the limit.
    #[error("the document is larger than {max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The status of the response is not 200.
    #[error("the issuer responded with status {status}")]
    Status {
        /// The status code of the response.
        status: u16,
        /// The pause that the issuer asks for with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The response is a redirect. Redirects are never followed, because an attacker who can create one could
    /// then choose the trusted keys.
    #[error("the issuer redirects to {to}; redirects are not followed, so configure the final URL")]
    Redirect {
        /// The target of the redirect.
        to: Excerpt,
    },
    /// The content type is not JSON.
    #[error("the content type is {found}, expected JSON; `tolerate_content_type` accepts another type")]
    ContentType {
        /// The content type of the response.
        found: Excerpt,
    },
    /// The document of a key is a page of HTML.
    #[error("the content type is {found}, so this is a page in place of a key")]
    Page {
        /// The content type of the response.
        found: Excerpt,
    },
    /// The value of a request header field cannot be read.
    #[error("no value for the request header field {name}")]
    RequestHeader {
        /// The name of the header field.
        name: Excerpt,
        /// The reason, with the path of the file.
        #[source]
        reason: std::io::Error,
    },
    /// The document is compressed, although the request did not ask for it.
    #[error("the document is compressed, although the request did not ask for it")]
    ContentEncoding,
    /// The document is not a key set, or has no usable key.
    #[error("the document is not a usable key set")]
    Document(#[source] KeyError),
    /// The document is not a public key in PEM, or the key cannot be used.
    #[error("the document is not a usable key")]
    Key(#[source] KeyError),
    /// The issuer's metadata cannot be used.
    #[error("the issuer's metadata cannot be used")]
    Metadata(#[from] MetadataError),
    /// The HTTP client panicked.
    #[error("the HTTP client panicked")]
    Client,
}

/// The reason why an issuer's metadata (OpenID Connect Discovery 1.0, RFC 8414) cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// No well-known URL has metadata.
    #[error("no metadata found at {tried}")]
    NotFound {
        /// The URLs that were tried.
        tried: Box<str>,
    },
    /// The document is not a JSON object with `issuer` and `jwks_uri`.
    #[error("it is not a JSON object with strings `issuer` and `jwks_uri`")]
    Malformed,
    /// The metadata is that of another issuer (RFC 8414 §3.3). Issuers are compared byte for byte.
    #[error("it belongs to issuer {found}, which must equal this issuer byte for byte")]
    IssuerMismatch {
        /// The issuer in the metadata.
        found: Excerpt,
    },
    /// The `jwks_uri` of the metadata cannot be used.
    #[error("its `jwks_uri` {found} cannot be used")]
    KeysUrl {
        /// The `jwks_uri` in the metadata.
        found: Excerpt,
        /// The reason why it cannot be used.
        #[source]
        reason: UrlError,
    },
}

impl FetchError {
    /// Returns the kind of failure, for metrics.
    #[must_use]
    pub fn outcome(&self) -> FetchOutcome {
        match self {
            Self::Timeout { .. } => FetchOutcome::Timeout,
            Self::Http(_) | Self::RequestHeader { .. } | Self::Client => FetchOutcome::Unreachable,
            Self::Status { .. } | Self::Redirect { .. } => FetchOutcome::Status,
            Self::TooLarge { .. }
            | Self::ContentType { .. }
            | Self::Page { .. }
            | Self::ContentEncoding
            | Self::Document(_)
            | Self::Key(_) => FetchOutcome::Document,
            Self::Metadata(_) => FetchOutcome::Metadata,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether an immediate retry may succeed.
    pub(crate) fn is_momentary(&self) -> bool {
        match self {
            Self::Http(HttpError::Connect(_) | HttpError::Broken(_)) => true,
            Self::Status { status, retry_after } => {
                matches!(status, 500 | 502 | 503 | 504) && retry_after.is_none()
            }
            _ => false,
        }
    }

    /// Returns the error with all its causes, on one line.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            sentence.push_str(": ");
            sentence.push_str(&cause.to_string());
            source = cause.source();
        }
        sentence
    }
}
