//! Tests the responses to rejected requests.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::init_service;
use actix_web::{App, Error, HttpResponse, Responder as _, ResponseError, web};
use tollgate::{AuthError, Revocations, RevocationsUnavailable, TokenError, UnixTime, Verified};
use tollgate_actix::{
    Authenticate, Authenticated, Authorize, Claims, Gate, Policy, Rejection, RejectionBody, TokenSource,
};

use crate::support::{
    Answer, BARE, Employee, INVALID_TOKEN, ask, authenticate, bad, forge, gate, get, good, subject,
};

#[derive(Debug)]
struct Unreachable;

impl Revocations for Unreachable {
    fn is_revoked(&self, _: &Verified, _: UnixTime) -> Result<bool, RevocationsUnavailable> {
        Err(RevocationsUnavailable::new("out of reach", Duration::from_secs(3)))
    }
}

/// The status, the header fields in order of their names, and the body.
type Wire = (u16, Vec<(String, String)>, String);

fn wire(answer: &Answer) -> Wire {
    let headers = answer.head.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    sorted((answer.status(), headers.collect(), answer.body.clone()))
}

fn tower(rejection: &tollgate::Rejection) -> Wire {
    let response = tollgate_tower::respond::<Vec<u8>>(rejection);
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    sorted((
        response.status().as_u16(),
        headers.collect(),
        String::from_utf8(response.body().clone()).unwrap(),
    ))
}

fn sorted(mut wire: Wire) -> Wire {
    wire.1.sort();
    wire
}

#[actix_web::test]
async fn responses_equal_those_of_the_tower_adapter() {
    let policy = Authorize::new(Policy::scope("read:items"));
    let no_revocations = Authenticate::new(gate().with_revocations(Unreachable));
    let app = App::new()
        .service(
            web::scope("/in")
                .service(web::resource("/policy").get(subject).wrap(policy))
                .route("/", web::get().to(subject))
                .route("/employee", web::get().to(async |_: Claims<Employee>| ""))
                .wrap(authenticate()),
        )
        .service(web::scope("/down").route("/", web::get().to(subject)).wrap(no_revocations))
        .route("/open", web::get().to(subject));
    let app = init_service(app).await;
    let twice = good("/in/").append_header(("authorization", "Bearer abc"));
    let cases = [
        (get("/in/"), 401),
        (bad("/in/"), 401),
        (twice, 400),
        (good("/in/policy"), 403),
        (good("/in/employee"), 401),
        (good("/down/"), 503),
        (good("/open"), 500),
    ];
    for (request, status) in cases {
        let answer = ask(&app, request.to_request()).await;
        assert_eq!(answer.status(), status);
        assert_eq!(wire(&answer), tower(&answer.rejection().unwrap()));
    }
}

#[actix_web::test]
async fn outer_wrappers_can_read_the_typed_cause() {
    let seen = Rc::new(Cell::new(0));
    let counter = Rc::clone(&seen);
    let app = App::new().route("/", web::get().to(subject)).wrap(authenticate()).wrap_fn(
        move |request, service| {
            let counter = Rc::clone(&counter);
            let inner = service.call(request);
            async move {
                let response = inner.await?;
                let extensions = response.response().extensions();
                let rejection = extensions.get::<tollgate::Rejection>().map(tollgate::Rejection::error);
                if matches!(rejection, Some(AuthError::InvalidToken(TokenError::SignatureMismatch))) {
                    counter.set(counter.get() + 1);
                }
                drop(extensions);
                Ok(response)
            }
        },
    );
    let app = init_service(app).await;
    ask(&app, good("/").to_request()).await.is(200, "alice");
    ask(&app, get("/").to_request()).await.is_refused(401, BARE);
    ask(&app, bad("/").to_request()).await.is_refused(401, INVALID_TOKEN);
    assert_eq!(seen.get(), 1);
}

fn terse(gate: Gate) -> Gate {
    gate.with_rejection_body(|rejection| RejectionBody::text(format!("no entry ({})", rejection.status())))
}

async fn guard(
    user: Authenticated,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    user.require(&Policy::scope("a"))?;
    next.call(request).await
}

/// An application's own error that wraps a rejection.
#[derive(Debug)]
struct Own(Rejection);

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Own {
    fn error_response(&self) -> HttpResponse {
        self.0.error_response()
    }
}

async fn own(user: Authenticated) -> Result<&'static str, Own> {
    user.require(&Policy::scope("a")).map_err(Own)?;
    Ok("in")
}

