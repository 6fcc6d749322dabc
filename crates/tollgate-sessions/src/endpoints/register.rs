//! `POST register`.

use serde::Serialize;

use super::Inner;
use super::body::{self, RegisterBody};
use super::client::Client;
use super::problem::Problem;
use super::response::Reply;
use super::settings::Registration;
use crate::accounts::{Registered, new_subject};
use crate::accounts::passwords::Password;

impl Inner {
    pub(super) async fn register(&self, client: &Client, body: &[u8]) -> Result<Reply, Problem> {
        if self.registration == Registration::Closed {
            return Err(Problem::NoSuchPath);
        }
        let RegisterBody { email, password } = body::read(body)?;
        let password = Password::new(password.expose()).map_err(|_cause| Problem::Password)?;
        let sub = match self.accounts.register(&email, &password, client.peer).await? {
            Registered::Added(user) => user.subject.into_string(),
            Registered::Taken if self.registration == Registration::TellingTaken => {
                return Err(Problem::Taken);
            }
            // Nobody's: it looks like the one of a new account, and is of no use either way.
            Registered::Taken => new_subject().ok_or(Problem::Failed)?,
        };
        Ok(Reply::json(201, &Account { sub }))
    }
}

/// An account that was made, or could have been.
#[derive(Serialize)]
struct Account {
    sub: String,
}
