//! The axum adapter over HTTP/2: concurrent requests on one connection, `:authority` in place of `Host`, and cookies
//! split over several fields.

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tollgate::{Algorithm, Audience, Gate, Issuer, TokenSource, Verifier};
use tollgate_axum::{AuthenticateLayer, Authenticated};
use tollgate_testing::{Forge, keys};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE)
}

/// Starts a server on a free port and connects to it with HTTP/2 prior knowledge.
async fn connection() -> SendRequest<Body> {
    let sources = [TokenSource::bearer(), TokenSource::cookie("__Host-Http-at").expect("a name")];
    let verifier = Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    let gate = Gate::new(verifier).with_sources(sources).unwrap();
    let subject = async |token: Authenticated| token.subject().unwrap_or_default().to_owned();
    let app = Router::new().route("/", any(subject)).layer(AuthenticateLayer::new(gate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stream = tokio::net::TcpStream::connect(address).await.expect("connect");
    let (sender, driver) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(driver);
    sender
}

fn request(method: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let builder = Request::builder().method(method).uri("http://api.example/");
    let builder = fields.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::empty()).expect("a request")
}

async fn read(response: Response<Incoming>) -> (u16, String) {
    assert_eq!(response.version(), http::Version::HTTP_2);
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_streams_get_separate_verdicts() {
    let connection = connection().await;
    let ask = |i: u32| {
        let mut connection = connection.clone();
        tokio::spawn(async move {
            let subject = format!("user-{i}");
            let (token, expected) = match i % 3 {
                0 => (Some(forge().token().subject(&subject).sign()), 200),
                1 => (Some(forge().token().subject(&subject).with_broken_signature()), 401),
                _ => (None, 401),
            };
            let authorization = token.map(|token| format!("Bearer {token}"));
            let fields: Vec<(&str, &str)> =
                authorization.iter().map(|value| ("authorization", value.as_str())).collect();
            let response = connection.send_request(request("GET", &fields)).await.expect("a response");
            let (status, body) = read(response).await;
            assert_eq!(status, expected);
            assert_eq!(body == subject, expected == 200, "{body}");
        })
    };
    let tasks: Vec<_> = (0..300).map(ask).collect();

    for task in tasks {
        task.await.expect("as expected");
    }
}

#[tokio::test]
async fn repeated_tokens_are_rejected_and_split_cookies_accepted() {
    let mut connection = connection().await;
    let token = forge().token().sign();
    let (bearer, cookie) = (format!("Bearer {token}"), format!("__Host-Http-at={token}"));
    let mut ask = async |fields: &[(&str, &str)]| {
        let response = connection.send_request(request("GET", fields)).await.expect("a response");
        read(response).await.0
    };

    assert_eq!(ask(&[("authorization", &bearer), ("authorization", &bearer)]).await, 400);
    // RFC 9113 §8.2.3: a client may split cookies over several fields.
    assert_eq!(ask(&[("cookie", "a=b"), ("cookie", &cookie), ("cookie", "c=d")]).await, 200);
    assert_eq!(ask(&[("cookie", &cookie), ("cookie", &cookie)]).await, 400);
}

#[tokio::test]
async fn gate_compares_origin_with_the_authority() {
    let mut connection = connection().await;
    let cookie = format!("__Host-Http-at={}", forge().token().sign());
    let mut post = async |origin: &str| {
        let request = request("POST", &[("cookie", &cookie), ("origin", origin)]);
        read(connection.send_request(request).await.expect("a response")).await.0
    };
    assert_eq!(post("http://api.example").await, 200);
    assert_eq!(post("http://evil.example").await, 403);
    assert_eq!(post("null").await, 403);
}
