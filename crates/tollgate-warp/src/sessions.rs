//! [`session_routes`]: the endpoints of sessions as a filter.

use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::pin::pin;

use http::header::{HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use tollgate_sessions::SessionEndpoints;
use tollgate_sessions::endpoints::{BodyError, SessionResponse};
use warp::path::FullPath;
use warp::{Buf, Filter, Stream};

use crate::request::{WarpRequest, request};

/// Returns the endpoints of sessions, to be combined with other routes:
///
/// ```
/// # fn routes(endpoints: tollgate_sessions::SessionEndpoints) {
/// use tollgate_warp::session_routes;
/// use warp::Filter;
///
/// let routes = session_routes(endpoints).or(warp::path!("health").map(|| "ok"));
/// # let _ = routes; }
/// ```
///
/// Do not put them inside [`protect`](crate::protect), because a user who logs in has no token yet. A request
/// for any other path is rejected as not found, so that warp tries other routes.
///
/// The address of the client is that of the connection, [`warp::addr::remote`], so the address is known when warp runs
/// the server, and not behind [`warp::service`]. Behind a proxy, set
/// [`with_trusted_proxies`](SessionEndpoints::with_trusted_proxies). warp has no way to pass another address; an
/// application that determines the address itself serves the endpoints with `tollgate_tower::SessionService`.
#[must_use]
pub fn session_routes(
    endpoints: SessionEndpoints,
) -> impl Filter<Extract = (Response<String>,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    served(endpoints)
        .and(request())
        .and(warp::addr::remote())
        .and(warp::body::stream())
        .then(async |served, request, remote, body| response(answer(served, request, remote, body).await))
}

/// The endpoints, and a path that they serve.
struct Served {
    endpoints: SessionEndpoints,
    path: FullPath,
}

fn served(
    endpoints: SessionEndpoints,
) -> impl Filter<Extract = (Served,), Error = warp::Rejection> + Clone + Send + Sync + use<> {
    with_path().and(warp::path::full()).and_then(move |path: FullPath| {
        ready(if endpoints.handles(path.as_str()) {
            Ok(Served { endpoints: endpoints.clone(), path })
        } else {
            Err(warp::reject::not_found())
        })
    })
}

/// Rejects CONNECT, whose target is an authority (RFC 9112 §3.2.3), because [`warp::path::full`] panics for it.
fn with_path() -> impl Filter<Extract = (), Error = warp::Rejection> + Copy {
    let check =
        |method| ready(if method == Method::CONNECT { Err(warp::reject::not_found()) } else { Ok(()) });
    warp::method().and_then(check).untuple_one()
}

async fn answer<B, D>(
    served: Served,
    request: WarpRequest,
    remote: Option<SocketAddr>,
    body: B,
) -> SessionResponse
where
    B: Stream<Item = Result<D, warp::Error>>,
    D: Buf,
{
    let Served { endpoints, path } = served;
    match endpoints.begin(&request, path.as_str(), remote.as_ref().map(SocketAddr::ip)) {
        Ok(call) => {
            let read = read(body, call.body_limit());
            call.respond_with(read).await
        }
        Err(reply) => reply,
    }
}

/// Reads the body, up to the limit.
async fn read<D: Buf>(
    body: impl Stream<Item = Result<D, warp::Error>>,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(part) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        let mut part = part.map_err(|_cause| BodyError::Unreadable)?;
        if part.remaining() > limit.saturating_sub(bytes.len()) {
            return Err(BodyError::TooLarge);
        }
        while part.has_remaining() {
            let chunk = part.chunk();
            bytes.extend_from_slice(chunk);
            let taken = chunk.len();
            part.advance(taken);
        }
    }
    Ok(bytes)
}

fn response(reply: SessionResponse) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() =
        StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers() {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response.map(|_empty| reply.into_body())
}
