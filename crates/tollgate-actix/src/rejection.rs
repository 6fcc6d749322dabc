//! Converts a rejection to a response.

use std::fmt;
use std::ops::Deref;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError};
use tollgate::adapter::{ResponseMarks, forbids_shared_caching};

/// The response to a request that is not admitted: a [`tollgate::Rejection`] that actix can send.
///
/// Return it from handlers with `?`. [`Gate::with_rejection_body`](tollgate::Gate::with_rejection_body)
/// replaces the body for the whole application.
#[derive(Clone, Debug)]
pub struct Rejection(tollgate::Rejection);

impl Rejection {
    /// Returns the rejection of the core.
    #[must_use]
    pub fn into_inner(self) -> tollgate::Rejection {
        self.0
    }
}

impl From<tollgate::Rejection> for Rejection {
    fn from(rejection: tollgate::Rejection) -> Self {
        Self(rejection)
    }
}

impl Deref for Rejection {
    type Target = tollgate::Rejection;

    fn deref(&self) -> &tollgate::Rejection {
        &self.0
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        respond(&self.0)
    }
}

impl Responder for Rejection {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

/// The rejection of an extractor, stored in the extensions of its request. `Option<Claims<T>>` turns every
/// error of an extractor into `None`. The wrapper finds the rejection here after the handler has run.
struct Overlooked(tollgate::Rejection);

/// Makes the wrapper respond with `rejection`, even when the handler ignores the extractor's error.
pub(crate) fn remember(request: &HttpRequest, rejection: &tollgate::Rejection) {
    request.extensions_mut().insert(Overlooked(rejection.clone()));
}

/// Returns the response to `rejection`, with the rejection in its extensions.
pub(crate) fn respond(rejection: &tollgate::Rejection) -> HttpResponse {
    let mut response = HttpResponse::new(status(rejection));
    for (name, value) in rejection.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(&*value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let body = rejection.body();
    if let Ok(content_type) = HeaderValue::from_str(body.content_type()) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response.extensions_mut().insert(rejection.clone());
    response.set_body(BoxBody::new(body.into_bytes()))
}

fn status(rejection: &tollgate::Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Completes the response to an admitted request. It replaces the response if an extractor has rejected the
/// request, and marks it.
pub(crate) fn finish<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    marks: &ResponseMarks,
) -> ServiceResponse<EitherBody<B>> {
    let (request, response) = response.into_parts();
    let overlooked = request.extensions_mut().remove::<Overlooked>();
    let mut response = match overlooked {
        Some(Overlooked(rejection)) if !is_rejection(&response) => respond(&rejection).map_into_right_body(),
        _ => response.map_into_left_body(),
    };
    let status = response.status();
    mark(response.headers_mut(), status, marks);
    ServiceResponse::new(request, response)
}

/// Completes an error, which inner wrappers may return in place of a response. An outer service turns it into
/// the response.
pub(crate) fn finish_error(mut error: Error, marks: ResponseMarks) -> Error {
    if marks.is_private() {
        error.add_response_mapper(move |mut response| {
            let status = response.status();
            mark(response.headers_mut(), status, &marks);
            response
        });
    }
    error
}

fn is_rejection<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().contains::<tollgate::Rejection>()
}

/// Adds what `marks` ask for: `Cache-Control: private`, so that shared caches do not store the response (RFC 9111 §3.5,
/// RFC 6750 §2.3), and the subprotocol of a WebSocket (RFC 6455 §4.2.2).
fn mark(headers: &mut HeaderMap, status: StatusCode, marks: &ResponseMarks) {
    let cache_control = headers.get_all(CACHE_CONTROL).map(HeaderValue::as_bytes);
    if marks.is_private() && !forbids_shared_caching(cache_control) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    let protocol = marks.websocket_protocol(status.as_u16());
    if let Some(Ok(protocol)) = protocol.map(HeaderValue::from_str)
        && !headers.contains_key(SEC_WEBSOCKET_PROTOCOL)
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
}
