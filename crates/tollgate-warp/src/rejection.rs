//! [`Rejection`], and how it becomes a response.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use warp::Reply;
use warp::reject::Reject;
use warp::reply::Response;

/// The answer to a request that is not admitted: a [`tollgate::Rejection`] that warp can carry and send.
///
/// Filters reject with it, so that other routes are tried first; [`handle_rejection`] answers with it when none
/// matches. Handlers return it with `?`: from [`then`](warp::Filter::then) it is the answer, from
/// [`and_then`](warp::Filter::and_then) a rejection. In a [`recover`](warp::Filter::recover) of your own, look for
/// it with [`warp::Rejection::find`] and answer with [`response`].
#[derive(Clone)]
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

impl Deref for Rejection {
    type Target = tollgate::Rejection;

    fn deref(&self) -> &tollgate::Rejection {
        &self.0
    }
}

impl Reject for Rejection {}

impl Reply for Rejection {
    fn into_response(self) -> Response {
        response(&self.0)
    }
}

/// The status and nothing else: warp sends this to the client when nobody recovers the rejection.
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

/// The response to `rejection`: status, header fields and a body of RFC 9457 problem details, with the rejection in
/// its extensions.
#[must_use]
pub fn response(rejection: &tollgate::Rejection) -> Response {
    with_body(rejection, &problem_details)
}

/// Answers requests that were not admitted, and passes all other rejections on. For
/// [`recover`](warp::Filter::recover).
///
/// Where several branches of [`or`](warp::Filter::or) refused a request, the last of them answers.
pub fn handle_rejection(rejection: warp::Rejection) -> Ready<Result<Response, warp::Rejection>> {
    answer(rejection, &problem_details)
}

/// As [`handle_rejection`], with another body.
///
/// The function is given the rejection and a response without a body; what is left is the body and its content type.
/// Status, challenge, `Cache-Control` and `Retry-After` are those of the rejection, whatever it returns.
///
/// # Security
/// Do not tell the client why a token was refused: it helps nobody but an attacker. The reason is in the log.
pub fn handle_rejection_with<F, R>(
    on_rejection: F,
) -> impl Fn(warp::Rejection) -> Ready<Result<Response, warp::Rejection>> + Clone + Send + Sync
where
    F: Fn(&tollgate::Rejection, http::Response<()>) -> R + Clone + Send + Sync,
    R: Reply,
{
    move |rejection| answer(rejection, &on_rejection)
}

fn answer<F, R>(rejection: warp::Rejection, on_rejection: &F) -> Ready<Result<Response, warp::Rejection>>
where
    F: Fn(&tollgate::Rejection, http::Response<()>) -> R,
    R: Reply,
{
    ready(match rejection.find::<Rejection>() {
        Some(refused) => Ok(with_body(refused, on_rejection)),
        None => Err(rejection),
    })
}

fn with_body<F, R>(rejection: &tollgate::Rejection, on_rejection: &F) -> Response
where
    F: Fn(&tollgate::Rejection, http::Response<()>) -> R,
    R: Reply,
{
    let mut response = http::Response::new(());
    stamp(&mut response, rejection);
    let mut response = on_rejection(rejection, response).into_response();
    // Once more, in case another response came back: an idea of a body must not turn a refusal into something else.
    stamp(&mut response, rejection);
    response
}

/// What holds for the answer to `rejection` whatever its body is.
fn stamp<B>(response: &mut http::Response<B>, rejection: &tollgate::Rejection) {
    *response.status_mut() =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in rejection.headers() {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(rejection.clone());
}

pub(crate) fn problem_details(
    rejection: &tollgate::Rejection,
    mut response: http::Response<()>,
) -> http::Response<String> {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(tollgate::Rejection::CONTENT_TYPE));
    response.map(|()| rejection.body())
}
