//! Real tonic servers behind the layers, over HTTP/2: what is on the wire, streams, and gRPC in an axum router.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::get;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tollgate::{Admission, Algorithm, Audience, Gate, Issuer, Policy, Verifier};
use tollgate_testing::{Forge, keys};
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::service::{LayerExt as _, Routes};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::Service;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const PATH: &str = "/tests.Count/Up";

fn gate() -> Gate {
    let (issuer, audience) = (Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    Gate::new(Verifier::new(keys::verifying(Algorithm::Hs256), issuer, audience)).with_grpc_rejections()
}

fn token(subject: &str) -> String {
    Forge::new(ISSUER, AUDIENCE).token().subject(subject).sign()
}

/// A service that streams the subject of the token three times, and then fails.
#[derive(Clone)]
struct Count;

impl NamedService for Count {
    const NAME: &'static str = "tests.Count";
}

impl Service<http::Request<Body>> for Count {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async { Ok(Grpc::new(ProstCodec::default()).server_streaming(Self, request).await) })
    }
}

type Messages = Pin<Box<dyn tokio_stream::Stream<Item = Result<String, Status>> + Send>>;

impl ServerStreamingService<()> for Count {
    type Response = String;
    type ResponseStream = Messages;
    type Future = Ready<Result<Response<Messages>, Status>>;

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let admission = request.extensions().get::<Admission>().expect("an admission");
        let subject = admission.require().expect("a token").subject().expect("a subject").to_owned();
        let messages =
            [Ok(subject.clone()), Ok(subject.clone()), Ok(subject), Err(Status::data_loss("lost"))];
        ready(Ok(Response::new(Box::pin(tokio_stream::iter(messages)))))
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A server with a gate around all its services.
async fn server() -> SocketAddr {
    let (listener, address) = listen().await;
    let server = Server::builder().layer(AuthenticateLayer::new(gate())).add_service(Count);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn connect(server: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(server).await.expect("connect");
    let (sender, driver) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(driver);
    sender
}

/// Sends an empty message to [`PATH`].
async fn post(server: SocketAddr, content_type: &str, token: Option<&str>) -> http::Response<Incoming> {
    let request = http::Request::post(format!("http://api.example{PATH}"))
        .header("content-type", content_type)
        .header("te", "trailers");
    let authorization = token.map(|token| format!("Bearer {token}"));
    let request =
        authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
    let request = request.body(Full::from(&[0; 5][..])).expect("a request");
    connect(server).await.send_request(request).await.expect("a response")
}

/// Calls the service on a new connection.
async fn call(server: SocketAddr, token: Option<&str>) -> (Vec<String>, Status) {
    call_on(channel(server).await, token).await
}

async fn channel(server: SocketAddr) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://{server}")).expect("an address");
    endpoint.connect().await.expect("a connection")
}

/// Calls the service and returns its messages, and the status that ends the call.
async fn call_on(connection: Channel, token: Option<&str>) -> (Vec<String>, Status) {
    let mut client = tonic::client::Grpc::new(connection);
    client.ready().await.expect("ready");
    let mut request = Request::new(());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    }
    let (path, codec) = (PATH.parse().expect("a path"), ProstCodec::<(), String>::default());
    let mut messages = Vec::new();
    let mut stream: Streaming<String> = match client.server_streaming(request, path, codec).await {
        Ok(response) => response.into_inner(),
        Err(status) => return (messages, status),
    };
    loop {
        match stream.message().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, Status::ok("")),
            Err(status) => return (messages, status),
        }
    }
}

#[tokio::test]
async fn rejection_is_a_response_without_body_and_trailers() {
    let server = server().await;
    let response = post(server, "application/grpc+proto", None).await;
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
    let field = |name| response.headers().get(name).map(|value| value.to_str().expect("ASCII"));
    assert_eq!(field("content-type"), Some("application/grpc+proto"));
    assert_eq!(field("grpc-status"), Some("16"));
    assert_eq!(field("grpc-message"), Some("an access token is required"));
    assert_eq!(field("www-authenticate"), Some(r#"Bearer realm="api""#));
    assert_eq!(field("cache-control"), Some("no-store"));
    assert_eq!(field("content-length"), None);
    // The header ends the stream.
    assert!(response.body().is_end_stream());
    let collected = response.into_body().collect().await.expect("a body");
    assert!(collected.trailers().is_none());
    assert!(collected.to_bytes().is_empty());
}

#[tokio::test]
async fn stream_and_its_status_pass_through() {
    let server = server().await;
    let (messages, status) = call(server, Some(&token("alice"))).await;
    assert_eq!(messages, ["alice"; 3]);
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "lost"));
}

#[tokio::test]
async fn client_gets_the_challenge_as_metadata() {
    let (messages, status) = call(server().await, Some("garbage")).await;
    assert!(messages.is_empty());
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, "the access token is not valid here")
    );
    assert_eq!(
        status.metadata().get("www-authenticate").expect("a challenge"),
        r#"Bearer realm="api", error="invalid_token""#
    );
}

#[tokio::test]
async fn policy_of_one_service_rejects_with_permission_denied() {
    let (listener, address) = listen().await;
    let guarded = AuthorizeLayer::new(Policy::scope("count")).named_layer(Count);
    let server = Server::builder().layer(AuthenticateLayer::new(gate())).add_service(guarded);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let (_, status) = call(address, Some(&token("alice"))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let granted = Forge::new(ISSUER, AUDIENCE).token().scope("count").sign();
    assert_eq!(call(address, Some(&granted)).await.0, ["alice"; 3]);
}

#[tokio::test]
async fn axum_router_answers_each_protocol_in_its_own() {
    let (listener, address) = listen().await;
    let guarded = tollgate_axum::AuthorizeLayer::new(Policy::scope("count"));
    let grpc: Router = Routes::new(Count).into_axum_router();
    let app = grpc
        .route_layer(guarded)
        .route("/tests.Count", get(async || "not gRPC"))
        .layer(tollgate_axum::AuthenticateLayer::new(gate()));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let (_, status) = call(address, None).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    let (_, status) = call(address, Some(&token("alice"))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let granted = Forge::new(ISSUER, AUDIENCE).token().scope("count").sign();
    assert_eq!(call(address, Some(&granted)).await.0, ["alice"; 3]);

    let response = post(address, "application/json", None).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(!response.headers().contains_key("grpc-status"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_on_one_connection_get_separate_verdicts() {
    let connection = channel(server().await).await;
    let tasks: Vec<_> = (0..100)
        .map(|i| {
            let connection = connection.clone();
            tokio::spawn(async move {
                let subject = format!("user-{i}");
                let good = token(&subject);
                let bad = Forge::new(ISSUER, AUDIENCE).token().with_broken_signature();
                let (messages, status) = match i % 3 {
                    0 => call_on(connection, Some(&good)).await,
                    1 => call_on(connection, Some(&bad)).await,
                    _ => call_on(connection, None).await,
                };
                let admitted = i % 3 == 0;
                assert_eq!(messages, vec![subject; if admitted { 3 } else { 0 }]);
                assert_eq!(status.code(), if admitted { Code::DataLoss } else { Code::Unauthenticated });
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("as expected");
    }
}
