//! Tests what filters extract, and from which requests.

use http::StatusCode;
use tollgate::Verified;
use tollgate_warp::{
    Admission, Authenticated, Claims, Policy, RegisteredClaims, Rejection, Scopes, admission, admission_from,
    authenticated, authenticated_with, claims, handle_rejection, optional_claims, protect, scopes,
};
use warp::{Filter, Reply};

use crate::support::{
    BARE, Employee, INVALID_TOKEN, User, bad, challenge, forge, gate, get, good, text, with_token,
};

#[test]
fn filters_can_be_shared_and_stored() {
    fn check<F: Filter + Clone + Send + Sync + 'static>(_: F) {}
    let gate = gate();
    check(authenticated(&gate));
    check(authenticated_with(&gate, Policy::scope("a")));
    check(claims::<User>(&gate));
    check(optional_claims::<User>(&gate));
    check(scopes(&gate));
    check(admission_from(&gate));
    check(admission());
    check(protect(&gate, authenticated(&gate).map(|_| "in")));
    let boxed: warp::filters::BoxedFilter<(Claims<User>,)> = claims(&gate).boxed();
    check(boxed);
}

fn hello(user: &User) -> String {
    format!("hello {}", user.sub)
}

#[tokio::test]
async fn claims_have_the_requested_type() {
    let app = claims(&gate()).map(|user: Claims<User>| hello(&user)).recover(handle_rejection);
    assert_eq!(text(&good("/").reply(&app).await), "hello alice");
    assert_eq!(challenge(&get("/").reply(&app).await), BARE);
    assert_eq!(challenge(&bad("/").reply(&app).await), INVALID_TOKEN);
}

