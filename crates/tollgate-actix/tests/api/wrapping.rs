//! Tests where wrappers can stand, and what they see.

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Condition, DefaultHeaders, Logger, Next, NormalizePath, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, HttpRequest, HttpResponse, get, web};
use tollgate_actix::{Authenticate, Authorize, Claims, Policy};

use crate::support::{
    BARE, INVALID_TOKEN, User, ask, authenticate, bad, forge, gate, get, good, subject, with_token,
};

async fn open() -> &'static str {
    "open"
}

#[get("/macro/{id}")]
async fn by_macro(user: Claims<User>, id: web::Path<u32>) -> String {
    format!("{} {id}", user.sub)
}

#[get("/read", wrap = "Authorize::new(Policy::scope(\"read:items\"))")]
async fn read() -> &'static str {
    "read"
}

#[actix_web::test]
async fn wrapper_around_an_application_guards_all_paths() {
    let app = App::new().service(by_macro).route("/open", web::get().to(open)).wrap(authenticate());
    let app = init_service(app).await;
    ask(&app, good("/macro/7").to_request()).await.is(200, "alice 7");
    ask(&app, good("/open").to_request()).await.is(200, "open");
    for path in ["/macro/7", "/open", "/nowhere"] {
        ask(&app, get(path).to_request()).await.is_refused(401, BARE);
        ask(&app, bad(path).to_request()).await.is_refused(401, INVALID_TOKEN);
    }
    assert_eq!(ask(&app, good("/nowhere").to_request()).await.status(), 404);
    assert_eq!(ask(&app, good("/macro/x").to_request()).await.status(), 404);
}

#[actix_web::test]
async fn wrapper_around_a_scope_guards_only_its_paths() {
    let inner = web::scope("/v1").service(by_macro).wrap(authenticate());
    let app = App::new().service(web::scope("/api").service(inner).route("/open", web::get().to(open)));
    let app = init_service(app).await;
    ask(&app, good("/api/v1/macro/7").to_request()).await.is(200, "alice 7");
    ask(&app, get("/api/v1/macro/7").to_request()).await.is_refused(401, BARE);
    ask(&app, get("/api/v1/nowhere").to_request()).await.is_refused(401, BARE);
    ask(&app, bad("/api/open").to_request()).await.is(200, "open");
    assert_eq!(ask(&app, bad("/nowhere").to_request()).await.status(), 404);
}

#[actix_web::test]
async fn wrapper_guards_a_resource_or_a_route() {
    let resource = web::resource("/resource").route(web::get().to(subject)).wrap(authenticate());
    let mixed =
        web::resource("/mixed").route(web::get().to(open)).route(web::put().to(subject).wrap(authenticate()));
    let app = init_service(App::new().service(resource).service(mixed)).await;
    ask(&app, good("/resource").to_request()).await.is(200, "alice");
    ask(&app, get("/resource").to_request()).await.is_refused(401, BARE);
    ask(&app, bad("/mixed").to_request()).await.is(200, "open");
    ask(&app, get("/mixed").method(Method::PUT).to_request()).await.is_refused(401, BARE);
    ask(&app, good("/mixed").method(Method::PUT).to_request()).await.is(200, "alice");
}

#[actix_web::test]
async fn wrapper_works_in_a_mounted_configuration() {
    fn routes(config: &mut web::ServiceConfig) {
        let guarded = web::scope("/in").service(by_macro).service(read).wrap(authenticate());
        config.service(guarded).route("/open", web::get().to(open));
    }
    let app = App::new().service(web::scope("/mounted").configure(routes)).configure(routes);
    let app = init_service(app).await;
    for prefix in ["", "/mounted"] {
        ask(&app, good(&format!("{prefix}/in/macro/1")).to_request()).await.is(200, "alice 1");
        ask(&app, get(&format!("{prefix}/in/macro/1")).to_request()).await.is_refused(401, BARE);
        ask(&app, get(&format!("{prefix}/open")).to_request()).await.is(200, "open");
    }
}

#[actix_web::test]
async fn policies_are_checked_inside_the_gate() {
    let both = web::resource("/both")
        .route(web::get().to(subject))
        .wrap(Authorize::new(Policy::role("admin")))
        .wrap(Authorize::new(Policy::scope("read:items")));
    let app = init_service(App::new().service(read).service(both).wrap(authenticate())).await;
    let token = || forge().token().scope("read:items write:items");
    let reader = token().sign();
    let admin = token().roles(&["admin"]).sign();

    ask(&app, with_token("/read", &reader).to_request()).await.is(200, "read");
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope", scope="read:items""#);
    ask(&app, good("/read").to_request()).await.is_refused(403, lacks);
    ask(&app, good("/both").to_request()).await.is_refused(403, lacks);
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope""#);
    ask(&app, with_token("/both", &reader).to_request()).await.is_refused(403, lacks);
    ask(&app, with_token("/both", &admin).to_request()).await.is(200, "alice");
    ask(&app, get("/read").to_request()).await.is_refused(401, BARE);
}

#[actix_web::test]
async fn anonymous_requests_do_not_meet_policies() {
    let anything = web::resource("/all").get(open).wrap(Authorize::new(Policy::all([])));
    let negative = web::resource("/not").get(open).wrap(Authorize::new(!Policy::role("suspended")));
    let app =
        App::new().service(anything).service(negative).wrap(Authenticate::new(gate().with_optional_token()));
    let app = init_service(app).await;
    for path in ["/all", "/not"] {
        ask(&app, get(path).to_request()).await.is_refused(401, BARE);
        ask(&app, good(path).to_request()).await.is(200, "open");
    }
}

