//! Response bodies behind the layers: of any type, streamed, boxed, failing; and rejections of gRPC requests.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt as _, Empty, Full};
use tollgate::{
    Algorithm, Audience, Gate, Issuer, KeyRefresh, KeyRequest, KeySet, KeySource, KeysUnavailable, Policy,
    Rejection, RejectionBody, UnixTime, Verifier,
};
use tollgate_testing::{Forge, keys};
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, GateBody};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const MISSING: &str = "an access token is required";

fn gate() -> Gate {
    gate_with(keys::verifying(Algorithm::Hs256).into())
}

fn gate_with(keys: tollgate::VerifierKeys) -> Gate {
    let verifier = Verifier::new(keys, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    Gate::new(verifier).with_grpc_rejections()
}

fn request(content_type: &str, token: Option<&str>) -> Request<()> {
    let request = Request::post("/").header("content-type", content_type);
    let authorization = token.map(|token| format!("Bearer {token}"));
    authorization
        .into_iter()
        .fold(request, |request, value| request.header("authorization", value))
        .body(())
        .unwrap()
}

fn good() -> String {
    Forge::new(ISSUER, AUDIENCE).token().sign()
}

/// A body of these frames, of unknown size.
#[derive(Default)]
struct Frames(VecDeque<Result<Frame<Bytes>, io::Error>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Sends a request without a token and one with a token through both layers.
async fn answers<B, F>(make: F) -> [Response<GateBody<GateBody<B>>>; 2]
where
    F: Fn() -> B + Clone,
{
    let handler = tower::service_fn(move |_: Request<()>| {
        let response = Response::new(make());
        async { Ok::<_, Infallible>(response) }
    });
    let layers = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate()))
        .layer(AuthorizeLayer::new(Policy::all([])));
    let service = layers.service(handler);
    let rejected = service.clone().oneshot(request("", None)).await.unwrap();
    [rejected, service.oneshot(request("", Some(&good()))).await.unwrap()]
}

#[tokio::test]
async fn layers_take_boxed_bodies() {
    let boxed = || -> BoxBody<Bytes, io::Error> { Full::from("ok").map_err(|never| match never {}).boxed() };
    let unsync = || -> UnsyncBoxBody<Bytes, io::Error> {
        Full::from("ok").map_err(|never| match never {}).boxed_unsync()
    };
    let [rejected, admitted] = answers(boxed).await;
    let problem = rejected.into_body().collect().await.unwrap().to_bytes();
    assert!(problem.starts_with(br#"{"type":"about:blank","title":"Unauthorized""#), "{problem:?}");
    assert_eq!(admitted.into_body().collect().await.unwrap().to_bytes(), "ok");

    let [rejected, admitted] = answers(unsync).await;
    assert_eq!(rejected.into_body().collect().await.unwrap().to_bytes(), problem);
    assert_eq!(admitted.into_body().collect().await.unwrap().to_bytes(), "ok");
}

#[tokio::test]
async fn frames_trailers_and_errors_of_the_inner_body_pass_through() {
    let frames = || {
        let trailers = HeaderMap::from_iter([("x-end".parse().unwrap(), "1".parse().unwrap())]);
        let error = io::Error::other("the disk is gone");
        Frames([data("one"), data("two"), Ok(Frame::trailers(trailers)), Err(error)].into())
    };
    let [_, admitted] = answers(frames).await;
    let mut body = admitted.into_body();
    for expected in ["one", "two"] {
        let frame = body.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data"), expected);
    }
    let trailers = body.frame().await.expect("a frame").expect("no error").into_trailers().expect("trailers");
    assert_eq!(trailers["x-end"], "1");
    let error = body.frame().await.expect("a frame").expect_err("the error");
    assert_eq!(error.to_string(), "the disk is gone");
    assert!(body.frame().await.is_none());
}

/// Servers derive `Content-Length` and the end of the stream from these.
#[tokio::test]
async fn size_and_end_are_those_of_the_body() {
    let [rejected, admitted] = answers(|| Full::<Bytes>::from("12345")).await;
    assert_eq!(admitted.body().size_hint().exact(), Some(5));
    assert!(!admitted.body().is_end_stream() && !rejected.body().is_end_stream());
    let length = rejected.body().size_hint().exact().expect("a length");
    let mut body = rejected.into_body();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(u64::try_from(frame.len()).unwrap(), length);
    assert!(body.is_end_stream() && body.frame().await.is_none());

    let [_, admitted] = answers(Frames::default).await;
    assert_eq!(admitted.body().size_hint().exact(), None);
    let [_, admitted] = answers(Empty::<Bytes>::new).await;
    assert!(admitted.body().is_end_stream());
    let empty = GateBody::<Frames>::default();
    assert!(empty.is_end_stream());
    assert_eq!(empty.size_hint().exact(), Some(0));
    let never_read: SizeHint = GateBody::<Frames>::from(b"ab".to_vec()).size_hint();
    assert_eq!(never_read.exact(), Some(2));
}

/// The inner service may respond with a type that is no body.
#[tokio::test]
async fn service_without_a_body_type_of_http_is_admitted() {
    struct Text;
    let [rejected, admitted] = answers(|| Text).await;
    assert_eq!((rejected.status().as_u16(), admitted.status().as_u16()), (401, 200));
}

/// Sends a request to a service behind `gate`, and asserts that a rejection has no body.
async fn grpc(gate: Gate, request: Request<()>) -> HeaderMap {
    let handler =
        tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Frames::default())));
    let service = ServiceBuilder::new()
        .layer(AuthenticateLayer::new(gate))
        .layer(AuthorizeLayer::new(Policy::scope("read:items")))
        .service(handler);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.extensions().get::<Rejection>().is_some());
    assert!(response.body().is_end_stream());
    assert_eq!(response.body().size_hint().exact(), Some(0));
    response.headers().clone()
}

