//! What can go wrong with sessions.

use std::time::Duration;

use crate::session::RevokeReason;
use crate::store::{ExpiryKind, StoreError};
use crate::support::EntropyError;

/// Why a session is not renewed.
///
/// A client is to hear only whether it is a [denial](Self::is_denial): all denials look alike to it (RFC 6749 §5.2
/// `invalid_grant`).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// Not a refresh token.
    #[error("not a refresh token")]
    Malformed,
    /// Not made by our keys.
    #[error("refresh token was not made here")]
    Forged,
    /// There is no such session.
    #[error("there is no such session")]
    Unknown,
    /// The session is over.
    #[error("session has reached its {} limit", match .0 { ExpiryKind::Absolute => "absolute", ExpiryKind::Idle => "idle" })]
    Expired(ExpiryKind),
    /// The session was ended.
    #[error("session was ended: {0:?}")]
    Revoked(RevokeReason),
    /// The token was used before: somebody else has it too. The session was ended.
    #[error("refresh token was used twice; the session was ended")]
    Reuse,
    /// A token that belongs into a cookie came otherwise, or the other way round.
    #[error("refresh token came another way than it was given out")]
    WrongTransport,
    /// The store could not answer. The session is as it was.
    #[error("session store failed")]
    Store(#[source] StoreError),
}

impl RefreshError {
    /// Whether the client's session is definitely over, so that its cookies can go: not for a store that fails, nor
    /// for a token that came the wrong way.
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

    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(RETRY_AFTER)
    }
}

/// Why something other than a renewal failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store could not do it, or did not say that it did.
    #[error("session store failed")]
    Store(#[from] StoreError),
    /// A subject has to have a name.
    #[error("the subject is empty")]
    EmptySubject,
    /// The operating system gave no random bytes for the session ID or the refresh token.
    #[error("refresh token cannot be made")]
    Entropy(#[from] EntropyError),
}

impl SessionError {
    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(RETRY_AFTER)
    }
}

/// Long enough for a failover to get on, short enough for a person to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);