#[actix_web::test]
async fn policy_without_a_gate_answers_500() {
    let app = App::new().service(read).route("/outside", web::get().to(open));
    let app = init_service(app).await;
    ask(&app, good("/read").to_request()).await.is_refused(500, None);
    // In the wrong order, there is no gate in front either.
    let app =
        App::new().route("/", web::get().to(open)).wrap(authenticate()).wrap(Authorize::new(Policy::all([])));
    let app = init_service(app).await;
    ask(&app, good("/").to_request()).await.is_refused(500, None);
}

#[actix_web::test]
async fn innermost_gate_decides() {
    let other = Authenticate::new(gate().with_optional_token().with_policy(Policy::scope("inner")));
    let inner = web::scope("/inner").route("", web::get().to(subject)).wrap(other);
    let app = init_service(App::new().service(inner).wrap(authenticate())).await;
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope", scope="inner""#);
    ask(&app, good("/inner").to_request()).await.is_refused(403, lacks);
    let token = forge().token().scope("inner").sign();
    ask(&app, with_token("/inner", &token).to_request()).await.is(200, "alice");
    // The outer gate requires a token, although the inner one does not.
    ask(&app, get("/inner").to_request()).await.is_refused(401, BARE);
}

async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

#[actix_web::test]
async fn wrapper_works_among_other_wrappers() {
    let app = App::new()
        .route("/in", web::get().to(subject))
        .wrap(Logger::default())
        .wrap(from_fn(pass))
        .wrap(authenticate())
        .wrap(Condition::new(true, Authorize::new(Policy::all([]))))
        .wrap(authenticate())
        .wrap_fn(|request, service| service.call(request))
        .wrap(DefaultHeaders::new().add(("x-outer", "yes")))
        .wrap(NormalizePath::trim());
    let app = init_service(app).await;
    let answer = ask(&app, good("/in/").to_request()).await;
    answer.is(200, "alice");
    assert_eq!(answer.field("x-outer"), Some("yes"));
    let answer = ask(&app, get("/in").to_request()).await;
    answer.is_refused(401, BARE);
    assert_eq!(answer.field("x-outer"), Some("yes"));
}

#[actix_web::test]
async fn preflight_passes_when_cors_is_outside() {
    let app = App::new()
        .service(web::scope("/api").route("/", web::post().to(subject)).wrap(authenticate()))
        .wrap_fn(|request, service| {
            let preflight = request.method() == Method::OPTIONS
                && request.headers().contains_key("access-control-request-method");
            let inner = (!preflight).then(|| service.call(request));
            async move {
                match inner {
                    Some(inner) => inner.await,
                    None => Err(actix_web::error::InternalError::from_response(
                        "preflight",
                        HttpResponse::NoContent().finish(),
                    )
                    .into()),
                }
            }
        });
    let app = init_service(app).await;
    let options = || TestRequest::default().method(Method::OPTIONS).uri("/api/");
    let preflight = options().insert_header(("access-control-request-method", "POST"));
    assert_eq!(ask(&app, preflight.to_request()).await.status(), 204);
    ask(&app, options().to_request()).await.is_refused(401, BARE);
}

#[actix_web::test]
async fn every_method_is_guarded() {
    let resource = web::resource("/").route(web::to(subject)).wrap(authenticate());
    let app = init_service(App::new().service(resource)).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        ask(&app, good("/").method(method.clone()).to_request()).await.is(200, "alice");
        ask(&app, get("/").method(method).to_request()).await.is_refused(401, BARE);
    }
}

/// Actix panics when the head of a request is changed while a clone of it exists.
#[actix_web::test]
async fn outer_wrapper_may_hold_the_request() {
    let resource =
        web::resource("/").get(subject).wrap(Authorize::new(Policy::all([]))).wrap(authenticate()).wrap_fn(
            |request, service| {
                let held = request.request().clone();
                let inner = service.call(request);
                async move {
                    let response = inner.await;
                    drop(held);
                    response
                }
            },
        );
    let app = init_service(App::new().service(resource)).await;
    ask(&app, good("/").to_request()).await.is(200, "alice");
    ask(&app, get("/").to_request()).await.is_refused(401, BARE);
}

#[actix_web::test]
async fn credentials_are_not_printed() {
    async fn print(request: HttpRequest) -> String {
        format!("{request:?}")
    }
    let app = init_service(App::new().route("/", web::get().to(print)).wrap(authenticate())).await;
    let token = forge().token().sign();
    let answer = ask(&app, with_token("/", &token).to_request()).await;
    assert!(answer.body.contains("authorization"), "{}", answer.body);
    assert!(!answer.body.contains(&token), "{}", answer.body);
}

#[actix_web::test]
async fn reused_request_has_no_earlier_admission() {
    async fn look(request: HttpRequest) -> String {
        use actix_web::HttpMessage as _;
        request.extensions().get::<tollgate_actix::Admission>().is_some().to_string()
    }
    let guarded = web::resource("/in").get(look).wrap(authenticate());
    let app = App::new().service(guarded).route("/out", web::get().to(look));
    let app = init_service(app).await;
    for _ in 0..3 {
        ask(&app, good("/in").to_request()).await.is(200, "true");
        ask(&app, good("/out").to_request()).await.is(200, "false");
    }
}
