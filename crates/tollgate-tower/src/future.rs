//! [`AuthenticateFuture`]: forwards, rejects, or waits for keys first.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tollgate::adapter::ResponseMarks;
use tollgate::{Gate, KeyRefresh};
use tower_service::Service;

use crate::request::{HttpRequest, insert_admission};
use crate::response::{mark_response, respond_to};

pin_project! {
    /// The future of [`Authenticate`](crate::Authenticate).
    pub struct AuthenticateFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        path: Path<S, ReqBody, S::Response>,
    }
}

pin_project! {
    /// The fast path of most requests. It has no other fields, because its future is moved a few times before
    /// it is polled.
    #[project = PathProjection]
    enum Path<S, ReqBody, Res>
    where
        S: Service<Request<ReqBody>>,
    {
        Direct { #[pin] future: S::Future },
        Slow { slow_path: Pin<Box<SlowPath<S, ReqBody, Res>>> },
    }
}

pin_project! {
    /// The path of all other requests.
    #[project = SlowPathProjection]
    pub(crate) enum SlowPath<S, ReqBody, Res>
    where
        S: Service<Request<ReqBody>>,
    {
        Forward { #[pin] future: S::Future, marks: ResponseMarks },
        Reject { response: Option<Res> },
        AwaitKeys { refresh: KeyRefresh, suspended: Option<Suspended<S, ReqBody>> },
    }
}

/// Boxed, so that it does not make the future of every other request larger.
pub(crate) type BoxedSlowPath<S, ReqBody> =
    Pin<Box<SlowPath<S, ReqBody, <S as Service<Request<ReqBody>>>::Response>>>;

/// A request that waits for keys before the gate can decide.
pub(crate) struct Suspended<S, ReqBody> {
    pub(crate) service: S,
    pub(crate) request: Request<ReqBody>,
    pub(crate) gate: Gate,
}

impl<S, ReqBody> AuthenticateFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    /// Forwards a request whose response needs no change.
    #[inline]
    pub(crate) fn direct(future: S::Future) -> Self {
        Self { path: Path::Direct { future } }
    }

    #[inline]
    pub(crate) fn slow(slow_path: BoxedSlowPath<S, ReqBody>) -> Self {
        Self { path: Path::Slow { slow_path } }
    }
}

impl<S, ReqBody, ResBody> Future for AuthenticateFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Vec<u8>>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().path.project() {
            PathProjection::Direct { future } => future.poll(context),
            PathProjection::Slow { slow_path } => slow_path.as_mut().poll(context),
        }
    }
}

impl<S, ReqBody, ResBody> Future for SlowPath<S, ReqBody, Response<ResBody>>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Vec<u8>>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                SlowPathProjection::Forward { future, marks } => {
                    let mut response = ready!(future.poll(context))?;
                    mark_response(&mut response, marks);
                    return Poll::Ready(Ok(response));
                }
                SlowPathProjection::Reject { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    None => return Poll::Pending, // polled after completion
                },
                SlowPathProjection::AwaitKeys { refresh, suspended } => {
                    ready!(Pin::new(refresh).poll(context));
                    match suspended.take() {
                        Some(suspended) => suspended.resume(),
                        None => return Poll::Pending, // polled after completion
                    }
                }
            };
            self.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> Suspended<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Vec<u8>>,
{
    /// Decides finally, after the refresh has ended with any outcome.
    fn resume(self) -> SlowPath<S, ReqBody, S::Response> {
        let Self { mut service, mut request, gate } = self;
        match gate.admit_after_refresh(&HttpRequest::from(&request), gate.now()) {
            Ok(admission) => {
                let marks = gate.response_marks(&HttpRequest::from(&request), &admission);
                insert_admission(&mut request, admission, &gate);
                SlowPath::Forward { future: service.call(request), marks }
            }
            Err(rejection) => SlowPath::Reject {
                response: Some(respond_to(request.method(), request.headers(), &rejection)),
            },
        }
    }
}

impl<S, ReqBody> fmt::Debug for AuthenticateFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateFuture").finish_non_exhaustive()
    }
}
