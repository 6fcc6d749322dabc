//! [`Rejection`]: the answer of an extractor that could not give what was asked for.

use std::fmt;

use axum_core::response::{IntoResponse, Response};
use tollgate_tower::ProblemDetails;

/// The answer to a request that is not admitted: a [`tollgate::Rejection`] that axum can send.
///
/// Return it from handlers with `?`. The body can be replaced for the whole application with
/// [`AuthenticateLayer::on_rejection`](crate::AuthenticateLayer::on_rejection).
#[derive(Clone, Debug)]
pub struct Rejection(tollgate::Rejection);

impl Rejection {
    /// The rejection as the core made it.
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

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        tollgate_tower::respond(&ProblemDetails::default(), &self.0)
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
