//! A gate, its forge, and helpers to send requests.

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tollgate_testing::{Forge, ManualClock, keys};
use tollgate_warp::{Algorithm, Audience, Gate, Issuer, RejectionBody, Verifier};
use tower::ServiceExt as _;
use warp::hyper::body::Bytes;
use warp::test::RequestBuilder;
use warp::{Filter, Reply};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "api://demo";

#[derive(Debug, serde::Deserialize)]
pub(crate) struct User {
    pub(crate) sub: String,
}

/// Claims that no token of the forge holds.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Employee {
    #[expect(dead_code, reason = "never constructed")]
    pub(crate) badge: u64,
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(1_700_000_000)
}

pub(crate) fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE).with_clock(&clock())
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    )
}

pub(crate) fn gate() -> Gate {
    Gate::new(verifier()).with_clock(clock())
}

/// Returns `gate` with a rejection body of one line.
pub(crate) fn terse(gate: Gate) -> Gate {
    gate.with_rejection_body(|rejection| RejectionBody::text(format!("no entry ({})", rejection.status())))
}

pub(crate) fn get(path: &str) -> RequestBuilder {
    warp::test::request().path(path)
}

pub(crate) fn with_token(path: &str, token: &str) -> RequestBuilder {
    get(path).header("authorization", format!("Bearer {token}"))
}

pub(crate) fn good(path: &str) -> RequestBuilder {
    with_token(path, &forge().token().sign())
}

pub(crate) fn bad(path: &str) -> RequestBuilder {
    with_token(path, &forge().token().with_broken_signature())
}

/// Returns the response to a `GET /` with these header fields. The requests of `warp::test` cannot repeat one.
pub(crate) async fn send<F>(app: &F, fields: &[(&str, &str)]) -> Response<Bytes>
where
    F: Filter<Extract: Reply, Error = warp::Rejection> + Clone,
{
    let request =
        fields.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    let response = warp::service(app.clone()).oneshot(request.body(String::new()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

pub(crate) fn field<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

pub(crate) fn challenge(response: &Response<Bytes>) -> Option<&str> {
    field(response, "www-authenticate")
}

pub(crate) const BARE: Option<&str> = Some(r#"Bearer realm="api""#);
pub(crate) const INVALID_TOKEN: Option<&str> = Some(r#"Bearer realm="api", error="invalid_token""#);
