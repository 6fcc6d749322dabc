//! [`ResponseFuture`]: forwards, answers, or waits for keys first. Nothing is boxed unless keys have to be fetched.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tollgate::{Gate, KeyRefresh};
use tower_service::Service;

use crate::authenticate::admitted;
use crate::request::HttpRequest;
use crate::response::{OnRejection, finish, respond};

pin_project! {
    /// The future of [`Authenticate`](crate::Authenticate).
    pub struct ResponseFuture<S, R, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, R, ReqBody, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, ReqBody, Res>
    where
        S: Service<Request<ReqBody>>,
    {
        Forward { #[pin] future: S::Future, on_rejection: R, private: bool },
        Reject { response: Option<Res> },
        AwaitKeys { refresh: KeyRefresh, waiting: Option<Box<Waiting<S, R, ReqBody>>> },
    }
}

/// A request whose verdict depends on keys that are being fetched. Boxed, so that it does not make the future of
/// every other request larger.
struct Waiting<S, R, ReqBody> {
    service: S,
    request: Request<ReqBody>,
    gate: Gate,
    on_rejection: R,
}

impl<S, R, ReqBody> ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn forward(future: S::Future, on_rejection: R, private: bool) -> Self {
        Self { state: State::Forward { future, on_rejection, private } }
    }

    pub(crate) fn reject(response: S::Response) -> Self {
        Self { state: State::Reject { response: Some(response) } }
    }

    pub(crate) fn await_keys(
        refresh: KeyRefresh,
        service: S,
        request: Request<ReqBody>,
        gate: Gate,
        on_rejection: R,
    ) -> Self {
        let waiting = Some(Box::new(Waiting { service, request, gate, on_rejection }));
        Self { state: State::AwaitKeys { refresh, waiting } }
    }
}

impl<S, R, ReqBody, ResBody> Future for ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: OnRejection<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Forward { future, on_rejection, private } => {
                    let response = ready!(future.poll(context))?;
                    return Poll::Ready(Ok(finish(on_rejection, response, *private)));
                }
                StateProjection::Reject { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    None => return Poll::Pending, // polled after completion
                },
                StateProjection::AwaitKeys { refresh, waiting } => {
                    ready!(Pin::new(refresh).poll(context));
                    match waiting.take() {
                        Some(waiting) => waiting.readmit(),
                        None => return Poll::Pending, // polled after completion
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, R, ReqBody, ResBody> Waiting<S, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: OnRejection<ResBody>,
{
    /// The keys have been asked for; whatever came of it, the verdict is final now.
    fn readmit(self) -> State<S, R, ReqBody, S::Response> {
        let Self { mut service, mut request, gate, on_rejection } = self;
        match gate.readmit(&HttpRequest::from(&request), gate.now()) {
            Ok(admission) => {
                let private = admission.is_private();
                admitted(&mut request, admission, &gate);
                State::Forward { future: service.call(request), on_rejection, private }
            }
            Err(rejection) => State::Reject { response: Some(respond(&on_rejection, &rejection)) },
        }
    }
}

impl<S, R, ReqBody> fmt::Debug for ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
