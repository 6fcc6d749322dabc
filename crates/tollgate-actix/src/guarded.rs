//! [`Guarded`]: a service behind a gate.

use std::future::poll_fn;
use std::rc::Rc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};
use tollgate::adapter::ResponseMarks;
use tollgate::{Admission, Gate, KeyRefresh, Rejection};

use crate::rejection::{finish, finish_error, respond};
use crate::request::ActixRequest;

/// A service and its gate. It is shared, because a request that waits for keys calls the service after the
/// wrapper has returned.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    pub(crate) service: S,
    pub(crate) gate: Gate,
}

impl<S> Guarded<S> {
    /// Calls the service for an admitted request.
    ///
    /// Header values are not marked as sensitive: changing the head of a request panics while an outer
    /// wrapper holds a clone of it. Actix leaves credentials out when it prints an `HttpRequest`.
    pub(crate) fn call(&self, request: ServiceRequest, admission: Admission) -> S::Future
    where
        S: Service<ServiceRequest>,
    {
        request.extensions_mut().insert(admission);
        self.service.call(request)
    }

    /// Rejects the request, and leaves its payload unread.
    pub(crate) fn reject<B>(
        request: ServiceRequest,
        rejection: &Rejection,
    ) -> ServiceResponse<EitherBody<B>> {
        let (request, _) = request.into_parts();
        ServiceResponse::new(request, respond(rejection).map_into_right_body())
    }

    /// Awaits the refresh, then decides finally, whatever its outcome was.
    pub(crate) async fn call_after_refresh<B>(
        self: Rc<Self>,
        request: ServiceRequest,
        refresh: KeyRefresh,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        refresh.await;
        match self.gate.admit_after_refresh(&ActixRequest::from(&request), self.gate.now()) {
            Ok(admission) => {
                let marks = self.gate.response_marks(&ActixRequest::from(&request), &admission);
                // The service was ready when the request arrived, which may be a while ago.
                poll_fn(|context| self.service.poll_ready(context)).await?;
                Self::finish(self.call(request, admission).await, marks)
            }
            Err(rejection) => Ok(Self::reject(request, &rejection)),
        }
    }

    /// Completes what the service returned for an admitted request.
    pub(crate) fn finish<B>(
        outcome: Result<ServiceResponse<B>, Error>,
        marks: ResponseMarks,
    ) -> Result<ServiceResponse<EitherBody<B>>, Error>
    where
        B: MessageBody + 'static,
    {
        match outcome {
            Ok(response) => Ok(finish(response, &marks)),
            Err(error) => Err(finish_error(error, marks)),
        }
    }
}
