//! The application as a bare Tower service on hyper.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tollgate::{Admission, Gate, Policy, Rejection};
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, respond};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use super::{Driver, Typed, in_background, listen, mixed_policy, scope_policy};

pub(crate) struct Tower;

impl Driver for Tower {
    fn name(&self) -> &'static str {
        "tower"
    }

    fn serve(&self, gate: Gate) -> SocketAddr {
        let (listener, address) = listen();
        in_background(async move || {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            loop {
                let (stream, _) = listener.accept().await.expect("accept");
                let router = Router { gate: gate.clone() };
                let service = tower::service_fn(move |request| router.clone().route(request));
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
                tokio::spawn(connection);
            }
        });
        address
    }
}

type Body = Full<Bytes>;
type Routed = BoxCloneSyncService<Request<Incoming>, Response<BoxBody<Bytes, Infallible>>, Infallible>;

#[derive(Clone)]
struct Router {
    gate: Gate,
}

impl Router {
    async fn route(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let gated = |gate: Gate| AuthenticateLayer::new(gate);
        let guarded = |policy: Policy| AuthorizeLayer::new(policy).layer(tower::service_fn(subject));
        let service: Routed = match request.uri().path() {
            "/" => boxed(gated(self.gate).layer(tower::service_fn(subject))),
            "/optional" => {
                boxed(gated(self.gate.with_optional_token()).layer(tower::service_fn(optional_subject)))
            }
            "/typed" => boxed(gated(self.gate).layer(tower::service_fn(typed))),
            "/scope" => boxed(gated(self.gate).layer(guarded(scope_policy()))),
            "/policy" => boxed(gated(self.gate).layer(guarded(mixed_policy()))),
            "/bare" => {
                let bare = tower::service_fn(async |_| Ok(Response::new(Body::from("bare"))));
                boxed(gated(self.gate).layer(bare))
            }
            "/panic" => boxed(gated(self.gate).layer(tower::service_fn(panics))),
            "/unguarded" => boxed(tower::service_fn(subject)),
            "/open" => boxed(tower::service_fn(async |_| Ok(Response::new(Body::from("open"))))),
            _ => boxed(tower::service_fn(async |_| {
                Ok(Response::builder().status(404).body(Body::default()).unwrap_or_default())
            })),
        };
        service.oneshot(request).await
    }
}

/// Boxes a service and its body, as layers and guards make different ones.
fn boxed<S, B>(service: S) -> Routed
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + Sync + 'static,
{
    BoxCloneSyncService::new(service.map_response(|response: Response<B>| response.map(BodyExt::boxed)))
}

async fn subject(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(answer(admission(&request).and_then(|admission| {
        let token = admission.require()?;
        Ok(token.subject().unwrap_or_default().to_owned())
    })))
}

async fn optional_subject(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(answer(admission(&request).map(|admission| {
        let subject = admission.verified().and_then(|token| token.subject());
        subject.unwrap_or("anonymous").to_owned()
    })))
}

async fn typed(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(answer(admission(&request).and_then(|admission| Ok(admission.claims::<Typed>()?.tenant.to_string()))))
}

async fn panics(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    std::panic::panic_any(super::EXPECTED_PANIC)
}

fn admission(request: &Request<Incoming>) -> Result<&Admission, Rejection> {
    request.extensions().get().ok_or_else(Rejection::missing_gate)
}

fn answer(outcome: Result<String, Rejection>) -> Response<Body> {
    match outcome {
        Ok(body) => Response::new(body.into()),
        Err(rejection) => respond(&rejection),
    }
}
