//! From a rejection to a response.

use std::fmt;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError};

/// The answer to a request that is not admitted: a [`tollgate::Rejection`] that actix can send.
///
/// Return it from handlers with `?`. The body can be replaced for the whole application with
/// [`Authenticate::on_rejection`](crate::Authenticate::on_rejection).
#[derive(Clone, Debug)]
pub struct Rejection(tollgate::Rejection);

impl Rejection {
    /// The rejection as the core made it.
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

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        respond(&ProblemDetails, &self.0)
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

/// Makes the response to a request that was not admitted.
///
/// It is given the rejection and a response without a body; what is left is the body and its content type. Status,
/// challenge, `Cache-Control` and `Retry-After` are those of the rejection, whatever it returns. Implemented by
/// [`ProblemDetails`], the default, and by closures:
///
/// ```
/// use actix_web::HttpResponse;
/// use tollgate_actix::core::Rejection;
/// # use tollgate_actix::OnRejection;
///
/// fn terse(rejection: &Rejection, response: HttpResponse<()>) -> HttpResponse {
///     response.set_body(format!("no entry ({})\n", rejection.status())).map_into_boxed_body()
/// }
/// # fn assert_is<T: OnRejection>(_: T) {}
/// # assert_is(terse);
/// ```
///
/// # Security
/// Do not tell the client why a token was refused: it helps nobody but an attacker. The reason is in the log.
pub trait OnRejection {
    /// The response to answer with.
    fn respond(&self, rejection: &tollgate::Rejection, response: HttpResponse<()>) -> HttpResponse;
}

impl<F: Fn(&tollgate::Rejection, HttpResponse<()>) -> HttpResponse> OnRejection for F {
    fn respond(&self, rejection: &tollgate::Rejection, response: HttpResponse<()>) -> HttpResponse {
        self(rejection, response)
    }
}

/// Answers with a body of RFC 9457 problem details.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemDetails;

impl OnRejection for ProblemDetails {
    fn respond(&self, rejection: &tollgate::Rejection, mut response: HttpResponse<()>) -> HttpResponse {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(tollgate::Rejection::CONTENT_TYPE));
        response.extensions_mut().insert(DefaultBody);
        response.set_body(BoxBody::new(rejection.body()))
    }
}

/// Marks a rejection whose body is the default one, so that an outer wrapper with another idea of bodies can replace
/// it. That way, what an application says once holds for wrappers, guards and extractors alike.
struct DefaultBody;

/// Left in the extensions of a request by an extractor that refused a token. `Option<Claims<T>>` turns every error of
/// an extractor into `None`; here it is found again on the way out.
struct Overlooked(tollgate::Rejection);

/// Makes sure that `rejection` is answered with, whatever becomes of the extractor's error.
pub(crate) fn remember(request: &HttpRequest, rejection: &tollgate::Rejection) {
    request.extensions_mut().insert(Overlooked(rejection.clone()));
}

/// The response to `rejection`, with the rejection in its extensions.
pub(crate) fn respond<R: OnRejection>(on_rejection: &R, rejection: &tollgate::Rejection) -> HttpResponse {
    render(on_rejection, rejection, HttpResponse::new(status(rejection)).drop_body())
}

fn render<R: OnRejection>(
    on_rejection: &R,
    rejection: &tollgate::Rejection,
    mut response: HttpResponse<()>,
) -> HttpResponse {
    stamp(&mut response, rejection);
    let mut response = on_rejection.respond(rejection, response);
    // Once more, in case another response came back: an idea of a body must not turn a refusal into something else.
    stamp(&mut response, rejection);
    response
}

/// What holds for the answer to `rejection` whatever its body is.
fn stamp<B>(response: &mut HttpResponse<B>, rejection: &tollgate::Rejection) {
    *response.status_mut() = status(rejection);
    for (name, value) in rejection.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(&*value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(rejection.clone());
}

fn status(rejection: &tollgate::Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What still has to be done to a response on its way out.
pub(crate) fn finish<B: MessageBody + 'static, R: OnRejection>(
    on_rejection: &R,
    response: ServiceResponse<B>,
    private: bool,
) -> ServiceResponse<EitherBody<B>> {
    let (request, response) = response.into_parts();
    let overlooked = request.extensions_mut().remove::<Overlooked>();
    let mut response = match overlooked {
        Some(Overlooked(rejection)) if !is_rejection(&response) => {
            respond(on_rejection, &rejection).map_into_right_body()
        }
        _ => replace_default(on_rejection, response),
    };
    if private {
        mark_private(response.headers_mut());
    }
    ServiceResponse::new(request, response)
}

/// The same for an error: inner wrappers may return one in place of a response, which is made of it further out.
pub(crate) fn finish_error<R: OnRejection + 'static>(
    on_rejection: R,
    mut error: Error,
    private: bool,
) -> Error {
    error.add_response_mapper(move |response| {
        let mut response = replace_default(&on_rejection, response).map_into_boxed_body();
        if private {
            mark_private(response.headers_mut());
        }
        response
    });
    error
}

fn is_rejection<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().contains::<tollgate::Rejection>()
}

fn replace_default<B, R: OnRejection>(
    on_rejection: &R,
    mut response: HttpResponse<B>,
) -> HttpResponse<EitherBody<B>> {
    let Some(rejection) = take_default(&mut response) else { return response.map_into_left_body() };
    // What was said of the old body, by an inner wrapper for example, is not true of the new one.
    for field in [CONTENT_TYPE, CONTENT_ENCODING] {
        response.headers_mut().remove(field);
    }
    render(on_rejection, &rejection, response.drop_body()).map_into_right_body()
}

fn take_default<B>(response: &mut HttpResponse<B>) -> Option<tollgate::Rejection> {
    let mut extensions = response.extensions_mut();
    extensions.remove::<DefaultBody>()?;
    extensions.get::<tollgate::Rejection>().cloned()
}

/// The response is one user's, and must not end up in a shared cache (RFC 9111 §3.5, RFC 6750 §2.3).
fn mark_private(headers: &mut HeaderMap) {
    let cache_control = headers.get_all(CACHE_CONTROL).map(HeaderValue::as_bytes);
    if !tollgate::adapter::forbids_shared_caching(cache_control) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
