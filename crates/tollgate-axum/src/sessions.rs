//! [`session_routes`]: the endpoints of sessions as routes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::ConnectInfo;
use axum_core::extract::Request;
use http::Response;
use tollgate_sessions::SessionEndpoints;
use tollgate_tower::{SessionFuture, SessionService};
use tower_service::Service;

/// Returns the endpoints of sessions, to be merged into a router:
///
/// ```
/// # fn app(endpoints: tollgate_sessions::SessionEndpoints, gate: tollgate_axum::Gate) {
/// use axum::{Router, routing::get};
/// use std::net::SocketAddr;
/// use tollgate_axum::{AuthenticateLayer, session_routes};
///
/// let app: Router = Router::new()
///     .route("/items", get(async || "items"))
///     .route_layer(AuthenticateLayer::new(gate))
///     .merge(session_routes(endpoints));
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// # let _ = service;
/// # }
/// ```
///
/// Merge them after the gate, because a user who logs in has no token yet. They serve all paths below their
/// base, except for routes of the application with an exact path.
///
/// The address of the connection is that of [`ConnectInfo`], which axum provides only to applications that are served
/// with `app.into_make_service_with_connect_info::<SocketAddr>()`. Without it, login attempts are counted only by login
/// name. Behind a proxy, set [`with_trusted_proxies`](SessionEndpoints::with_trusted_proxies), or put a
/// [`ClientAddress`](tollgate_sessions::endpoints::ClientAddress) into the extensions of requests.
pub fn session_routes<S>(endpoints: SessionEndpoints) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let below = format!("{}/{{*rest}}", endpoints.base());
    let routes = SessionRoutes(SessionService::new(endpoints));
    Router::new().route_service(&below, routes.clone()).route_service(SessionEndpoints::KEY_SET_PATH, routes)
}

/// Passes the address that axum has of the connection to the service.
#[derive(Clone, Debug)]
struct SessionRoutes(SessionService);

impl Service<Request> for SessionRoutes {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = SessionFuture;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> SessionFuture {
        let extensions = request.extensions_mut();
        if let Some(ConnectInfo(address)) = extensions.get::<ConnectInfo<SocketAddr>>().copied() {
            extensions.insert(address);
        }
        self.0.call(request)
    }
}
