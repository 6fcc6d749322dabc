//! `POST login`.

use std::sync::Once;

use tracing::{info, warn};

use super::Endpoints;
use super::body::{self, LoginBody, Mode};
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use crate::accounts::passwords::Password;
use crate::accounts::users::User;
use crate::session::RevokeReason;
use crate::sessions::{Login, RefreshError};

impl Endpoints {
    pub(super) async fn log_in(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        let LoginBody { email, password, mode, remember } = body::read(body)?;
        if client.peer.is_none() {
            warn_of_unknown_addresses();
        }
        if mode == Mode::Cookie && !self.gate.reads_cookie(self.cookies.access_name()) {
            warn!(
                "login rejected: the client requests cookies, and the gate does not read them; see CookieSettings::token_source"
            );
            return Err(Problem::CookiesNotRead);
        }
        // A malformed password gets the same response as a wrong one.
        let password = Password::new(password.expose()).map_err(|error| {
            info!(peer = ?client.peer, %error, "login denied");
            self.accounts.counters().malformed_password.count();
            Problem::InvalidCredentials
        })?;
        let credential = self.accounts.check_credential(&email, &password, client.peer).await?;
        let user = &credential.user;
        let issued = self.sessions.create(&login_of(user, client, mode, remember)).await?;
        let session = issued.session.session;
        let mut result = match self.accounts.confirm(&credential, &password).await {
            Ok(()) => {
                let access = self.issue_access_token(user, &issued.session, issued.refresh_token.flags());
                access.and_then(|access| self.token_response(client, access, issued))
            }
            Err(error) => Err(error.into()),
        };
        if mode == Mode::Cookie && result.is_ok() {
            result = self.revoke_previous(client).await.and(result);
        }
        if result.is_err() {
            // No client got the token of this session.
            drop(self.sessions.revoke(session, &user.subject, RevokeReason::Other).await);
        }
        result
    }

    /// Revokes the session whose cookies this login replaces. No client could log it out afterwards.
    async fn revoke_previous(&self, client: &Client) -> Result<(), Problem> {
        let Some(token) = &client.cookie else { return Ok(()) };
        match self.sessions.logout(token).await {
            Err(RefreshError::Store(error)) => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Warns once in a process, as the cause is the same for every login.
fn warn_of_unknown_addresses() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        warn!(
            "client addresses are unknown: login attempts are throttled by login name only; see session_routes"
        );
    });
}

fn login_of(user: &User, client: &Client, mode: Mode, remember: bool) -> Login {
    let mut login = Login::new(user.subject.clone());
    if mode == Mode::Cookie {
        login = login.with_cookie_transport();
    }
    if !remember {
        login = login.with_transient_lifetime();
    }
    match &client.family {
        Some(family) => login.with_client(family.clone()),
        None => login,
    }
}
