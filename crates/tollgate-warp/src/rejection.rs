//! [`Rejection`], and its conversion to a response.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use warp::Reply;
use warp::reject::Reject;
use warp::reply::Response;

/// The response to a request that is not admitted: a [`tollgate::Rejection`] that warp can carry and send.
///
/// Filters reject with it, so that warp tries other routes first. [`handle_rejection`] responds with it when
/// none matches. Handlers return it with `?`: from [`then`](warp::Filter::then) it is the response, from
/// [`and_then`](warp::Filter::and_then) a rejection. In a custom [`recover`](warp::Filter::recover), find it
/// with [`warp::Rejection::find`] and respond with [`rejection_response`].
/// [`Gate::with_rejection_body`](tollgate::Gate::with_rejection_body) replaces the body.
#[derive(Clone)]
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

impl Reject for Rejection {}

impl Reply for Rejection {
    fn into_response(self) -> Response {
        rejection_response(&self.0)
    }
}

/// Prints only the status, because warp sends this text to the client when no filter recovers the rejection.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection").field("status", &self.status()).finish_non_exhaustive()
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

/// Returns the response to `rejection`, with the rejection in its extensions.
#[must_use]
pub fn rejection_response(rejection: &tollgate::Rejection) -> Response {
    tollgate_tower::respond(rejection)
}

/// Responds to requests that a filter of this crate has rejected, for [`recover`](warp::Filter::recover). All other
/// rejections are passed on.
///
/// When several branches of [`or`](warp::Filter::or) have rejected a request, the last of them determines the
/// response.
pub fn handle_rejection(rejection: warp::Rejection) -> Ready<Result<Response, warp::Rejection>> {
    ready(match rejection.find::<Rejection>() {
        Some(own) => Ok(rejection_response(own)),
        None => Err(rejection),
    })
}
