//! The application as gRPC services on tonic. `/` is the method `/cases.subject/Get`, and `/scope` is
//! `/cases.scope/Get`. Requests have no content, and responses are strings.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tollgate::{Admission, Gate, Rejection};
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, grpc_metadata};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::LayerExt as _;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use super::{Driver, Protocol, Typed, in_background, listen, mixed_policy, scope_policy};

pub(crate) struct Tonic;

impl Driver for Tonic {
    fn name(&self) -> &'static str {
        "tonic"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Grpc
    }

    fn serve(&self, gate: Gate) -> SocketAddr {
        let (listener, address) = listen();
        in_background(async move || {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let gate = gate.with_grpc_rejections();
            let gated = AuthenticateLayer::new(gate.clone());
            let optional = AuthenticateLayer::new(gate.with_optional_token());
            let scoped = AuthorizeLayer::new(scope_policy());
            let mixed = AuthorizeLayer::new(mixed_policy());
            Server::builder()
                .add_service(gated.named_layer(Method::<Subject>::new()))
                .add_service(gated.named_layer(Method::<WithTypedClaims>::new()))
                .add_service(gated.named_layer(scoped.named_layer(Method::<WithScope>::new())))
                .add_service(gated.named_layer(mixed.named_layer(Method::<WithPolicy>::new())))
                .add_service(gated.named_layer(Method::<Panics>::new()))
                .add_service(optional.named_layer(Method::<Optional>::new()))
                .add_service(Method::<Unguarded>::new())
                .add_service(Method::<Open>::new())
                .serve_with_incoming(TcpIncoming::from(listener))
                .await
                .expect("serve");
        });
        address
    }
}

/// A handler, and the name of the service with it as its only method.
trait Handler: 'static {
    const SERVICE: &'static str;

    fn answer(request: &Request<()>) -> Result<String, Rejection>;
}

macro_rules! handler {
    ($name:ident, $service:literal, $answer:expr) => {
        struct $name;

        impl Handler for $name {
            const SERVICE: &'static str = $service;

            fn answer(request: &Request<()>) -> Result<String, Rejection> {
                let answer: fn(&Request<()>) -> Result<String, Rejection> = $answer;
                answer(request)
            }
        }
    };
}

handler!(Subject, "cases.subject", subject);
handler!(WithScope, "cases.scope", subject);
handler!(WithPolicy, "cases.policy", subject);
handler!(Unguarded, "cases.unguarded", subject);
handler!(Optional, "cases.optional", |request| {
    let subject = admission(request)?.verified().and_then(|token| token.subject());
    Ok(subject.unwrap_or("anonymous").to_owned())
});
handler!(WithTypedClaims, "cases.typed", |request| {
    Ok(admission(request)?.claims::<Typed>()?.tenant.to_string())
});
handler!(Panics, "cases.panic", |_| std::panic::panic_any(super::EXPECTED_PANIC));
handler!(Open, "cases.open", |_| Ok("open".to_owned()));

fn subject(request: &Request<()>) -> Result<String, Rejection> {
    Ok(admission(request)?.require()?.subject().unwrap_or_default().to_owned())
}

fn admission(request: &Request<()>) -> Result<&Admission, Rejection> {
    request.extensions().get().ok_or_else(Rejection::missing_gate)
}

/// A service with one method, as tonic generates it.
struct Method<H>(PhantomData<fn() -> H>);

impl<H> Method<H> {
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H> Clone for Method<H> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<H: Handler> NamedService for Method<H> {
    const NAME: &'static str = H::SERVICE;
}

impl<H: Handler> Service<http::Request<Body>> for Method<H> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async { Ok(Grpc::new(ProstCodec::default()).unary(method, request).await) })
    }
}

impl<H: Handler> UnaryService<()> for Method<H> {
    type Response = String;
    type Future = Ready<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let answer = H::answer(&request).map(Response::new);
        ready(answer.map_err(|rejection| {
            Status::from_header_map(&grpc_metadata(&rejection)).expect("metadata with a status")
        }))
    }
}
