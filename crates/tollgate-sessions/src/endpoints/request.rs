//! [`SessionRequest`]: a request whose head was accepted, to be answered with its body.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tollgate::KeyRefresh;
use zeroize::Zeroizing;

use super::body::MAX_BODY_BYTES;
use super::client::Client;
use super::problem::Problem;
use super::response::SessionResponse;
use super::route::Route;
use super::{SessionEndpoints, list};

/// A request whose head was accepted. It is owned: nothing of the request has to be kept but its body.
#[must_use]
pub struct SessionRequest {
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
    /// It is longer than [`SessionRequest::body_limit`].
    #[error("body is too long")]
    TooLarge,
    /// The connection broke, or what came is no body.
    #[error("body could not be read")]
    Unreadable,
}

impl SessionRequest {
    pub(super) fn new(endpoints: SessionEndpoints, accepted: Accepted) -> Self {
        Self { endpoints, accepted }
    }

    /// Returns the largest number of bytes of the body to read. For 0 the body is not needed.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        if self.accepted.route.takes_body() { MAX_BODY_BYTES } else { 0 }
    }

    /// Waits up to ten seconds for the body, and responds. The body is wiped from memory afterwards.
    ///
    /// `read` must stop as soon as the body is longer than [`body_limit`](Self::body_limit), so that no client can fill
    /// the memory.
    pub async fn respond_with(
        self,
        read: impl Future<Output = Result<Vec<u8>, BodyError>>,
    ) -> SessionResponse {
        if self.body_limit() == 0 {
            return self.respond(&[]).await;
        }
        let problem = match timeout(BODY_WITHIN, read).await {
            Ok(Ok(body)) => return self.respond(&Zeroizing::new(body)).await,
            Ok(Err(BodyError::TooLarge)) => Problem::TooLarge,
            Ok(Err(BodyError::Unreadable)) => Problem::Unreadable,
            Err(_elapsed) => Problem::Slow,
        };
        problem.reply(&self.endpoints.0.challenge)
    }

    /// Responds to the request with this body. Any Tokio runtime may poll the future.
    pub async fn respond(self, body: &[u8]) -> SessionResponse {
        let Self { endpoints, accepted: Accepted { route, client, awaited } } = self;
        let endpoints = &*endpoints.0;
        if body.len() > MAX_BODY_BYTES {
            return Problem::TooLarge.reply(&endpoints.challenge);
        }
        if let Some(keys) = awaited {
            keys.await;
        }
        let answer = match route {
            Route::Login => endpoints.log_in(&client, body).await,
            Route::Refresh => endpoints.refresh(&client, body).await,
            Route::Logout => endpoints.log_out(&client, body).await,
            Route::LogoutAll => endpoints.log_out_everywhere(&client, body).await,
            Route::Register => endpoints.register(&client, body).await,
            Route::ChangePassword => endpoints.change_password(&client, body).await,
            Route::ListSessions => endpoints.list_sessions(&client).await,
            Route::EndSession(session) => endpoints.end_session(&client, session).await,
            Route::CsrfToken => endpoints.csrf_token(&client),
            Route::KeySet => Ok(list::key_set(&endpoints.issuer)),
        };
        answer.unwrap_or_else(|problem| problem.reply(&endpoints.challenge))
    }
}

/// What is called, without who calls.
impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest").field("route", &self.accepted.route).finish_non_exhaustive()
    }
}

/// Long enough for a phone in a tunnel, too short to keep many connections busy with little.
const BODY_WITHIN: Duration = Duration::from_secs(10);
