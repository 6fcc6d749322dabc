//! Tests what handlers extract.

use std::cell::Cell;

use actix_web::test::init_service;
use actix_web::{App, Either, web};
use tollgate_actix::{
    Authenticate, Authenticated, Claims, Optional, Policy, RegisteredClaims, Rejection, Scopes,
};

use crate::support::{
    BARE, Employee, INVALID_TOKEN, User, ask, authenticate, bad, forge, gate, get, good, with_token,
};

async fn hello(user: Claims<User>) -> String {
    format!("hello {}", user.sub)
}

async fn employee(_: Claims<Employee>) -> &'static str {
    "in"
}

#[actix_web::test]
async fn claims_have_the_requested_type() {
    async fn registered(claims: Claims<RegisteredClaims>) -> String {
        format!("{:?}", claims.0.sub)
    }
    let app = App::new()
        .route("/user", web::get().to(hello))
        .route("/registered", web::get().to(registered))
        .route("/employee", web::get().to(employee))
        .wrap(authenticate());
    let app = init_service(app).await;
    ask(&app, good("/user").to_request()).await.is(200, "hello alice");
    ask(&app, good("/registered").to_request()).await.is(200, r#"Some("alice")"#);
    ask(&app, good("/employee").to_request()).await.is_refused(401, INVALID_TOKEN);
}

#[actix_web::test]
async fn handler_extracts_token_and_scopes() {
    async fn close(user: Authenticated) -> Result<String, Rejection> {
        user.require(&Policy::role("admin"))?;
        Ok(user.issuer().to_owned())
    }
    async fn export(scopes: Scopes) -> Result<String, Rejection> {
        scopes.require("read:items")?;
        Ok(scopes.contains("read:prices").to_string())
    }
    let app = App::new()
        .route("/close", web::get().to(close))
        .route("/export", web::get().to(export))
        .wrap(authenticate());
    let app = init_service(app).await;
    let admin = forge().token().roles(&["admin"]).sign();
    ask(&app, with_token("/close", &admin).to_request()).await.is(200, "https://issuer.example");
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope""#);
    ask(&app, good("/close").to_request()).await.is_refused(403, lacks);

    let reader = forge().token().scope("read:items").sign();
    ask(&app, with_token("/export", &reader).to_request()).await.is(200, "false");
    let lacks = Some(r#"Bearer realm="api", error="insufficient_scope", scope="read:items""#);
    ask(&app, good("/export").to_request()).await.is_refused(403, lacks);
    let malformed = forge().token().claim("scope", 1).sign();
    ask(&app, with_token("/export", &malformed).to_request()).await.is_refused(401, INVALID_TOKEN);
}

async fn optional_claims(user: Optional<Claims<User>>) -> String {
    user.0.map_or_else(|| "anonymous".to_owned(), |user| user.sub.clone())
}

async fn optional_token(user: Optional<Authenticated>) -> String {
    user.as_ref().and_then(|user| user.subject()).unwrap_or("anonymous").to_owned()
}

async fn option_of_claims(user: Option<Claims<User>>) -> String {
    user.map_or_else(|| "anonymous".to_owned(), |user| user.sub.clone())
}

async fn option_of_token(user: Option<Authenticated>) -> String {
    user.as_ref().and_then(|user| user.subject()).unwrap_or("anonymous").to_owned()
}

#[actix_web::test]
async fn optional_is_none_only_without_a_token() {
    let app = App::new()
        .route("/1", web::get().to(optional_claims))
        .route("/2", web::get().to(optional_token))
        .route("/3", web::get().to(option_of_claims))
        .route("/4", web::get().to(option_of_token))
        .wrap(Authenticate::new(gate().with_optional_token()));
    let app = init_service(app).await;
    for path in ["/1", "/2", "/3", "/4"] {
        ask(&app, good(path).to_request()).await.is(200, "alice");
        ask(&app, get(path).to_request()).await.is(200, "anonymous");
        ask(&app, bad(path).to_request()).await.is_refused(401, INVALID_TOKEN);
    }
}

#[actix_web::test]
async fn extractor_requires_a_token_under_an_optional_gate() {
    let app =
        App::new().route("/", web::get().to(hello)).wrap(Authenticate::new(gate().with_optional_token()));
    let app = init_service(app).await;
    ask(&app, get("/").to_request()).await.is_refused(401, BARE);
    ask(&app, good("/").to_request()).await.is(200, "hello alice");
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn ran() -> &'static str {
    RUNS.set(RUNS.get() + 1);
    "anonymous"
}

#[actix_web::test]
async fn token_without_the_claims_is_never_anonymous() {
    async fn optional(_: Optional<Claims<Employee>>) -> &'static str {
        ran()
    }
    async fn option(_: Option<Claims<Employee>>) -> &'static str {
        ran()
    }
    async fn result(_: Result<Claims<Employee>, Rejection>) -> &'static str {
        ran()
    }
    async fn either(_: Either<Claims<Employee>, web::Bytes>) -> &'static str {
        ran()
    }
    async fn nested((_, user): (Option<Claims<Employee>>, Claims<User>)) -> String {
        format!("{} {}", ran(), user.sub)
    }
    async fn scopes(_: Option<Scopes>) -> &'static str {
        ran()
    }
    let app = App::new()
        .route("/optional", web::get().to(optional))
        .route("/option", web::get().to(option))
        .route("/result", web::get().to(result))
        .route("/either", web::get().to(either))
        .route("/nested", web::get().to(nested))
        .route("/scopes", web::get().to(scopes))
        .wrap(Authenticate::new(gate().with_optional_token()));
    let app = init_service(app).await;
    let token = forge().token().claim("scope", 1).sign();
    ask(&app, with_token("/optional", &token).to_request()).await.is_refused(401, INVALID_TOKEN);
    assert_eq!(RUNS.get(), 0, "the handler does not run");
    for path in ["/option", "/result", "/either", "/nested", "/scopes"] {
        ask(&app, with_token(path, &token).to_request()).await.is_refused(401, INVALID_TOKEN);
        if path != "/nested" {
            ask(&app, get(path).to_request()).await.is(200, "anonymous");
        }
    }
}

#[actix_web::test]
async fn hidden_rejection_replaces_the_handlers_response() {
    async fn handler(_: Option<Claims<Employee>>) -> actix_web::HttpResponse {
        actix_web::HttpResponse::Ok().insert_header(("set-cookie", "a=b")).body("hello stranger")
    }
    let app = App::new().route("/", web::get().to(handler)).wrap(authenticate());
    let app = init_service(app).await;
    let answer = ask(&app, good("/").to_request()).await;
    answer.is_refused(401, INVALID_TOKEN);
    assert_eq!(answer.field("set-cookie"), None);
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
}

#[actix_web::test]
async fn request_without_a_gate_is_never_anonymous() {
    let app = App::new()
        .route("/claims", web::get().to(hello))
        .route("/optional", web::get().to(optional_claims))
        .route("/token", web::get().to(optional_token));
    let app = init_service(app).await;
    for path in ["/claims", "/optional", "/token"] {
        ask(&app, good(path).to_request()).await.is_refused(500, None);
        ask(&app, get(path).to_request()).await.is_refused(500, None);
    }
}

/// `Option<Claims>` is the case that the orphan rules do not let us reject. The log and the documentation
/// mention it.
#[actix_web::test]
async fn plain_option_is_none_without_a_gate() {
    let app = init_service(App::new().route("/", web::get().to(option_of_claims))).await;
    ask(&app, good("/").to_request()).await.is(200, "anonymous");
}
