//! `POST login`.

use std::sync::Once;

use tracing::{info, warn};

use super::Inner;
use super::body::{self, LoginBody, Mode};
use super::client::Client;
use super::problem::Problem;
use super::reply::Reply;
use crate::passwords::Password;
use crate::sessions::{Login, RefreshError};
use crate::store::EndReason;
use crate::users::User;

impl Inner {
    pub(super) async fn log_in(&self, client: &Client, body: &[u8]) -> Result<Reply, Problem> {
        let LoginBody { email, password, mode, remember } = body::read(body)?;
        if client.peer.is_none() {
            warn_of_unknown_addresses();
        }
        if mode == Mode::Cookie && !self.gate.reads_cookie(self.cookies.access_name()) {
            warn!(
                "login refused: cookies are asked for, and the gate does not look for them; see CookieSettings::token_source"
            );
            return Err(Problem::NoCookies);
        }
        // What is nobody's password is as wrong as any other.
        let password = Password::new(password.expose()).map_err(|error| {
            info!(peer = ?client.peer, %error, "login denied");
            self.accounts.counters().malformed_password.count();
            Problem::InvalidCredentials
        })?;
        let credential = self.accounts.check_credential(&email, &password, client.peer).await?;
        let user = &credential.user;
        let issued = self.sessions.create(&login_of(user, client, mode, remember)).await?;
        let session = issued.session.session;
        let mut answer = match self.accounts.confirm(&credential, &password).await {
            Ok(()) => {
                let access = self.access(user, &issued.session, issued.refresh_token.flags());
                access.and_then(|access| self.hand_out(client, access, issued))
            }
            Err(error) => Err(error.into()),
        };
        if mode == Mode::Cookie && answer.is_ok() {
            answer = self.end_previous(client).await.and(answer);
        }
        if answer.is_err() {
            // Nobody was given its token.
            drop(self.sessions.revoke(session, &user.subject, EndReason::Other).await);
        }
        answer
    }

    /// The session whose cookies are about to be replaced: nobody could end it afterwards.
    async fn end_previous(&self, client: &Client) -> Result<(), Problem> {
        let Some(token) = &client.cookie else { return Ok(()) };
        match self.sessions.logout(token).await {
            Err(RefreshError::Store(error)) => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Once: it is the same for every login.
fn warn_of_unknown_addresses() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        warn!(
            "addresses of clients are not known here: logins are counted by name alone; see session_routes"
        );
    });
}

fn login_of(user: &User, client: &Client, mode: Mode, remember: bool) -> Login {
    let mut login = Login::new(user.subject.clone());
    if mode == Mode::Cookie {
        login = login.in_cookie();
    }
    if !remember {
        login = login.not_remembered();
    }
    match &client.family {
        Some(family) => login.with_client(family.clone()),
        None => login,
    }
}
