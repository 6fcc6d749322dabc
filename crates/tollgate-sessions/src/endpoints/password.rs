//! `POST password`.

use super::Endpoints;
use super::body::{self, PasswordBody};
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::accounts::passwords::Password;
use crate::session::RevokeReason;

impl Endpoints {
    /// Changes the password and revokes the other sessions of the user. The access token of this session is
    /// revoked too; the client refreshes the session to get a new one.
    pub(super) async fn change_password(
        &self,
        client: &Client,
        body: &[u8],
    ) -> Result<SessionResponse, Problem> {
        let holder = match &client.holder {
            Ok(holder) => holder,
            Err(refused) => return Ok(refused.clone()),
        };
        let PasswordBody { current_password, new_password } = body::read(body)?;
        let old = Password::new(current_password.expose()).map_err(|_cause| Problem::WrongPassword)?;
        let new = Password::new(new_password.expose()).map_err(|_cause| Problem::InvalidPassword)?;
        self.accounts.change_password(&holder.subject, &old, &new, client.peer).await?;
        let reason = RevokeReason::PasswordChange;
        match holder.session {
            Some(keep) => self.sessions.revoke_others(&holder.subject, keep, reason).await?,
            None => self.sessions.revoke_all(&holder.subject, reason).await?,
        };
        Ok(SessionResponse::empty(204))
    }
}
