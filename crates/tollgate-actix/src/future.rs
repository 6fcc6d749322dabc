//! [`AuthenticateFuture`]: forwards, rejects, or waits for keys first. It allocates only when it has to wait
//! for keys.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use pin_project_lite::pin_project;
use tollgate::adapter::ResponseMarks;

use crate::guarded::Guarded;

type Outcome<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pin_project! {
    /// The future of [`Authenticate`](crate::Authenticate).
    pub struct AuthenticateFuture<S, B>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<ServiceRequest>,
    {
        Forward { #[pin] future: S::Future, marks: ResponseMarks },
        Reject { response: Option<ServiceResponse<EitherBody<B>>> },
        AwaitKeys { answer: Pin<Box<dyn Future<Output = Outcome<B>>>> },
    }
}

impl<S, B> AuthenticateFuture<S, B>
where
    S: Service<ServiceRequest>,
{
    pub(crate) fn forward(future: S::Future, marks: ResponseMarks) -> Self {
        Self { state: State::Forward { future, marks } }
    }

    pub(crate) fn reject(response: ServiceResponse<EitherBody<B>>) -> Self {
        Self { state: State::Reject { response: Some(response) } }
    }

    /// Boxed, so that it does not make the future of every other request larger.
    pub(crate) fn await_keys(answer: impl Future<Output = Outcome<B>> + 'static) -> Self {
        Self { state: State::AwaitKeys { answer: Box::pin(answer) } }
    }
}

impl<S, B> Future for AuthenticateFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Output = Outcome<B>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<B>> {
        match self.project().state.project() {
            StateProjection::Forward { future, marks } => {
                let outcome = ready!(future.poll(context));
                Poll::Ready(Guarded::<S>::finish(outcome, mem::take(marks)))
            }
            StateProjection::Reject { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending, // polled after completion
            },
            StateProjection::AwaitKeys { answer } => answer.as_mut().poll(context),
        }
    }
}

impl<S, B> fmt::Debug for AuthenticateFuture<S, B>
where
    S: Service<ServiceRequest>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateFuture").finish_non_exhaustive()
    }
}
