//! Converts a rejection to a response.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use tollgate::Rejection;
use tollgate::adapter::forbids_shared_caching;

/// Returns the response to a rejected request, with the [`Rejection`] in its extensions.
///
/// ```
/// use http::Response;
/// use tollgate::Rejection;
///
/// fn response(rejection: &Rejection) -> Response<Vec<u8>> {
///     tollgate_tower::respond(rejection)
/// }
/// # let _ = response;
/// ```
pub fn respond<B: From<Vec<u8>>>(rejection: &Rejection) -> Response<B> {
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in rejection.headers() {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            response.headers_mut().insert(name, value);
        }
    }
    let body = rejection.body();
    if let Ok(content_type) = HeaderValue::from_str(body.content_type()) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response.extensions_mut().insert(rejection.clone());
    response.map(|()| body.into_bytes().into())
}

/// Marks a response as one user's, so that shared caches do not store it (RFC 9111 §3.5, RFC 6750 §2.3).
///
/// [`Authenticate`](crate::Authenticate) calls this when
/// [`Admission::is_private`](tollgate::Admission::is_private) returns `true`. The function is public for other
/// adapters on `http` 1.
pub fn mark_private<B>(response: &mut Response<B>) {
    let cache_control = response.headers().get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    if !forbids_shared_caching(cache_control) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
