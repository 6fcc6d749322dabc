//! [`Failure`]: why a token is not accepted, and whether newer keys may change that.

use crate::error::{AuthError, TokenError};
use crate::header::Header;
use crate::key::{KeyRequest, KeySetId};

/// The reason why a verifier does not accept a token.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: AuthError,
    /// Boxed, because it is set only on the rare failures that newer keys may resolve.
    keys: Option<Box<Keys>>,
}

/// The token's header, and the set that did not hold the right key.
#[derive(Debug)]
struct Keys {
    header: Header,
    set: KeySetId,
}

impl Failure {
    /// Creates the failure to find or use a key of `set`. `header` is `None` when the keys cannot change.
    pub(super) fn with_keys(error: TokenError, header: Option<Header>, set: KeySetId) -> Self {
        let may_help = matches!(
            error,
            TokenError::UnknownKey { .. }
                | TokenError::AmbiguousKey { .. }
                | TokenError::AlgorithmMismatch { .. }
                | TokenError::SignatureMismatch
        );
        let keys = header.filter(|_| may_help).map(|header| Box::new(Keys { header, set }));
        Self { error: AuthError::InvalidToken(error), keys }
    }

    /// Returns the key that the token needs, if the keys can change.
    pub(super) fn wanted_key(&self) -> Option<KeyRequest<'_>> {
        let Keys { header, set } = &**self.keys.as_ref()?;
        let is_unknown = matches!(self.error, AuthError::InvalidToken(TokenError::UnknownKey { .. }));
        Some(KeyRequest {
            key_id: header.key_name(),
            algorithm: header.algorithm(),
            failed: (!is_unknown).then_some(*set),
        })
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        Self { error, keys: None }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        AuthError::InvalidToken(error).into()
    }
}
