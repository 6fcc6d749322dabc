//! Anti-CSRF tokens of sessions.

use super::Sessions;
use crate::session::SessionId;
use crate::sessions::tokens::{RefreshToken, RefreshTokenFlags, SessionCsrfTokens};
use crate::support::EntropyError;

impl Sessions {
    pub(crate) fn csrf_tokens(&self, cookie: Box<str>) -> SessionCsrfTokens {
        SessionCsrfTokens::new(self.0.keys.clone(), cookie)
    }

    /// The anti-CSRF token of `session`: the one that the client has, if it is good, so that pages which have read it go on.
    pub(crate) fn csrf_token(&self, session: SessionId, known: Option<&str>) -> Result<String, EntropyError> {
        match known.filter(|token| self.0.keys.is_csrf_token(token.as_bytes(), session)) {
            Some(token) => Ok(token.to_owned()),
            None => self.0.keys.csrf_token(session),
        }
    }

    /// The session of a refresh token that was made here, whatever has become of it since.
    pub(crate) fn session_of(&self, token: &str) -> Option<(SessionId, RefreshTokenFlags)> {
        let token: RefreshToken = token.parse().ok()?;
        self.0.keys.verify(&token).then(|| (token.session(), token.flags()))
    }
}
