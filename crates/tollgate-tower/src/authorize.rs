//! [`AuthorizeLayer`] and [`Authorize`]: a policy for part of an application.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tollgate::adapter::PerThreadArc;
use tollgate::{Admission, Policy, Rejection};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::GateBodyService;
use crate::response::respond_to;

/// Requires a [`Policy`] of requests that [`Authenticate`](crate::Authenticate) has admitted. Place it inside
/// that layer.
///
/// It rejects an anonymous request with 401, and a token that does not grant enough with 403. Without a gate in
/// front, it responds with 500 and logs an error, so it never admits a request that no gate has checked.
///
/// ```
/// use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, Gate, Policy};
/// use tower::ServiceBuilder;
///
/// # fn build(gate: Gate) {
/// let layers = ServiceBuilder::new()
///     .layer(AuthenticateLayer::new(gate))
///     .layer(AuthorizeLayer::new(Policy::scope("read:items")));
/// # let _ = layers; }
/// ```
#[derive(Clone, Debug)]
pub struct AuthorizeLayer {
    policy: PerThreadArc<Policy>,
}

impl AuthorizeLayer {
    /// Creates a layer that requires `policy` of every admitted request.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy: PerThreadArc::new(policy) }
    }

    /// Puts the policy in front of `inner`, whose response body must implement `From<Vec<u8>>`. Responses keep that
    /// body, while those behind [`layer`](Layer::layer) have a [`GateBody`](crate::GateBody).
    ///
    /// The layer of `tollgate-axum` calls this, because axum boxes every body but its own.
    pub fn layer_with_same_body<S>(&self, inner: S) -> Authorize<S> {
        Authorize { inner, policy: self.policy.clone() }
    }
}

/// For services with any response body.
impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<GateBodyService<S>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.layer_with_same_body(GateBodyService::new(inner))
    }
}

/// The service that [`AuthorizeLayer`] creates.
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    inner: S,
    policy: PerThreadArc<Policy>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Vec<u8>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = AuthorizeFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let verdict = match request.extensions().get::<Admission>() {
            Some(admission) => admission.authorize_at(&self.policy, Some(request.uri().path())),
            None => Err(Rejection::missing_gate()),
        };
        match verdict {
            Ok(()) => AuthorizeFuture { state: State::Forward { future: self.inner.call(request) } },
            Err(rejection) => {
                let response = Some(respond_to(request.method(), request.headers(), &rejection));
                AuthorizeFuture { state: State::Reject { response } }
            }
        }
    }
}

pin_project! {
    /// The future of [`Authorize`].
    pub struct AuthorizeFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Forward { #[pin] future: F },
        Reject { response: Option<Response<B>> },
    }
}

impl<F, B, E> Future for AuthorizeFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProjection::Forward { future } => future.poll(context),
            StateProjection::Reject { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending, // polled after completion
            },
        }
    }
}

impl<F, B> fmt::Debug for AuthorizeFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeFuture").finish_non_exhaustive()
    }
}
