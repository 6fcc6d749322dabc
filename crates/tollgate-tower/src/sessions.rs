//! [`SessionService`]: the endpoints of sessions as a service.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tollgate_sessions::SessionEndpoints;
use tollgate_sessions::endpoints::{BodyError, ClientAddress, SessionRequest, SessionResponse};
use tower_service::Service;

use crate::request::HttpRequest;

/// The endpoints of sessions as a service, for any body and any server on `http` 1. The service responds to
/// other paths with 404.
///
/// The service reads the address of the client from the extensions of the request: [`ClientAddress`] first, which is
/// final, then [`SocketAddr`], the address of the connection. Behind a proxy, set
/// [`with_trusted_proxies`](SessionEndpoints::with_trusted_proxies). Without either extension, login attempts are
/// counted only by login name.
#[derive(Clone, Debug)]
pub struct SessionService {
    endpoints: SessionEndpoints,
}

impl SessionService {
    /// Creates a service that serves `endpoints`.
    #[must_use]
    pub const fn new(endpoints: SessionEndpoints) -> Self {
        Self { endpoints }
    }
}

impl<B> Service<Request<B>> for SessionService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<String>;
    type Error = Infallible;
    type Future = SessionFuture;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> SessionFuture {
        match begin(&self.endpoints, &request) {
            Ok(call) => SessionFuture(Box::pin(answer(call, request.into_body()))),
            Err(reply) => SessionFuture(Box::pin(std::future::ready(response(reply)))),
        }
    }
}

/// The future of [`SessionService`]. A login takes some ten milliseconds, so the cost of a box does not matter.
pub struct SessionFuture(Pin<Box<dyn Future<Output = Response<String>> + Send>>);

impl Future for SessionFuture {
    type Output = Result<Response<String>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(Ok)
    }
}

impl fmt::Debug for SessionFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}

fn begin<B>(endpoints: &SessionEndpoints, request: &Request<B>) -> Result<SessionRequest, SessionResponse> {
    let (view, path) = (HttpRequest::from(request), request.uri().path());
    let extensions = request.extensions();
    match extensions.get::<ClientAddress>() {
        Some(client) => endpoints.begin_for(&view, path, *client),
        None => endpoints.begin(&view, path, extensions.get::<SocketAddr>().map(SocketAddr::ip)),
    }
}

async fn answer<B>(call: SessionRequest, body: B) -> Response<String>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let read = read(body, call.body_limit());
    response(call.respond_with(read).await)
}

/// Reads the body, up to the limit.
async fn read<B>(body: B, limit: usize) -> Result<Vec<u8>, BodyError>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Unreadable),
    }
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
