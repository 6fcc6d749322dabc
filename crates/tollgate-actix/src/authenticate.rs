//! [`Authenticate`]: every request is admitted by the gate, or answered here.

use std::future::{Ready, poll_fn, ready};
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpMessage as _};
use tollgate::adapter::Decision;
use tollgate::{Admission, Gate, KeyRefresh, Rejection};

use crate::future::AuthenticateFuture;
use crate::rejection::{OnRejection, ProblemDetails, finish, finish_error, respond};
use crate::request::ActixRequest;

/// Puts a [`Gate`] in front of an application, a scope, a resource or a route. See the [crate docs](crate) for an
/// example.
#[derive(Clone, Debug)]
pub struct Authenticate<R = ProblemDetails> {
    gate: Gate,
    on_rejection: R,
}

impl Authenticate {
    /// Requests get past the wrapper only when `gate` admits them. The [`Admission`] is in their extensions.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate, on_rejection: ProblemDetails }
    }
}

impl<R> Authenticate<R> {
    /// Answers refused requests with another body than problem details. It holds for what this wrapper refuses, and
    /// for what guards and extractors inside it refuse.
    #[must_use]
    pub fn on_rejection<N: OnRejection>(self, on_rejection: N) -> Authenticate<N> {
        Authenticate { gate: self.gate, on_rejection }
    }
}

impl<S, R, B> Transform<S, ServiceRequest> for Authenticate<R>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    R: OnRejection + Clone + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthenticateService<S, R>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let Self { gate, on_rejection } = self.clone();
        ready(Ok(AuthenticateService(Rc::new(Guarded { service, gate, on_rejection }))))
    }
}

/// The service made by [`Authenticate`], one for each worker.
#[derive(Debug)]
pub struct AuthenticateService<S, R = ProblemDetails>(Rc<Guarded<S, R>>);

/// What a request needs until it is answered. Shared, as the inner service can be called after keys were awaited.
#[derive(Debug)]
pub(crate) struct Guarded<S, R> {
    service: S,
    gate: Gate,
    on_rejection: R,
}

impl<S, R, B> Service<ServiceRequest> for AuthenticateService<S, R>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    R: OnRejection + Clone + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthenticateFuture<S, R, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let gate = &self.0.gate;
        match gate.admit(&ActixRequest::from(&request), gate.now()) {
            Decision::Admitted(admission) => {
                let private = admission.is_private();
                AuthenticateFuture::forward(self.0.call(request, admission), Rc::clone(&self.0), private)
            }
            Decision::Refused(rejection) => AuthenticateFuture::reject(self.0.refuse(request, &rejection)),
            Decision::AwaitKeys(refresh) => {
                AuthenticateFuture::await_keys(Rc::clone(&self.0).admit_after_refresh(request, refresh))
            }
        }
    }
}

impl<S, R> Guarded<S, R> {
    /// Header values are not marked as sensitive: changing the head of a request panics as long as an outer wrapper
    /// holds a clone of it. Actix leaves credentials out when it prints an `HttpRequest`.
    fn call(&self, request: ServiceRequest, admission: Admission) -> S::Future
    where
        S: Service<ServiceRequest>,
    {
        request.extensions_mut().insert(admission);
        self.service.call(request)
    }

    /// The payload goes unread.
    fn refuse<B>(&self, request: ServiceRequest, rejection: &Rejection) -> ServiceResponse<EitherBody<B>>
    where
        R: OnRejection,
    {
        let (request, _) = request.into_parts();
        ServiceResponse::new(request, respond(&self.on_rejection, rejection).map_into_right_body())
    }

    /// The keys have been asked for; whatever came of it, the verdict is final then.
    async fn admit_after_refresh<B>(
        self: Rc<Self>,
        request: ServiceRequest,
        refresh: KeyRefresh,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        R: OnRejection + Clone + 'static,
        B: MessageBody + 'static,
    {
        refresh.await;
        match self.gate.admit_after_refresh(&ActixRequest::from(&request), self.gate.now()) {
            Ok(admission) => {
                let private = admission.is_private();
                // It was ready when the request came in, which may be a while ago.
                poll_fn(|context| self.service.poll_ready(context)).await?;
                let outcome = self.call(request, admission).await;
                self.finish(outcome, private)
            }
            Err(rejection) => Ok(self.refuse(request, &rejection)),
        }
    }

    pub(crate) fn finish<B>(
        &self,
        outcome: Result<ServiceResponse<B>, Error>,
        private: bool,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error>
    where
        R: OnRejection + Clone + 'static,
        B: MessageBody + 'static,
    {
        match outcome {
            Ok(response) => Ok(finish(&self.on_rejection, response, private)),
            Err(error) => Err(finish_error(self.on_rejection.clone(), error, private)),
        }
    }
}