#[tokio::test]
async fn registered_claims_can_be_extracted() {
    let subject = |Claims(token): Claims<RegisteredClaims>| format!("{:?}", token.sub);
    let app = claims(&gate()).map(subject).recover(handle_rejection);
    assert_eq!(text(&good("/").reply(&app).await), r#"Some("alice")"#);
}

#[tokio::test]
async fn token_is_rejected_when_claims_do_not_fit() {
    let required = claims(&gate()).map(|_: Claims<Employee>| "in").recover(handle_rejection);
    assert_eq!(challenge(&good("/").reply(&required).await), INVALID_TOKEN);
    let optional = optional_claims(&gate().with_optional_token()).map(|_: Option<Claims<Employee>>| "in");
    assert_eq!(challenge(&good("/").reply(&optional.recover(handle_rejection)).await), INVALID_TOKEN);
}

#[tokio::test]
async fn optional_claims_are_none_only_without_a_token() {
    let greet = |user: Option<Claims<User>>| user.map_or_else(|| "anonymous".to_owned(), |user| hello(&user));
    let app = optional_claims(&gate().with_optional_token()).map(greet).recover(handle_rejection);
    assert_eq!(text(&get("/").reply(&app).await), "anonymous");
    assert_eq!(text(&good("/").reply(&app).await), "hello alice");
    let response = bad("/").reply(&app).await;
    assert_eq!((response.status(), challenge(&response)), (StatusCode::UNAUTHORIZED, INVALID_TOKEN));

    let required = optional_claims(&gate()).map(greet).recover(handle_rejection);
    assert_eq!(challenge(&get("/").reply(&required).await), BARE);
}

#[tokio::test]
async fn filters_require_a_token_under_an_optional_gate() {
    let gate = gate().with_optional_token();
    let app = warp::path!("claims")
        .and(claims::<User>(&gate))
        .map(drop)
        .or(warp::path!("authenticate").and(authenticated(&gate)).map(drop))
        .unify()
        .or(warp::path!("authorize").and(authenticated_with(&gate, Policy::all([]))).map(drop))
        .unify()
        .or(warp::path!("scopes").and(scopes(&gate)).map(drop))
        .unify()
        .map(|()| "in")
        .recover(handle_rejection);
    for path in ["/claims", "/authenticate", "/authorize", "/scopes"] {
        let response = get(path).reply(&app).await;
        assert_eq!((response.status().as_u16(), challenge(&response)), (401, BARE), "{path}");
        assert_eq!(text(&good(path).reply(&app).await), "in", "{path}");
    }
}

#[tokio::test]
async fn admission_can_be_anonymous() {
    let app = admission_from(&gate().with_optional_token())
        .map(|admission: Admission| admission.verified().is_some().to_string())
        .recover(handle_rejection);
    assert_eq!(text(&get("/").reply(&app).await), "false");
    assert_eq!(text(&good("/").reply(&app).await), "true");
    assert_eq!(bad("/").reply(&app).await.status(), 401);
}

fn with_scope(path: &str, scope: &str) -> warp::test::RequestBuilder {
    with_token(path, &forge().token().scope(scope).sign())
}

#[tokio::test]
async fn policies_apply_per_route() {
    let gate = gate();
    let read = warp::path!("items")
        .and(warp::get())
        .and(authenticated_with(&gate, Policy::scope("read")))
        .map(|_: Authenticated| "items");
    let write = warp::path!("items")
        .and(warp::post())
        .and(authenticated_with(&gate, Policy::scope("write")))
        .map(|_: Authenticated| "written");
    let app = read.or(write).recover(handle_rejection);
    assert_eq!(text(&with_scope("/items", "read").reply(&app).await), "items");
    assert_eq!(text(&with_scope("/items", "read write").method("POST").reply(&app).await), "written");

    let response = with_scope("/items", "read").method("POST").reply(&app).await;
    assert_eq!(response.status(), 403);
    let expected = Some(r#"Bearer realm="api", error="insufficient_scope", scope="write""#);
    assert_eq!(challenge(&response), expected);
    assert_eq!(challenge(&get("/items").reply(&app).await), BARE);
    assert_eq!(challenge(&bad("/items").reply(&app).await), INVALID_TOKEN);
    assert_eq!(with_scope("/items", "read write").method("PUT").reply(&app).await.status(), 405);
}

#[tokio::test]
async fn route_policy_applies_in_addition_to_gate_policy() {
    let gate = gate().with_policy(Policy::scope("orders"));
    let app = authenticated_with(&gate, Policy::scope("read")).map(|_| "in").recover(handle_rejection);
    assert_eq!(with_scope("/", "orders").reply(&app).await.status(), 403);
    assert_eq!(with_scope("/", "read").reply(&app).await.status(), 403);
    assert_eq!(with_scope("/", "orders read").reply(&app).await.status(), 200);
}

#[tokio::test]
async fn authorized_token_converts_to_claims() {
    let gate = gate();
    let user = authenticated_with(&gate, Policy::scope("read")).and_then(Authenticated::into_claims::<User>);
    let employee =
        authenticated_with(&gate, Policy::scope("read")).and_then(Authenticated::into_claims::<Employee>);
    let user = warp::path!("user").and(user).map(|user: Claims<User>| hello(&user));
    let app = user.or(warp::path!("employee").and(employee).map(|_| "in")).recover(handle_rejection);
    assert_eq!(text(&with_scope("/user", "read").reply(&app).await), "hello alice");
    assert_eq!(good("/user").reply(&app).await.status(), 403);
    assert_eq!(challenge(&with_scope("/employee", "read").reply(&app).await), INVALID_TOKEN);
}

#[tokio::test]
async fn handler_can_require_a_policy() {
    async fn close(user: Authenticated) -> Result<String, Rejection> {
        user.require(&Policy::role("admin"))?;
        Ok(hello(&*user.claims::<User>()?))
    }
    async fn export(scopes: Scopes) -> Result<&'static str, Rejection> {
        scopes.require("export")?;
        Ok(if scopes.contains("prices") { "all" } else { "items" })
    }
    let gate = gate();
    let close = warp::path!("close").and(authenticated(&gate)).then(close);
    // There is no `recover`, because the handler sends the response.
    let app = close.or(warp::path!("export").and(scopes(&gate)).then(export));
    let admin = forge().token().roles(&["admin"]).sign();
    assert_eq!(text(&with_token("/close", &admin).reply(&app).await), "hello alice");
    assert_eq!(good("/close").reply(&app).await.status(), 403);
    assert_eq!(text(&with_scope("/export", "export").reply(&app).await), "items");
    assert_eq!(text(&with_scope("/export", "export prices").reply(&app).await), "all");
    let response = good("/export").reply(&app).await;
    let expected = Some(r#"Bearer realm="api", error="insufficient_scope", scope="export""#);
    assert_eq!((response.status().as_u16(), challenge(&response)), (403, expected));
}

#[tokio::test]
async fn handler_can_reject_the_request() {
    async fn close(user: Authenticated) -> Result<&'static str, warp::Rejection> {
        user.require(&Policy::role("admin"))?;
        Ok("closed")
    }
    let app = authenticated(&gate()).and_then(close).recover(handle_rejection);
    assert_eq!(good("/").reply(&app).await.status(), 403);
}

#[tokio::test]
async fn verified_token_can_be_extracted() {
    let subject = |token: Verified| token.subject().unwrap_or_default().to_owned().into_response();
    let app = authenticated(&gate()).map(Authenticated::into_inner).map(subject).recover(handle_rejection);
    assert_eq!(text(&good("/").reply(&app).await), "alice");
}
