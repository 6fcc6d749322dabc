//! [`LookAhead`]: what a renewal will find.

use super::{Issued, RefreshError, Sessions, Transport};
use crate::sessions::tokens::{RefreshToken, TokenFlags};
use crate::store::RenewalKind;
use crate::session::SessionView;
use crate::store::{MAX_ABSOLUTE_LIFETIME, Renewed, Rotate, Rotation};

/// What a renewal will find. A token that is used up here brings no answer, and looks stolen once its window is over. So
/// whatever else may fail is done in between.
pub(crate) struct LookAhead {
    /// The session, as it is.
    pub(crate) session: SessionView,
    token: RefreshToken,
    then: Then,
}

/// What is left to do.
enum Then {
    Ask(Rotate),
    /// A token ahead of the store is taken at once, and would be an old one the second time.
    Answer(Issued),
}

impl LookAhead {
    /// The flags of the refresh token.
    pub(crate) fn flags(&self) -> TokenFlags {
        self.token.flags()
    }
}

impl Sessions {
    /// Looks at the session that [`rotate`](Self::rotate) would renew. Of a good token the store writes nothing.
    pub(crate) async fn look_ahead(
        &self,
        token: &str,
        transport: Transport,
        client: Option<&str>,
    ) -> Result<LookAhead, RefreshError> {
        let (token, command) = self.command(token, transport, client)?;
        // A window as long as any session: all that can be renewed is answered again.
        let mut look = command.clone();
        look.policy.window = MAX_ABSOLUTE_LIFETIME;
        let (session, then) = match self.ask_to_renew(&look).await? {
            Rotation::Live(Renewed { kind: RenewalKind::Replayed, session }) => (session, Then::Ask(command)),
            rotation => {
                let issued = self.answer(&token, &look, client, rotation).await?;
                (issued.session.clone(), Then::Answer(issued))
            }
        };
        Ok(LookAhead { session, token, then })
    }

    /// Renews what was looked at, for the same client.
    pub(crate) async fn go_ahead(
        &self,
        looked: LookAhead,
        client: Option<&str>,
    ) -> Result<Issued, RefreshError> {
        match looked.then {
            Then::Answer(issued) => Ok(issued),
            Then::Ask(command) => self.ask_and_answer(&looked.token, &command, client).await,
        }
    }
}