#[actix_web::test]
async fn wrapper_guards_and_extractors_reject_with_the_same_body() {
    async fn close(user: Authenticated) -> Result<&'static str, Rejection> {
        user.require(&Policy::scope("a"))?;
        Ok("closed")
    }
    async fn responder(user: Authenticated) -> HttpResponse {
        match user.require(&Policy::scope("a")) {
            Ok(()) => HttpResponse::Ok().finish(),
            Err(rejection) => HttpResponse::from_error(rejection),
        }
    }
    let app = App::new()
        .service(web::resource("/policy").get(subject).wrap(Authorize::new(Policy::scope("a"))))
        .service(web::resource("/nested").get(close).wrap(Authenticate::new(terse(gate()))))
        .service(web::resource("/error").get(subject).wrap(from_fn(guard)))
        .route("/handler", web::get().to(close))
        .route("/responder", web::get().to(responder))
        .route("/own", web::get().to(own))
        .route("/claims", web::get().to(async |_: Claims<Employee>| ""))
        .route("/option", web::get().to(async |_: Option<Claims<Employee>>| ""))
        .route("/other", web::get().to(HttpResponse::Forbidden))
        .wrap(Authenticate::new(terse(gate())));
    let app = init_service(app).await;
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope", scope="a""#);
    for path in ["/policy", "/nested", "/error", "/handler", "/responder", "/own"] {
        let answer = ask(&app, good(path).to_request()).await;
        answer.is(403, "no entry (403)");
        answer.is_refused(403, lacks);
    }
    for path in ["/claims", "/option"] {
        let answer = ask(&app, good(path).to_request()).await;
        answer.is(401, "no entry (401)");
        answer.is_refused(401, INVALID_TOKEN);
    }
    let answer = ask(&app, get("/handler").to_request()).await;
    answer.is(401, "no entry (401)");
    answer.is_refused(401, BARE);
    // A response that is not a rejection keeps its body.
    ask(&app, good("/other").to_request()).await.is(403, "");
}

#[actix_web::test]
async fn innermost_custom_body_is_used() {
    let inner = Authenticate::new(gate().with_rejection_body(|_| RejectionBody::text("inner")));
    let outer = Authenticate::new(terse(gate()).with_optional_token());
    let app = App::new()
        .service(web::resource("/handler").get(own).wrap(inner.clone()))
        .service(web::resource("/error").get(own).wrap(from_fn(guard)).wrap(inner))
        .wrap(outer);
    let app = init_service(app).await;
    ask(&app, good("/handler").to_request()).await.is(403, "inner");
    ask(&app, good("/error").to_request()).await.is(403, "inner");
    ask(&app, bad("/handler").to_request()).await.is(401, "no entry (401)");
}

#[actix_web::test]
async fn rejection_is_a_responder() {
    let request = get("/").to_http_request();
    let rejection = Rejection::from(tollgate::Rejection::missing_gate());
    assert_eq!(rejection.to_string(), "request answered with 500");
    assert!(std::error::Error::source(&rejection).is_some());
    assert_eq!(rejection.status_code(), 500);
    assert_eq!(rejection.clone().into_inner().status(), 500);
    let response = rejection.respond_to(&request);
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
}

#[test]
fn rejection_is_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Rejection>();
    check::<Claims<Employee>>();
    check::<Authenticated>();
    check::<Authenticate>();
}

fn in_url() -> Gate {
    gate()
        .with_sources([TokenSource::bearer(), TokenSource::insecure_query("access_token").unwrap()])
        .unwrap()
}

#[actix_web::test]
async fn response_to_token_in_url_is_private() {
    async fn cached(_: Authenticated) -> HttpResponse {
        HttpResponse::Ok().insert_header(("cache-control", "public, max-age=60")).finish()
    }
    async fn unstored(_: Authenticated) -> HttpResponse {
        HttpResponse::Ok().insert_header(("cache-control", "no-store")).finish()
    }
    let app = App::new()
        .route("/", web::get().to(subject))
        .route("/cached", web::get().to(cached))
        .route("/unstored", web::get().to(unstored))
        .service(web::resource("/error").get(subject).wrap_fn(|_, _| async {
            Err::<ServiceResponse, _>(actix_web::error::ErrorImATeapot("short and stout"))
        }))
        .wrap(Authenticate::new(in_url()));
    let app = init_service(app).await;
    let token = forge().token().sign();
    let cases = [("/", "private"), ("/cached", "private"), ("/unstored", "no-store"), ("/error", "private")];
    for (path, expected) in cases {
        let answer = ask(&app, get(&format!("{path}?access_token={token}")).to_request()).await;
        assert_eq!(answer.field("cache-control"), Some(expected), "{path}");
    }
    let answer = ask(&app, good("/").to_request()).await;
    assert_eq!(answer.field("cache-control"), None);
}
