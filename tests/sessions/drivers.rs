//! One server for each adapter, with the session endpoints and two routes of the application: `/open`, and `/orders`
//! behind the gate.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::routing::any;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tollgate::Gate;
use tollgate_sessions::SessionEndpoints;
use tollgate_tower::SessionService;
use tower::ServiceExt as _;
use warp::Filter as _;

/// The name of an adapter, and a function that serves on a free port until the process ends.
pub(crate) type Driver = (&'static str, fn(SessionEndpoints, Gate) -> SocketAddr);

pub(crate) const ALL: [Driver; 4] = [("tower", tower), ("axum", axum), ("actix", actix), ("warp", warp)];

fn tower(endpoints: SessionEndpoints, gate: Gate) -> SocketAddr {
    let (listener, address) = listen();
    in_background(async move || {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        loop {
            let (stream, peer) = listener.accept().await.expect("accept");
            let sessions = SessionService::new(endpoints.clone());
            let gate = gate.clone();
            let service =
                tower::service_fn(move |request| route(sessions.clone(), gate.clone(), request, peer));
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            tokio::spawn(connection);
        }
    });
    address
}

async fn route(
    sessions: SessionService,
    gate: Gate,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/open" {
        return Ok(Response::new(Full::from("open")));
    }
    if request.uri().path() == "/orders" {
        let ordered =
            tower::service_fn(async |_: Request<Incoming>| Ok(Response::new(Full::<Bytes>::from("ordered"))));
        let layer = tollgate_tower::AuthenticateLayer::new(gate);
        return layer.layer_with_same_body(ordered).oneshot(request).await;
    }
    request.extensions_mut().insert(peer);
    Ok(sessions.oneshot(request).await?.map(Full::from))
}

fn axum(endpoints: SessionEndpoints, gate: Gate) -> SocketAddr {
    let (listener, address) = listen();
    in_background(async move || {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let app = Router::new()
            .route("/orders", any(async || "ordered"))
            .layer(tollgate_axum::AuthenticateLayer::new(gate))
            .route("/open", any(async || "open"))
            .merge(tollgate_axum::session_routes(endpoints))
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).await.expect("serve");
    });
    address
}

fn actix(endpoints: SessionEndpoints, gate: Gate) -> SocketAddr {
    let (listener, address) = listen();
    std::thread::spawn(move || {
        let server = actix_web::HttpServer::new(move || {
            actix_web::App::new()
                .service(tollgate_actix::session_routes(endpoints.clone()))
                .route("/open", actix_web::web::get().to(async || "open"))
                .service(
                    actix_web::web::resource("/orders")
                        .wrap(tollgate_actix::Authenticate::new(gate.clone()))
                        .to(async || "ordered"),
                )
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("listen").run();
        actix_web::rt::System::new().block_on(server).expect("serve");
    });
    address
}

fn warp(endpoints: SessionEndpoints, gate: Gate) -> SocketAddr {
    let (listener, address) = listen();
    in_background(async move || {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let orders = warp::path!("orders").and(tollgate_warp::authenticated(&gate)).map(|_| "ordered");
        let routes = tollgate_warp::session_routes(endpoints)
            .or(warp::path!("open").map(|| "open"))
            .or(orders)
            .recover(tollgate_warp::handle_rejection);
        warp::serve(routes).incoming(listener).run().await;
    });
    address
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("non-blocking");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Runs a server on a new thread.
fn in_background<F: Future<Output = ()>>(server: impl FnOnce() -> F + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(server());
    });
}
