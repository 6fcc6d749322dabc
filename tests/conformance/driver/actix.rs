//! The application on Actix Web, with two workers that share one gate.

use std::net::SocketAddr;

use actix_web::{App, HttpServer, web};
use tollgate::Gate;
use tollgate_actix::{Authenticate, Authenticated, Authorize, Claims, Optional};

use super::{Driver, Typed, listen, mixed_policy, scope_policy};

pub(crate) struct Actix;

impl Driver for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn serve(&self, gate: Gate) -> SocketAddr {
        let (listener, address) = listen();
        std::thread::spawn(move || {
            let server = HttpServer::new(move || {
                let gate = gate.clone();
                App::new().configure(|config| routes(config, &gate))
            });
            let server = server.workers(2).disable_signals().listen(listener).expect("listen").run();
            actix_web::rt::System::new().block_on(server).expect("serve");
        });
        address
    }
}

fn routes(config: &mut web::ServiceConfig, gate: &Gate) {
    let gated = || Authenticate::new(gate.clone());
    let optional = Authenticate::new(gate.clone().with_optional_token());
    config
        .service(web::resource("/").wrap(gated()).route(web::to(subject)))
        .service(web::resource("/typed").wrap(gated()).route(web::get().to(typed)))
        .service(
            web::resource("/scope")
                .wrap(Authorize::new(scope_policy()))
                .wrap(gated())
                .route(web::get().to(subject)),
        )
        .service(
            web::resource("/policy")
                .wrap(Authorize::new(mixed_policy()))
                .wrap(gated())
                .route(web::get().to(subject)),
        )
        .service(web::resource("/optional").wrap(optional).route(web::get().to(optional_subject)))
        .service(web::resource("/bare").wrap(gated()).route(web::to(async || "bare")))
        .service(web::resource("/panic").wrap(gated()).route(web::get().to(panics)))
        .service(web::resource("/unguarded").route(web::get().to(subject)))
        .service(web::resource("/open").route(web::to(async || "open")));
}

async fn subject(token: Authenticated) -> String {
    token.subject().unwrap_or_default().to_owned()
}

async fn panics(_: Authenticated) -> String {
    std::panic::panic_any(super::EXPECTED_PANIC)
}

async fn typed(claims: Claims<Typed>) -> String {
    claims.tenant.to_string()
}

async fn optional_subject(token: Optional<Authenticated>) -> String {
    token.as_ref().and_then(|token| token.subject()).unwrap_or("anonymous").to_owned()
}
