//! [`AuthenticateLayer`] and [`Authenticate`]: admits every request by the gate, or rejects it.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use tollgate::adapter::Decision;
use tollgate::{Admission, Gate, KeyRefresh, Rejection};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::GateBodyService;
use crate::future::{AuthenticateFuture, BoxedSlowPath, SlowPath, Suspended};
use crate::request::{HttpRequest, insert_admission};
use crate::response::respond_to;

/// Puts a [`Gate`] in front of a service. See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    gate: Gate,
}

impl AuthenticateLayer {
    /// Creates a layer that passes the requests that `gate` admits to the inner service. Their
    /// [`Admission`](tollgate::Admission) is in the extensions.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }

    /// Puts the gate in front of `inner`, whose response body must implement `From<Vec<u8>>`. Responses keep that
    /// body, while those behind [`layer`](Layer::layer) have a [`GateBody`](crate::GateBody).
    ///
    /// The layer of `tollgate-axum` calls this, because axum boxes every body but its own.
    pub fn layer_with_same_body<S>(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, gate: self.gate.clone() }
    }
}

/// For services with any response body.
impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<GateBodyService<S>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.layer_with_same_body(GateBodyService::new(inner))
    }
}

/// The service that [`AuthenticateLayer`] creates.
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    inner: S,
    gate: Gate,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authenticate<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Vec<u8>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = AuthenticateFuture<S, ReqBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let slow_path = match self.gate.admit(&HttpRequest::from(&request), self.gate.now()) {
            Decision::Admitted(admission) => {
                if admission.is_private() {
                    self.call_and_mark(request, admission)
                } else {
                    insert_admission(&mut request, admission, &self.gate);
                    return AuthenticateFuture::direct(self.inner.call(request));
                }
            }
            Decision::Rejected(rejection) => Self::reject(&request, &rejection),
            Decision::AwaitKeys(refresh) => self.await_keys(refresh, request),
        };
        AuthenticateFuture::slow(slow_path)
    }
}

/// Not inlined, so that the caller constructs a direct future in place.
impl<S> Authenticate<S> {
    #[inline(never)]
    fn call_and_mark<ReqBody>(
        &mut self,
        mut request: Request<ReqBody>,
        admission: Admission,
    ) -> BoxedSlowPath<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        let marks = self.gate.response_marks(&HttpRequest::from(&request), &admission);
        insert_admission(&mut request, admission, &self.gate);
        Box::pin(SlowPath::Forward { future: self.inner.call(request), marks })
    }

    #[inline(never)]
    fn reject<ReqBody, ResBody>(
        request: &Request<ReqBody>,
        rejection: &Rejection,
    ) -> BoxedSlowPath<S, ReqBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: From<Vec<u8>>,
    {
        Box::pin(SlowPath::Reject {
            response: Some(respond_to(request.method(), request.headers(), rejection)),
        })
    }

    /// Suspends the request. The instance that was polled ready must be called, so it is moved into the future,
    /// and a clone stays.
    #[inline(never)]
    fn await_keys<ReqBody>(
        &mut self,
        refresh: KeyRefresh,
        request: Request<ReqBody>,
    ) -> BoxedSlowPath<S, ReqBody>
    where
        S: Service<Request<ReqBody>> + Clone,
    {
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let suspended = Some(Suspended { service, request, gate: self.gate.clone() });
        Box::pin(SlowPath::AwaitKeys { refresh, suspended })
    }
}
