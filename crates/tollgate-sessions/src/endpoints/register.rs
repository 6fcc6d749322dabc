//! `POST register`.

use serde::Serialize;

use super::Endpoints;
use super::body::{self, RegisterBody};
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use super::settings::RegistrationMode;
use crate::accounts::passwords::Password;
use crate::accounts::{RegisterOutcome, new_subject};

impl Endpoints {
    pub(super) async fn register(&self, client: &Client, body: &[u8]) -> Result<SessionResponse, Problem> {
        if self.registration == RegistrationMode::Disabled {
            return Err(Problem::NoSuchPath);
        }
        let RegisterBody { email, password } = body::read(body)?;
        let password = Password::new(password.expose()).map_err(|_cause| Problem::Password)?;
        let sub = match self.accounts.register(&email, &password, client.peer).await? {
            RegisterOutcome::Added(user) => user.subject.into_string(),
            RegisterOutcome::Taken if self.registration == RegistrationMode::RevealExisting => {
                return Err(Problem::Taken);
            }
            // Nobody's: it looks like the one of a new account, and is of no use either way.
            RegisterOutcome::Taken => new_subject().ok_or(Problem::Failed)?,
        };
        Ok(SessionResponse::json(201, &Account { sub }))
    }
}

/// An account that was made, or could have been.
#[derive(Serialize)]
struct Account {
    sub: String,
}
