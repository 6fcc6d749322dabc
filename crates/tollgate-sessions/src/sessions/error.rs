//! [`RefreshError`] and [`SessionError`]: the errors of [`Sessions`](super::Sessions).

use std::time::Duration;

use crate::session::RevokeReason;
use crate::store::{ExpiryKind, StoreError};
use crate::support::{EntropyError, RETRY_AFTER};

/// Why a session was not refreshed, or why a logout failed.
///
/// Tell clients only whether the error is a [denial](Self::is_denial). All denials should look alike to them:
/// RFC 6749 §5.2 calls them `invalid_grant`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The text is not a refresh token.
    #[error("not a refresh token")]
    Malformed,
    /// The token was made with none of the [`RefreshKeys`](crate::RefreshKeys).
    #[error("refresh token was not made with any of our keys")]
    Forged,
    /// The store has no such session.
    #[error("there is no such session")]
    Unknown,
    /// The session has reached one of its lifetimes.
    #[error("session has reached its {} lifetime", match .0 { ExpiryKind::Absolute => "absolute", ExpiryKind::Idle => "idle" })]
    Expired(ExpiryKind),
    /// The session was revoked for this reason.
    #[error("session was revoked: {0:?}")]
    Revoked(RevokeReason),
    /// The token was used a second time, after its grace period: two clients have it. The session was revoked.
    #[error("refresh token was used twice; the session was revoked")]
    Reuse,
    /// The client presented a token that is bound to a cookie in a body, or the other way round.
    #[error("refresh token was presented by another transport than it was issued for")]
    WrongTransport,
    /// The store did not answer. This says nothing about the session.
    #[error("session store failed")]
    Store(#[source] StoreError),
}

impl RefreshError {
    /// Returns whether the client certainly has no live session, so that its cookies can be cleared. Returns
    /// `false` when the store failed, and for a token that was presented by the wrong transport.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        match self {
            Self::Malformed
            | Self::Forged
            | Self::Unknown
            | Self::Expired(_)
            | Self::Revoked(_)
            | Self::Reuse => true,
            Self::WrongTransport | Self::Store(_) => false,
        }
    }

    /// Returns how long to wait before a retry. Returns `None` when a retry cannot succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(RETRY_AFTER)
    }
}

/// Why an operation on sessions failed, other than a refresh or a logout.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed, or did not confirm the operation.
    #[error("session store failed")]
    Store(#[from] StoreError),
    /// The subject is the empty string.
    #[error("the subject is empty")]
    EmptySubject,
    /// The operating system gave no random bytes for the session ID or the refresh token.
    #[error("cannot make a session ID or a refresh token")]
    Entropy(#[from] EntropyError),
}

impl SessionError {
    /// Returns how long to wait before a retry. Returns `None` when a retry cannot succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(RETRY_AFTER)
    }
}
