//! From a rejection to a response.

use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Extensions, Response, StatusCode};
use tollgate::Rejection;
use tollgate::adapter::forbids_shared_caching;

/// Makes the response to a request that was not admitted.
///
/// It is given the rejection and a response without a body; what is left is the body and its content type. Status,
/// challenge, `Cache-Control` and `Retry-After` are those of the rejection, whatever it returns. Implemented by
/// [`ProblemDetails`], the default, and by closures:
///
/// ```
/// use http::Response;
/// use tollgate::adapter::forbids_shared_caching;
/// use tollgate::Rejection;
/// # use tollgate_tower::OnRejection;
///
/// fn terse(rejection: &Rejection, mut response: Response<()>) -> Response<String> {
///     response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain"));
///     response.map(|()| format!("no entry ({})\n", rejection.status()))
/// }
/// # fn assert_is<T: OnRejection<String>>(_: T) {}
/// # assert_is(terse);
/// ```
///
/// # Security
/// Do not tell the client why a token was refused: it helps nobody but an attacker. The reason is in the log.
pub trait OnRejection<B> {
    /// The response to answer with.
    fn respond(&self, rejection: &Rejection, response: Response<()>) -> Response<B>;

    /// Whether it makes other responses than [`ProblemDetails`], which guards and extractors inside have made already.
    #[doc(hidden)]
    fn replaces_default(&self) -> bool {
        true
    }
}

impl<B, F: Fn(&Rejection, Response<()>) -> Response<B>> OnRejection<B> for F {
    fn respond(&self, rejection: &Rejection, response: Response<()>) -> Response<B> {
        self(rejection, response)
    }
}

/// Answers with a body of RFC 9457 problem details.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemDetails;

impl<B: From<String>> OnRejection<B> for ProblemDetails {
    fn respond(&self, rejection: &Rejection, mut response: Response<()>) -> Response<B> {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Rejection::CONTENT_TYPE));
        response.extensions_mut().insert(DefaultBody);
        response.map(|()| rejection.body().into())
    }

    fn replaces_default(&self) -> bool {
        false
    }
}

/// Marks a rejection whose body is the default one, so that an outer layer with another idea of bodies can replace
/// it. That way, what an application says once holds for layers, guards and extractors alike.
#[derive(Clone, Copy, Debug)]
struct DefaultBody;

/// The response to `rejection`, with the rejection in its extensions.
pub fn respond<B, R: OnRejection<B>>(on_rejection: &R, rejection: &Rejection) -> Response<B> {
    render(on_rejection, rejection, Response::new(()))
}

fn render<B, R: OnRejection<B>>(
    on_rejection: &R,
    rejection: &Rejection,
    mut response: Response<()>,
) -> Response<B> {
    stamp(&mut response, rejection);
    let mut response = on_rejection.respond(rejection, response);
    // Once more, in case another response came back: an idea of a body must not turn a refusal into something else.
    stamp(&mut response, rejection);
    response
}

/// What holds for the answer to `rejection` whatever its body is.
fn stamp<B>(response: &mut Response<B>, rejection: &Rejection) {
    *response.status_mut() =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in rejection.headers() {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(rejection.clone());
}

/// What still has to be done to a response on its way out.
pub(crate) fn finish<B, R: OnRejection<B>>(
    on_rejection: &R,
    mut response: Response<B>,
    private: bool,
) -> Response<B> {
    if on_rejection.replaces_default()
        && let Some(rejection) = take_default(response.extensions_mut())
    {
        // What was said of the old body, by a compression layer in between for example, is not true of the new one.
        for field in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH] {
            response.headers_mut().remove(field);
        }
        response = render(on_rejection, &rejection, response.map(drop));
    }
    if private {
        mark_private(&mut response);
    }
    response
}

fn take_default(extensions: &mut Extensions) -> Option<Rejection> {
    extensions.remove::<DefaultBody>()?;
    extensions.get::<Rejection>().cloned()
}

/// The response is one user's, and must not end up in a shared cache (RFC 9111 §3.5, RFC 6750 §2.3).
fn mark_private<B>(response: &mut Response<B>) {
    let cache_control = response.headers().get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    if !forbids_shared_caching(cache_control) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
