//! [`Authorize`]: a policy for part of an application.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage as _};
use pin_project_lite::pin_project;
use tollgate::{Admission, Policy, Rejection};

use crate::rejection::respond;

/// Requires a [`Policy`] of requests that [`Authenticate`](crate::Authenticate) has admitted. Place it inside
/// that wrapper, around a scope, a resource or a route.
///
/// It rejects an anonymous request with 401, and a token that does not grant enough with 403. Without a gate in
/// front, it responds with 500 and logs an error, so it never admits a request that no gate has checked.
#[derive(Clone, Debug)]
pub struct Authorize {
    policy: Policy,
}

impl Authorize {
    /// Creates a wrapper that requires `policy` of every admitted request.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Authorize
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthorizeService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AuthorizeService { service, policy: self.policy.clone() }))
    }
}

/// The service that [`Authorize`] creates.
#[derive(Debug)]
pub struct AuthorizeService<S> {
    service: S,
    policy: Policy,
}

impl<S, B> Service<ServiceRequest> for AuthorizeService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthorizeFuture<S::Future, B>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let verdict = match request.extensions().get::<Admission>() {
            Some(admission) => admission.authorize_at(&self.policy, Some(request.path())),
            None => Err(Rejection::missing_gate()),
        };
        match verdict {
            Ok(()) => AuthorizeFuture { state: State::Forward { future: self.service.call(request) } },
            Err(rejection) => {
                let (request, _) = request.into_parts();
                let response = respond(&rejection).map_into_right_body();
                let response = Some(ServiceResponse::new(request, response));
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
        Reject { response: Option<ServiceResponse<EitherBody<B>>> },
    }
}

impl<F, B> Future for AuthorizeFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Forward { future } => {
                Poll::Ready(Ok(ready!(future.poll(context))?.map_into_left_body()))
            }
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
