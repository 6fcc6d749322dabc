//! [`Rejection`]: the response when an extractor fails.

use std::fmt;
use std::ops::Deref;

use axum_core::response::{IntoResponse, Response};

/// The response to a request that is not admitted: a [`tollgate::Rejection`] that axum can send.
///
/// Return it from handlers with `?`. [`Gate::with_rejection_body`](tollgate::Gate::with_rejection_body)
/// replaces the body for the whole application.
#[derive(Clone, Debug)]
pub struct Rejection(tollgate::Rejection);

impl Rejection {
    /// Returns the rejection of the core.
    #[must_use]
    pub fn into_inner(self) -> tollgate::Rejection {
        self.0
    }
}

impl From<tollgate::Rejection> for Rejection {
    fn from(rejection: tollgate::Rejection) -> Self {
        Self(rejection)
    }
}

impl Deref for Rejection {
    type Target = tollgate::Rejection;

    fn deref(&self) -> &tollgate::Rejection {
        &self.0
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        tollgate_tower::respond(&self.0)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
