//! What can go wrong: [`StartError`] when a key set is set up, [`FetchError`] when it is fetched.

use std::time::Duration;

use tollgate::{Excerpt, KeyError};

use crate::http::HttpError;
use crate::location::UrlError;
use crate::outcome::FetchOutcome;

/// Why a remote key set is not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The URL or the issuer cannot be used.
    #[error("{text:?} cannot be used")]
    Url {
        /// What was given, without a query, and empty when there is a password in it.
        text: Box<str>,
        /// Why.
        #[source]
        reason: UrlError,
    },
    /// Two settings contradict each other, or one can never work.
    #[error("the settings cannot work: {0}")]
    Settings(&'static str),
    /// There is no Tokio runtime to refresh keys on.
    #[error("a remote key set has to be started inside a Tokio runtime")]
    NoRuntime,
    /// There is no client to fetch with.
    #[error("no HTTP client: turn on the feature `client`, or bring one with `with_client`")]
    NoClient,
    /// The default client cannot be made.
    #[error("the HTTPS client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// [`connect`](crate::RemoteKeySetBuilder::connect) only: the keys cannot be had.
    #[error("the keys of {location} cannot be had")]
    Fetch {
        /// The URL or the issuer.
        location: Box<str>,
        /// Why.
        #[source]
        reason: FetchError,
    },
}

/// Why a refresh did not bring keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There was no complete answer in time.
    #[error("no complete answer within {} ms", .after.as_millis())]
    Timeout {
        /// The time that was allowed.
        after: Duration,
    },
    /// There was no complete answer.
    #[error("no complete answer")]
    Http(#[source] HttpError),
    /// The body is larger than allowed.
    #[error("the document is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Another status than 200.
    #[error("the issuer answers {status}")]
    Status {
        /// The status.
        status: u16,
        /// When the issuer asks us to come back.
        retry_after: Option<Duration>,
    },
    /// A redirect. None is followed: it would let whoever can write one choose who is believed.
    #[error("the issuer redirects to {to}; redirects are not followed, configure the URL that is meant")]
    Redirect {
        /// Where to.
        to: Excerpt,
    },
    /// Not JSON by its content type.
    #[error("the content type is {found}, JSON is expected")]
    ContentType {
        /// What it is.
        found: Excerpt,
    },
    /// Compressed, although that was not asked for.
    #[error("the document is compressed, which was not asked for")]
    ContentEncoding,
    /// The document is no key set, or holds no key that can be used.
    #[error("the key set cannot be used")]
    Document(#[source] KeyError),
    /// The issuer's metadata cannot be used.
    #[error("the issuer's metadata cannot be used")]
    Metadata(#[from] MetadataError),
    /// The HTTP client panicked.
    #[error("the HTTP client failed by itself")]
    Client,
}

/// Why an issuer's metadata (OpenID Connect Discovery 1.0, RFC 8414) cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Nowhere to be found.
    #[error("there is none at {tried}")]
    NotFound {
        /// The URLs that were asked.
        tried: Box<str>,
    },
    /// Not a JSON object with `issuer` and `jwks_uri`.
    #[error("it is not a JSON object with strings `issuer` and `jwks_uri`")]
    Malformed,
    /// Another issuer's (RFC 8414 §3.3): compared byte for byte.
    #[error("it is that of {found}, not of this issuer; they have to be the same to the last character")]
    IssuerMismatch {
        /// Whose it is.
        found: Excerpt,
    },
    /// Its `jwks_uri` cannot be used.
    #[error("its `jwks_uri` {found} cannot be used")]
    KeysUrl {
        /// What it says.
        found: Excerpt,
        /// Why.
        #[source]
        reason: UrlError,
    },
}

impl FetchError {
    /// The kind of failure, for counting.
    #[must_use]
    pub fn outcome(&self) -> FetchOutcome {
        match self {
            Self::Timeout { .. } => FetchOutcome::Timeout,
            Self::Http(_) | Self::Client => FetchOutcome::Unreachable,
            Self::Status { .. } | Self::Redirect { .. } => FetchOutcome::Status,
            Self::TooLarge { .. } | Self::ContentType { .. } | Self::ContentEncoding | Self::Document(_) => {
                FetchOutcome::Document
            }
            Self::Metadata(_) => FetchOutcome::Metadata,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it may be gone a moment later.
    pub(crate) fn is_momentary(&self) -> bool {
        match self {
            Self::Http(HttpError::Connect(_) | HttpError::Broken(_)) => true,
            Self::Status { status, retry_after } => {
                matches!(status, 500 | 502 | 503 | 504) && retry_after.is_none()
            }
            _ => false,
        }
    }

    /// With all its causes, on one line.
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
