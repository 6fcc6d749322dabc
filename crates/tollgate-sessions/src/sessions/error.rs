//! What can go wrong with sessions.

use std::time::Duration;

use crate::error::SigningKeyError;
use crate::refresh::Expiry;
use crate::store::{EndReason, StoreError};

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
    #[error("session has reached its {} limit", match .0 { Expiry::Absolute => "absolute", Expiry::Idle => "idle" })]
    Expired(Expiry),
    /// The session was ended.
    #[error("session was ended: {0:?}")]
    Ended(EndReason),
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
            | Self::Ended(_)
            | Self::Reuse => true,
            Self::WrongTransport | Self::Store(_) => false,
        }
    }

    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(StoreError::RETRY_AFTER)
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
    /// The system has no randomness.
    #[error("refresh token cannot be made")]
    Crypto(#[from] SigningKeyError),
}

impl SessionError {
    /// When asking again makes sense, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Store(_)).then_some(StoreError::RETRY_AFTER)
    }
}
