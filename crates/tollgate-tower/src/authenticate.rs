//! [`AuthenticateLayer`] and [`Authenticate`]: every request is admitted by the gate, or answered here.

use std::mem;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tollgate::adapter::Decision;
use tollgate::{Admission, Gate, KeyRefresh, Rejection};
use tower_layer::Layer;
use tower_service::Service;

use crate::future::{BoxedDetour, Detour, ResponseFuture, Waiting};
use crate::request::HttpRequest;
use crate::response::{OnRejection, ProblemDetails, respond};

/// Puts a [`Gate`] in front of a service. See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct AuthenticateLayer<R = ProblemDetails> {
    gate: Gate,
    on_rejection: R,
}

impl AuthenticateLayer {
    /// Requests reach the inner service only when `gate` admits them. The [`Admission`] is in their extensions.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate, on_rejection: ProblemDetails }
    }
}

impl<R> AuthenticateLayer<R> {
    /// Answers refused requests with another body than problem details. It holds for what this layer refuses, and
    /// for what guards and extractors inside it refuse.
    #[must_use]
    pub fn on_rejection<N>(self, on_rejection: N) -> AuthenticateLayer<N> {
        AuthenticateLayer { gate: self.gate, on_rejection }
    }
}

impl<S, R: Clone> Layer<S> for AuthenticateLayer<R> {
    type Service = Authenticate<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticate { inner, gate: self.gate.clone(), on_rejection: self.on_rejection.clone() }
    }
}

/// The service made by [`AuthenticateLayer`].
#[derive(Clone, Debug)]
pub struct Authenticate<S, R = ProblemDetails> {
    inner: S,
    gate: Gate,
    on_rejection: R,
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for Authenticate<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    R: OnRejection<ResBody> + Clone,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, R, ReqBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let detour = match self.gate.admit(&HttpRequest::from(&request), self.gate.now()) {
            Decision::Admitted(admission) => {
                let private = admission.is_private();
                admitted(&mut request, admission, &self.gate);
                if !private && !self.on_rejection.replaces_default() {
                    return ResponseFuture::direct(self.inner.call(request));
                }
                self.finish(request, private)
            }
            Decision::Refused(rejection) => self.reject(&rejection),
            Decision::AwaitKeys(refresh) => self.await_keys(refresh, request),
        };
        ResponseFuture::detour(detour)
    }
}

/// Not inlined, so that a direct future is made where it is returned.
impl<S, R: Clone> Authenticate<S, R> {
    #[inline(never)]
    fn finish<ReqBody>(&mut self, request: Request<ReqBody>, private: bool) -> BoxedDetour<S, R, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        let (future, on_rejection) = (self.inner.call(request), self.on_rejection.clone());
        Box::pin(Detour::Finish { future, on_rejection, private })
    }

    #[inline(never)]
    fn reject<ReqBody, ResBody>(&self, rejection: &Rejection) -> BoxedDetour<S, R, ReqBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        R: OnRejection<ResBody>,
    {
        Box::pin(Detour::Reject { response: Some(respond(&self.on_rejection, rejection)) })
    }

    /// The instance that was polled ready is the one to call, so it goes and a clone stays.
    #[inline(never)]
    fn await_keys<ReqBody>(
        &mut self,
        refresh: KeyRefresh,
        request: Request<ReqBody>,
    ) -> BoxedDetour<S, R, ReqBody>
    where
        S: Service<Request<ReqBody>> + Clone,
    {
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let (gate, on_rejection) = (self.gate.clone(), self.on_rejection.clone());
        let waiting = Some(Waiting { service, request, gate, on_rejection });
        Box::pin(Detour::AwaitKeys { refresh, waiting })
    }
}

/// Makes the request what the inner service gets.
pub(crate) fn admitted<B>(request: &mut Request<B>, admission: Admission, gate: &Gate) {
    mark_sensitive(request.headers_mut(), gate);
    request.extensions_mut().insert(admission);
}

/// Credentials are not printed when an inner service logs its request: every line of every field that may hold one.
fn mark_sensitive(headers: &mut HeaderMap, gate: &Gate) {
    for (name, value) in headers.iter_mut() {
        if gate.is_credential_header(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}
