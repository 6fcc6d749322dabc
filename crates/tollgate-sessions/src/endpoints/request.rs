//! [`Call`]: a request whose head was accepted, to be answered with its body.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tollgate::KeyRefresh;
use zeroize::Zeroizing;

use super::body::MAX_BODY_BYTES;
use super::client::Client;
use super::problem::Problem;
use super::response::Reply;
use super::route::Route;
use super::{SessionEndpoints, list};

/// A request whose head was accepted. It is owned: nothing of the request has to be kept but its body.
#[must_use]
pub struct Call {
    endpoints: SessionEndpoints,
    accepted: Accepted,
}

/// What the head of a request has shown.
pub(super) struct Accepted {
    pub(super) route: Route,
    pub(super) client: Client,
    /// Keys to wait for before the client is refused.
    pub(super) awaited: Option<KeyRefresh>,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than [`Call::body_limit`].
    #[error("body is too long")]
    TooLarge,
    /// The connection broke, or what came is no body.
    #[error("body could not be read")]
    Unreadable,
}

impl Call {
    pub(super) fn new(endpoints: SessionEndpoints, accepted: Accepted) -> Self {
        Self { endpoints, accepted }
    }

    /// How many bytes of the body are to be read at most. With 0 none is needed.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        if self.accepted.route.takes_body() { MAX_BODY_BYTES } else { 0 }
    }

    /// Waits for the body, no longer than ten seconds, and answers. The body is wiped.
    ///
    /// `read` gives it up as soon as it is longer than [`body_limit`](Self::body_limit), so that nobody can fill
    /// the memory.
    pub async fn answer_with(self, read: impl Future<Output = Result<Vec<u8>, BodyError>>) -> Reply {
        if self.body_limit() == 0 {
            return self.answer(&[]).await;
        }
        let problem = match timeout(BODY_WITHIN, read).await {
            Ok(Ok(body)) => return self.answer(&Zeroizing::new(body)).await,
            Ok(Err(BodyError::TooLarge)) => Problem::TooLarge,
            Ok(Err(BodyError::Unreadable)) => Problem::Unreadable,
            Err(_elapsed) => Problem::Slow,
        };
        problem.reply(&self.endpoints.0.challenge)
    }

    /// Answers. Nothing here depends on which runtime polls it, but that it is Tokio's.
    pub async fn answer(self, body: &[u8]) -> Reply {
        let Self { endpoints, accepted: Accepted { route, client, awaited } } = self;
        let inner = &*endpoints.0;
        if body.len() > MAX_BODY_BYTES {
            return Problem::TooLarge.reply(&inner.challenge);
        }
        if let Some(keys) = awaited {
            keys.await;
        }
        let answer = match route {
            Route::Login => inner.log_in(&client, body).await,
            Route::Refresh => inner.refresh(&client, body).await,
            Route::Logout => inner.log_out(&client, body).await,
            Route::LogoutAll => inner.log_out_everywhere(&client, body).await,
            Route::Register => inner.register(&client, body).await,
            Route::ChangePassword => inner.change_password(&client, body).await,
            Route::ListSessions => inner.list_sessions(&client).await,
            Route::EndSession(session) => inner.end_session(&client, session).await,
            Route::CsrfToken => inner.csrf_token(&client),
            Route::KeySet => Ok(list::key_set(&inner.issuer)),
        };
        answer.unwrap_or_else(|problem| problem.reply(&inner.challenge))
    }
}

/// What is called, without who calls.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("route", &self.accepted.route).finish_non_exhaustive()
    }
}

/// Long enough for a phone in a tunnel, too short to keep many connections busy with little.
const BODY_WITHIN: Duration = Duration::from_secs(10);
