//! [`SessionRequest`]: a request whose head was accepted, and whose body is still to be read.

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

/// A request whose head was accepted, and whose body is still to be read. It owns the parts of the head that it needs,
/// so the adapter has to keep only the body.
#[must_use]
pub struct SessionRequest {
    endpoints: SessionEndpoints,
    head: RequestHead,
}

/// The relevant parts of the head of a request.
pub(super) struct RequestHead {
    pub(super) route: Route,
    pub(super) client: Client,
    /// A fetch of keys to wait for before the request is rejected.
    pub(super) pending_keys: Option<KeyRefresh>,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The body is longer than [`SessionRequest::body_limit`].
    #[error("body is too long")]
    TooLarge,
    /// The connection broke, or the body is malformed.
    #[error("body could not be read")]
    Unreadable,
}

impl SessionRequest {
    pub(super) fn new(endpoints: SessionEndpoints, head: RequestHead) -> Self {
        Self { endpoints, head }
    }

    /// Returns the largest number of bytes of the body to read. If it is 0, the body need not be read.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        if self.head.route.takes_body() { MAX_BODY_BYTES } else { 0 }
    }

    /// Reads the body, for up to ten seconds, and responds. The body is wiped from memory afterwards.
    ///
    /// `read` must stop as soon as the body is longer than [`body_limit`](Self::body_limit), so that no client
    /// can fill the memory.
    pub async fn respond_with(
        self,
        read: impl Future<Output = Result<Vec<u8>, BodyError>>,
    ) -> SessionResponse {
        if self.body_limit() == 0 {
            return self.respond(&[]).await;
        }
        let problem = match timeout(BODY_TIMEOUT, read).await {
            Ok(Ok(body)) => return self.respond(&Zeroizing::new(body)).await,
            Ok(Err(BodyError::TooLarge)) => Problem::TooLarge,
            Ok(Err(BodyError::Unreadable)) => Problem::Unreadable,
            Err(_elapsed) => Problem::BodyTimeout,
        };
        problem.into_response(&self.endpoints.0.challenge)
    }

    /// Responds to the request with this body. Any Tokio runtime may poll the future.
    pub async fn respond(self, body: &[u8]) -> SessionResponse {
        let Self { endpoints, head: RequestHead { route, client, pending_keys } } = self;
        let endpoints = &*endpoints.0;
        if body.len() > MAX_BODY_BYTES {
            return Problem::TooLarge.into_response(&endpoints.challenge);
        }
        if let Some(keys) = pending_keys {
            keys.await;
        }
        let result = match route {
            Route::Login => endpoints.log_in(&client, body).await,
            Route::Refresh => endpoints.refresh(&client, body).await,
            Route::Logout => endpoints.log_out(&client, body).await,
            Route::LogoutAll => endpoints.log_out_all(&client, body).await,
            Route::Register => endpoints.register(&client, body).await,
            Route::ChangePassword => endpoints.change_password(&client, body).await,
            Route::ListSessions => endpoints.list_sessions(&client).await,
            Route::RevokeSession(session) => endpoints.revoke_session(&client, session).await,
            Route::CsrfToken => endpoints.csrf_token(&client),
            Route::KeySet => Ok(list::key_set(&endpoints.issuer)),
        };
        result.unwrap_or_else(|problem| problem.into_response(&endpoints.challenge))
    }
}

/// Shows the route only, and nothing of the client.
impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest").field("route", &self.head.route).finish_non_exhaustive()
    }
}

/// Long enough for a phone in a tunnel, too short to keep many connections busy with little.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
