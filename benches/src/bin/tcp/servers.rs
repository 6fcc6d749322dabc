//! The Rust servers. Each runs in its own process, with as many threads as its framework starts by default.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;

use jsonwebtoken::{DecodingKey, Validation};
use tollgate::{Algorithm, Gate};
use tollgate_benches::fixtures::{self, User};
use tollgate_benches::hand_rolled::Decoded;
use tollgate_benches::requests::{BODY, PATH};
use warp::Filter as _;

/// Serves until standard input is closed, which happens when the parent process ends.
pub(crate) fn serve(framework: &str, protection: &str, algorithm: &str) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let algorithm = if algorithm == "ES256" { Algorithm::Es256 } else { Algorithm::Hs256 };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("nonblocking");
    println!("{}", address.port());
    let gate = match protection {
        "tollgate" | "around" => Some(fixtures::gate(algorithm)),
        "uncached" => Some(fixtures::gate(algorithm).without_cache()),
        _ => None,
    };
    match (framework, gate, protection) {
        ("axum", gate, "jsonwebtoken") => axum(listener, gate, Some(fixtures::jsonwebtoken(algorithm))),
        ("axum", Some(gate), "around") => around_axum(listener, gate),
        ("axum", gate, _) => axum(listener, gate, None),
        ("actix-web", gate, _) => actix(listener, gate),
        ("warp", Some(gate), "around") => around_warp(listener, gate),
        ("warp", gate, _) => warp(listener, gate),
        _ => panic!("no such server"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

fn axum(listener: TcpListener, gate: Option<Gate>, hand_rolled: Option<(DecodingKey, Validation)>) {
    use axum::Router;
    use axum::routing::get;
    use tollgate_axum::{AuthenticateLayer, Claims};

    let router = match (gate, hand_rolled) {
        (Some(gate), _) => {
            let handler = async |_: Claims<User>| BODY;
            Router::new().route(PATH, get(handler)).layer(AuthenticateLayer::new(gate))
        }
        (None, Some(keys)) => {
            Router::new().route(PATH, get(async |_: Decoded| BODY)).with_state(Arc::new(keys))
        }
        (None, None) => Router::new().route(PATH, get(async || BODY)),
    };
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, router).await.expect("serves");
    });
}

/// Serves axum with the layer around the router, not around its routes.
fn around_axum(listener: TcpListener, gate: Gate) {
    use axum::extract::Request;
    use axum::routing::get;
    use axum::{Router, ServiceExt};
    use tollgate_axum::{AuthenticateLayer, Claims};
    use tower::Layer as _;

    let router = Router::new().route(PATH, get(async |_: Claims<User>| BODY)).with_state(());
    let app = AuthenticateLayer::new(gate).layer(router);
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let service = ServiceExt::<Request>::into_make_service(app);
        axum::serve(listener, service).await.expect("serves");
    });
}

fn actix(listener: TcpListener, gate: Option<Gate>) {
    use actix_web::{App, HttpServer, rt, web};
    use tollgate_actix::{Authenticate, Claims};

    rt::System::new().block_on(async {
        match gate {
            Some(gate) => {
                let handler = async |_: Claims<User>| BODY;
                let app = move || {
                    App::new().route(PATH, web::get().to(handler)).wrap(Authenticate::new(gate.clone()))
                };
                HttpServer::new(app).listen(listener).expect("listens").run().await.expect("serves");
            }
            None => {
                let app = || App::new().route(PATH, web::get().to(async || BODY));
                HttpServer::new(app).listen(listener).expect("listens").run().await.expect("serves");
            }
        }
    });
}

fn warp(listener: TcpListener, gate: Option<Gate>) {
    use tollgate_warp::Claims;

    runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        match gate {
            Some(gate) => {
                let claims = tollgate_warp::claims(&gate);
                let route = warp::path!("hello").and(claims).map(|_: Claims<User>| BODY);
                warp::serve(route.recover(tollgate_warp::handle_rejection)).incoming(listener).run().await;
            }
            None => warp::serve(warp::path!("hello").map(|| BODY)).incoming(listener).run().await,
        }
    });
}

/// Serves warp with the layer around `warp::service`, over hyper as warp's own server does.
fn around_warp(listener: TcpListener, gate: Gate) {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use hyper_util::service::TowerToHyperService;
    use tollgate_axum::AuthenticateLayer;
    use tollgate_warp::{Admission, Rejection};
    use tower::Layer as _;

    async fn hello(admission: Admission) -> Result<&'static str, Rejection> {
        admission.claims::<User>()?;
        Ok(BODY)
    }
    let route = warp::path!("hello").and(tollgate_warp::admission()).then(hello);
    let app = AuthenticateLayer::new(gate).layer(warp::service(route));
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = TowerToHyperService::new(app.clone());
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await
            });
        }
    });
}
