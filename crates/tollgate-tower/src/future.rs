//! [`ResponseFuture`]: forwards, answers, or waits for keys first.

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
        way: Way<S, R, ReqBody, S::Response>,
    }
}

pin_project! {
    /// Most requests take the direct one, so nothing is beside its future, which is moved a few times before it is polled.
    #[project = WayProjection]
    enum Way<S, R, ReqBody, Res>
    where
        S: Service<Request<ReqBody>>,
    {
        Direct { #[pin] future: S::Future },
        Detour { detour: Pin<Box<Detour<S, R, ReqBody, Res>>> },
    }
}

pin_project! {
    /// What becomes of all other requests.
    #[project = DetourProjection]
    pub(crate) enum Detour<S, R, ReqBody, Res>
    where
        S: Service<Request<ReqBody>>,
    {
        Finish { #[pin] future: S::Future, on_rejection: R, private: bool },
        Reject { response: Option<Res> },
        AwaitKeys { refresh: KeyRefresh, waiting: Option<Waiting<S, R, ReqBody>> },
    }
}

/// Boxed, so that it does not make the future of every other request larger.
pub(crate) type BoxedDetour<S, R, ReqBody> =
    Pin<Box<Detour<S, R, ReqBody, <S as Service<Request<ReqBody>>>::Response>>>;

/// A request whose verdict depends on keys that are being fetched.
pub(crate) struct Waiting<S, R, ReqBody> {
    pub(crate) service: S,
    pub(crate) request: Request<ReqBody>,
    pub(crate) gate: Gate,
    pub(crate) on_rejection: R,
}

impl<S, R, ReqBody> ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    /// Its response goes out as it is.
    #[inline]
    pub(crate) fn direct(future: S::Future) -> Self {
        Self { way: Way::Direct { future } }
    }

    #[inline]
    pub(crate) fn detour(detour: BoxedDetour<S, R, ReqBody>) -> Self {
        Self { way: Way::Detour { detour } }
    }
}

impl<S, R, ReqBody, ResBody> Future for ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: OnRejection<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::Direct { future } => future.poll(context),
            WayProjection::Detour { detour } => detour.as_mut().poll(context),
        }
    }
}

impl<S, R, ReqBody, ResBody> Future for Detour<S, R, ReqBody, Response<ResBody>>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: OnRejection<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                DetourProjection::Finish { future, on_rejection, private } => {
                    let response = ready!(future.poll(context))?;
                    return Poll::Ready(Ok(finish(on_rejection, response, *private)));
                }
                DetourProjection::Reject { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    None => return Poll::Pending, // polled after completion
                },
                DetourProjection::AwaitKeys { refresh, waiting } => {
                    ready!(Pin::new(refresh).poll(context));
                    match waiting.take() {
                        Some(waiting) => waiting.admit_after_refresh(),
                        None => return Poll::Pending, // polled after completion
                    }
                }
            };
            self.set(next);
        }
    }
}

impl<S, R, ReqBody, ResBody> Waiting<S, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: OnRejection<ResBody>,
{
    /// The keys have been asked for; whatever came of it, the verdict is final now.
    fn admit_after_refresh(self) -> Detour<S, R, ReqBody, S::Response> {
        let Self { mut service, mut request, gate, on_rejection } = self;
        match gate.admit_after_refresh(&HttpRequest::from(&request), gate.now()) {
            Ok(admission) => {
                let private = admission.is_private();
                admitted(&mut request, admission, &gate);
                Detour::Finish { future: service.call(request), on_rejection, private }
            }
            Err(rejection) => Detour::Reject { response: Some(respond(&on_rejection, &rejection)) },
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
