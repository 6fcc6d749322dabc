//! The example application on Actix Web: [`Application::routes`].

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::guard::{Any, Get, Head};
use actix_web::web::{self, Bytes, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route};
use example_shared::{Answer, Items, MAX_BODY_BYTES, Settings};
use tollgate_actix::{Authenticate, Authenticated, Authorize, Optional, Policy, session_routes};

/// The state of the application. Clones share it, so all workers serve the same items.
#[derive(Clone, Debug)]
pub struct Application {
    settings: Arc<Settings>,
    items: Items,
}

impl Application {
    /// Creates the application with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), items: Items::default() }
    }

    /// Adds the application's routes.
    pub fn routes(self, config: &mut ServiceConfig) {
        let required = || Authenticate::new(self.settings.gate.clone());
        let optional = || Authenticate::new(self.settings.optional_gate.clone());
        let needs_scope = |scope: &str| Authorize::new(Policy::scope(scope));
        let is_admin = Authorize::new(Policy::role("admin"));
        config
            .app_data(PayloadConfig::new(MAX_BODY_BYTES))
            .service(at("/me").route(read().to(me).wrap(required())))
            .service(at("/admin").route(read().to(admin).wrap(is_admin).wrap(required())))
            .service(
                at("/items")
                    .route(read().to(list_items).wrap(needs_scope("read:items")).wrap(required()))
                    .route(web::post().to(add_item).wrap(needs_scope("write:items")).wrap(required())),
            )
            .service(at("/whoami").route(read().to(who_am_i).wrap(optional())));
        // Without endpoints the application only verifies tokens of another issuer: it has no login.
        if let Some(endpoints) = self.settings.endpoints() {
            config.service(session_routes(endpoints));
        }
        open_routes(config);
        config.app_data(Data::new(self));
    }
}

/// Returns a resource that responds with 405 to methods without a route.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(async || reply(example_shared::method_not_allowed())))
}

/// Matches GET and HEAD (RFC 9110 §9.3.2).
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

fn open_routes(config: &mut ServiceConfig) {
    for (path, file) in example_shared::page() {
        config.service(at(path).route(read().to(move || ready(reply(file.clone())))));
    }
    config
        .service(at("/public").route(read().to(async || reply(example_shared::public()))))
        .service(at("/healthz").route(read().to(async || reply(example_shared::health()))))
        .service(at("/readyz").route(read().to(readiness)))
        .service(at("/metrics").route(read().to(metrics)))
        .service(at("/.well-known/oauth-protected-resource").route(read().to(resource_metadata)));
}

async fn me(token: Authenticated) -> HttpResponse {
    reply(example_shared::me(&token))
}

async fn who_am_i(token: Optional<Authenticated>) -> HttpResponse {
    reply(example_shared::who_am_i(token.as_deref()))
}

async fn list_items(app: Data<Application>) -> HttpResponse {
    reply(app.items.list())
}

async fn add_item(app: Data<Application>, body: Result<Bytes, actix_web::Error>) -> HttpResponse {
    reply(body.map_or_else(|_unreadable| example_shared::body_too_large(), |body| app.items.add(&body)))
}

async fn admin(token: Authenticated) -> HttpResponse {
    reply(example_shared::admin(&token))
}

async fn readiness(app: Data<Application>) -> HttpResponse {
    reply(example_shared::ready(&app.settings).await)
}

async fn metrics(app: Data<Application>) -> HttpResponse {
    reply(example_shared::metrics(&app.settings).await)
}

async fn resource_metadata(app: Data<Application>) -> HttpResponse {
    reply(app.settings.resource_metadata())
}

/// Responds with 404, for paths without a route.
pub fn not_found() -> Ready<HttpResponse> {
    ready(reply(example_shared::not_found()))
}

/// Converts an [`Answer`] to Actix Web's response.
fn reply(answer: Answer) -> HttpResponse {
    let Answer { status, content_type, headers, body, .. } = answer;
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    let mut response = HttpResponse::build(status);
    response.content_type(content_type);
    for header in headers {
        response.insert_header(header);
    }
    response.body(body)
}
