//! [`GateBody`]: the response body of a service behind a gate, whichever body that service has.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The response body behind [`AuthenticateLayer`](crate::AuthenticateLayer) and
    /// [`AuthorizeLayer`](crate::AuthorizeLayer): the inner service's body `B` with its frames, trailers, size and
    /// errors, or the body of a rejection.
    ///
    /// `B` is any [`Body`] whose data can be made from [`Bytes`], such as `Bytes` itself: a stream, a boxed body,
    /// the body of tonic.
    #[derive(Clone, Debug)]
    pub struct GateBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProjection]
    #[derive(Clone, Debug)]
    enum Content<B> {
        Inner { #[pin] body: B },
        /// `None` when there are no bytes, or no more.
        Rejection { bytes: Option<Bytes> },
    }
}

impl<B> GateBody<B> {
    fn inner(body: B) -> Self {
        Self { content: Content::Inner { body } }
    }
}

impl<B> Body for GateBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().content.project() {
            ContentProjection::Inner { body } => body.poll_frame(context),
            ContentProjection::Rejection { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Rejection { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Rejection { bytes } => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                u64::try_from(length).map_or_else(|_too_long| SizeHint::new(), SizeHint::with_exact)
            }
        }
    }
}

/// The body of a rejection.
impl<B> From<Vec<u8>> for GateBody<B> {
    fn from(bytes: Vec<u8>) -> Self {
        let bytes = (!bytes.is_empty()).then(|| bytes.into());
        Self { content: Content::Rejection { bytes } }
    }
}

/// An empty body, which outer layers such as CORS respond with.
impl<B> Default for GateBody<B> {
    fn default() -> Self {
        Self { content: Content::Rejection { bytes: None } }
    }
}

/// The inner service with a [`GateBody`] as its response body. The layers of this crate wrap services in it.
#[derive(Clone, Debug)]
pub struct GateBodyService<S> {
    inner: S,
}

impl<S> GateBodyService<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, Req, ResBody> Service<Req> for GateBodyService<S>
where
    S: Service<Req, Response = Response<ResBody>>,
{
    type Response = Response<GateBody<ResBody>>;
    type Error = S::Error;
    type Future = GateBodyFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        GateBodyFuture { future: self.inner.call(request) }
    }
}

pin_project! {
    /// The future of [`GateBodyService`].
    pub struct GateBodyFuture<F> {
        #[pin]
        future: F,
    }
}

impl<F, B, E> Future for GateBodyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<GateBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().future.poll(context));
        Poll::Ready(response.map(|response| response.map(GateBody::inner)))
    }
}

impl<F> fmt::Debug for GateBodyFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBodyFuture").finish_non_exhaustive()
    }
}
