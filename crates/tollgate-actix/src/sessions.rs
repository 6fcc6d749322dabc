//! [`session_routes`]: the endpoints of sessions as a resource.

use std::net::SocketAddr;

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Resource, web};
use tollgate_sessions::SessionEndpoints;
use tollgate_sessions::endpoints::{BodyError, ClientAddress, SessionRequest, SessionResponse};

use crate::request::ActixRequest;

/// Returns the endpoints of sessions, to be added to an application:
///
/// ```
/// # fn app(endpoints: tollgate_sessions::SessionEndpoints) {
/// use actix_web::App;
/// use tollgate_actix::session_routes;
///
/// let app = App::new().service(session_routes(endpoints));
/// # let _ = app; }
/// ```
///
/// Do not wrap them in [`Authenticate`](crate::Authenticate), because a user who logs in has no token yet. They
/// serve all paths below their base, except those that were added before. A scope with an empty path takes
/// every request, so add it after them. Their paths are absolute, so add them to the application and not to a
/// scope.
///
/// The address of the client is that of the connection. Behind a proxy, set
/// [`with_trusted_proxies`](SessionEndpoints::with_trusted_proxies), or put a [`ClientAddress`] into the extensions of
/// requests.
#[must_use]
pub fn session_routes(endpoints: SessionEndpoints) -> Resource {
    let below = format!("{}/{{rest:.*}}", endpoints.base());
    let paths = [below, SessionEndpoints::KEY_SET_PATH.to_owned()];
    web::resource(paths).to(move |request: HttpRequest, payload: Payload| {
        let endpoints = endpoints.clone();
        async move { response(answer(&endpoints, &request, payload).await) }
    })
}

async fn answer(endpoints: &SessionEndpoints, request: &HttpRequest, payload: Payload) -> SessionResponse {
    match begin(endpoints, request) {
        Ok(call) => {
            let read = read(payload, call.body_limit());
            call.respond_with(read).await
        }
        Err(reply) => reply,
    }
}

fn begin(endpoints: &SessionEndpoints, request: &HttpRequest) -> Result<SessionRequest, SessionResponse> {
    let (view, path) = (ActixRequest::from(request), request.path());
    let client = request.extensions().get::<ClientAddress>().copied();
    match client {
        Some(client) => endpoints.begin_for(&view, path, client),
        None => endpoints.begin(&view, path, request.peer_addr().as_ref().map(SocketAddr::ip)),
    }
}

/// Reads the body, up to the limit.
async fn read(payload: Payload, limit: usize) -> Result<Vec<u8>, BodyError> {
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(body)) => Ok(body.to_vec()),
        Ok(Err(_)) => Err(BodyError::Unreadable),
        Err(_) => Err(BodyError::TooLarge),
    }
}

fn response(reply: SessionResponse) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in reply.headers() {
        // actix reads its own flag, not the header.
        if name == "connection" && value == "close" {
            response.force_close();
        } else {
            response.append_header((name, value));
        }
    }
    response.body(reply.into_body())
}
