//! Anti-CSRF tokens of sessions.

use super::Sessions;
use crate::session::SessionId;
use crate::sessions::tokens::{RefreshToken, RefreshTokenFlags, SessionCsrfVerifier};
use crate::support::EntropyError;

impl Sessions {
    /// Returns the verifier of anti-CSRF tokens that are repeated from the cookie of this name.
    pub(crate) fn csrf_verifier(&self, cookie: Box<str>) -> SessionCsrfVerifier {
        SessionCsrfVerifier::new(self.0.keys.clone(), cookie)
    }

    /// Returns the anti-CSRF token of `session`. Returns the client's current token if it is valid, so that
    /// pages which have read it keep working.
    pub(crate) fn csrf_token(
        &self,
        session: SessionId,
        current: Option<&str>,
    ) -> Result<String, EntropyError> {
        match current.filter(|token| self.0.keys.is_csrf_token(token.as_bytes(), session)) {
            Some(token) => Ok(token.to_owned()),
            None => self.0.keys.csrf_token(session),
        }
    }

    /// Returns the session and the flags of a refresh token that our keys have made. The session may have been
    /// revoked or have expired.
    pub(crate) fn session_of_token(&self, token: &str) -> Option<(SessionId, RefreshTokenFlags)> {
        let token: RefreshToken = token.parse().ok()?;
        self.0.keys.verify(&token).then(|| (token.session(), token.flags()))
    }
}
