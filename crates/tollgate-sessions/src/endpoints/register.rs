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
        let password = Password::new(password.expose()).map_err(|_cause| Problem::InvalidPassword)?;
        let sub = match self.accounts.register(&email, &password, client.peer).await? {
            RegisterOutcome::Added(user) => user.subject.into_string(),
            RegisterOutcome::Taken if self.registration == RegistrationMode::RevealExisting => {
                return Err(Problem::LoginNameTaken);
            }
            // A new subject that belongs to no account, so that the response looks like a success.
            RegisterOutcome::Taken => new_subject().ok_or(Problem::ServerError)?,
        };
        Ok(SessionResponse::json(201, &Account { sub }))
    }
}

/// The body of the response.
#[derive(Serialize)]
struct Account {
    sub: String,
}
