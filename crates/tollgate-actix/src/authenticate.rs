//! [`Authenticate`]: admits every request by the gate, or rejects it.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use tollgate::Gate;
use tollgate::adapter::Decision;

use crate::future::AuthenticateFuture;
use crate::guarded::Guarded;
use crate::request::ActixRequest;

/// Puts a [`Gate`] in front of an application, a scope, a resource or a route. See the [crate docs](crate) for an
/// example.
#[derive(Clone, Debug)]
pub struct Authenticate {
    gate: Gate,
}

impl Authenticate {
    /// Creates a wrapper that passes the requests that `gate` admits to the inner service. Their
    /// [`Admission`](tollgate::Admission) is in the extensions.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Authenticate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthenticateService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AuthenticateService(Rc::new(Guarded { service, gate: self.gate.clone() }))))
    }
}

/// The service that [`Authenticate`] creates, one for each worker.
#[derive(Debug)]
pub struct AuthenticateService<S>(Rc<Guarded<S>>);

impl<S, B> Service<ServiceRequest> for AuthenticateService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthenticateFuture<S, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let gate = &self.0.gate;
        match gate.admit(&ActixRequest::from(&request), gate.now()) {
            Decision::Admitted(admission) => {
                let marks = gate.response_marks(&ActixRequest::from(&request), &admission);
                AuthenticateFuture::forward(self.0.call(request, admission), marks)
            }
            Decision::Rejected(rejection) => {
                AuthenticateFuture::reject(Guarded::<S>::reject(request, &rejection))
            }
            Decision::AwaitKeys(refresh) => {
                AuthenticateFuture::await_keys(Rc::clone(&self.0).call_after_refresh(request, refresh))
            }
        }
    }
}
