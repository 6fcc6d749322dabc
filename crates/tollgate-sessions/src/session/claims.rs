//! [`SessionClaims`]: the claims of an access token that name its session.

use serde::Deserialize;

use super::id::SessionId;

/// The claims that [`AccessToken::of_session`](crate::issuing::AccessToken::of_session) sets.
#[derive(Deserialize)]
pub(crate) struct SessionClaims {
    /// The ID of the session, as text.
    pub(crate) sid: Option<Box<str>>,
    /// The epoch of the subject when the token was issued.
    pub(crate) sep: Option<i64>,
}

impl SessionClaims {
    /// Returns the ID of the session, if the token has a well-formed one.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.sid.as_deref()?.parse().ok()
    }
}
