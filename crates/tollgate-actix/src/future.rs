//! [`AuthenticateFuture`]: forwards, answers, or waits for keys first. Nothing is boxed unless keys have to be fetched.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use pin_project_lite::pin_project;

use crate::authenticate::Guarded;
use crate::rejection::OnRejection;

type Outcome<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pin_project! {
    /// The future of [`Authenticate`](crate::Authenticate).
    pub struct AuthenticateFuture<S, R, B>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        state: State<S, R, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, B>
    where
        S: Service<ServiceRequest>,
    {
        Forward { #[pin] future: S::Future, guarded: Rc<Guarded<S, R>>, private: bool },
        Reject { response: Option<ServiceResponse<EitherBody<B>>> },
        AwaitKeys { answer: Pin<Box<dyn Future<Output = Outcome<B>>>> },
    }
}

impl<S, R, B> AuthenticateFuture<S, R, B>
where
    S: Service<ServiceRequest>,
{
    pub(crate) fn forward(future: S::Future, guarded: Rc<Guarded<S, R>>, private: bool) -> Self {
        Self { state: State::Forward { future, guarded, private } }
    }

    pub(crate) fn reject(response: ServiceResponse<EitherBody<B>>) -> Self {
        Self { state: State::Reject { response: Some(response) } }
    }

    /// Boxed, so that it does not make the future of every other request larger.
    pub(crate) fn await_keys(answer: impl Future<Output = Outcome<B>> + 'static) -> Self {
        Self { state: State::AwaitKeys { answer: Box::pin(answer) } }
    }
}

impl<S, R, B> Future for AuthenticateFuture<S, R, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    R: OnRejection + Clone + 'static,
    B: MessageBody + 'static,
{
    type Output = Outcome<B>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<B>> {
        match self.project().state.project() {
            StateProjection::Forward { future, guarded, private } => {
                let outcome = ready!(future.poll(context));
                Poll::Ready(guarded.finish(outcome, *private))
            }
            StateProjection::Reject { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending, // polled after completion
            },
            StateProjection::AwaitKeys { answer } => answer.as_mut().poll(context),
        }
    }
}

impl<S, R, B> fmt::Debug for AuthenticateFuture<S, R, B>
where
    S: Service<ServiceRequest>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateFuture").finish_non_exhaustive()
    }
}