fn text(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn gate_rejects_grpc_requests_in_their_protocol() {
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web-text"] {
        assert_eq!(
            text(&grpc(gate(), request(content_type, None)).await),
            [
                "cache-control: no-store",
                &format!("content-type: {content_type}"),
                &format!("grpc-message: {MISSING}"),
                "grpc-status: 16",
                r#"www-authenticate: Bearer realm="api""#,
            ]
        );
    }
}

#[tokio::test]
async fn guard_rejects_grpc_requests_in_their_protocol() {
    assert_eq!(
        text(&grpc(gate(), request("application/grpc", Some(&good()))).await),
        [
            "cache-control: no-store",
            "content-type: application/grpc",
            "grpc-message: the access token does not grant enough",
            "grpc-status: 7",
            r#"www-authenticate: Bearer realm="api", error="insufficient_scope", scope="read:items""#,
        ]
    );
}

#[tokio::test]
async fn guard_without_a_gate_responds_with_http() {
    let handler =
        tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Frames::default())));
    let service = AuthorizeLayer::new(Policy::all([])).layer(handler);
    let response = service.oneshot(request("application/grpc", Some(&good()))).await.unwrap();
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key("grpc-status"));
}

/// A proxy that asks a service whether to admit a request reads the status, and passes the client's headers on.
#[tokio::test]
async fn client_does_not_choose_the_status_of_a_rejection() {
    let verifier = Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    let default = Gate::new(verifier);
    assert_eq!(status(default, request("application/grpc", None)).await, 401);
    let mut get = request("application/grpc", None);
    *get.method_mut() = http::Method::GET;
    assert_eq!(status(gate(), get).await, 401, "gRPC has no other method than POST");
    for content_type in ["application/grpc+x, text/html", "application/grpc +proto", "application/grpcx"] {
        assert_eq!(status(gate(), request(content_type, None)).await, 401, "{content_type}");
    }
    assert_eq!(status(gate(), request("application/grpc", None)).await, 200);
}

async fn status(gate: Gate, request: Request<()>) -> u16 {
    let handler =
        tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Frames::default())));
    let service = AuthenticateLayer::new(gate).layer(handler);
    service.oneshot(request).await.unwrap().status().as_u16()
}

/// The decision falls after the request has waited for keys.
#[tokio::test]
async fn unavailable_keys_push_grpc_clients_back() {
    #[derive(Debug)]
    struct Never;
    impl KeySource for Never {
        fn keys(&self, _: UnixTime) -> Result<KeySet, KeysUnavailable> {
            Err(KeysUnavailable::new("no keys", Duration::from_secs(9)))
        }

        fn refresh(&self, _: Option<KeyRequest<'_>>, _: UnixTime) -> Option<KeyRefresh> {
            Some(KeyRefresh::new(tokio::task::yield_now()))
        }
    }
    assert_eq!(
        text(&grpc(gate_with(Never.into()), request("application/grpc", Some(&good()))).await),
        [
            "cache-control: no-store",
            "content-type: application/grpc",
            "grpc-message: tokens cannot be verified at present",
            "grpc-retry-pushback-ms: 9000",
            "grpc-status: 14",
            "retry-after: 9",
        ]
    );
}

#[tokio::test]
async fn custom_body_does_not_apply_to_grpc() {
    let gate = gate().with_rejection_body(|_| RejectionBody::text("no"));
    let headers = grpc(gate, request("application/grpc", None)).await;
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["grpc-message"], MISSING);
}
