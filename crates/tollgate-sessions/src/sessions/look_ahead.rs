//! [`LookAhead`]: what a renewal will find.

use super::{Issued, RefreshError, Sessions, Transport};
use crate::refresh::{RenewalKind, TokenFlags};
use crate::session::SessionView;
use crate::store::{MAX_ABSOLUTE_LIFETIME, Renewed, Rotation};

/// What a renewal will find. A token that is used up here brings no answer, and looks stolen once its window is over. So
/// whatever else may fail is done in between.
pub(crate) struct LookAhead {
    /// The session, as it is.
    pub(crate) session: SessionView,
    /// Those of its refresh token.
    pub(crate) flags: TokenFlags,
    /// What was renewed already: a token ahead of the store is taken at once, and would be an old one the second time.
    issued: Option<Issued>,
}

impl Sessions {
    /// Looks at the session that [`rotate`](Self::rotate) would renew. Of a good token the store writes nothing.
    pub(crate) async fn look_ahead(
        &self,
        token: &str,
        transport: Transport,
        client: Option<&str>,
    ) -> Result<LookAhead, RefreshError> {
        let (token, mut command) = self.command(token, transport, client)?;
        // A window as long as any session: all that can be renewed is answered again.
        command.policy.window = MAX_ABSOLUTE_LIFETIME;
        let flags = token.flags();
        match self.ask_to_renew(&command).await? {
            Rotation::Live(Renewed { kind: RenewalKind::Replayed, session }) => {
                Ok(LookAhead { session, flags, issued: None })
            }
            rotation => {
                let issued = self.answer(&token, &command, client, rotation).await?;
                Ok(LookAhead { session: issued.session.clone(), flags, issued: Some(issued) })
            }
        }
    }

    /// Renews what was looked at.
    pub(crate) async fn go_ahead(
        &self,
        looked: LookAhead,
        token: &str,
        transport: Transport,
        client: Option<&str>,
    ) -> Result<Issued, RefreshError> {
        match looked.issued {
            Some(issued) => Ok(issued),
            None => self.rotate(token, transport, client).await,
        }
    }
}
