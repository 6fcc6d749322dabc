//! Converts a rejection to a response.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, Method, Response, StatusCode};
use tollgate::Rejection;
use tollgate::adapter::{ResponseMarks, forbids_shared_caching};

use crate::grpc;

/// Returns the response to a rejected HTTP request, with the [`Rejection`] in its extensions.
///
/// [`respond_to`] also answers requests of gRPC clients in their protocol.
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

/// Returns the response to a rejected request with this method and these `headers`, with the [`Rejection`] in its
/// extensions.
///
/// If the gate [allows it](tollgate::Gate::with_grpc_rejections), a POST request whose `Content-Type` is one of gRPC
/// or gRPC-Web gets a response of that protocol, see the [crate docs](crate#grpc). All others get what [`respond`]
/// returns. The layers of this crate call this function. Call it in a service that checks more than they do, such as
/// [`Admission::claims`](tollgate::Admission::claims):
///
/// ```
/// use http::{Request, Response};
/// use tollgate::{Admission, RegisteredClaims, Rejection};
///
/// fn greet<B>(request: &Request<B>) -> Result<Response<Vec<u8>>, Rejection> {
///     let admission = request.extensions().get::<Admission>().ok_or_else(Rejection::missing_gate)?;
///     let claims = admission.claims::<RegisteredClaims>()?;
///     Ok(Response::new(format!("hello {:?}", claims.sub).into()))
/// }
///
/// fn respond<B>(request: &Request<B>) -> Response<Vec<u8>> {
///     greet(request).unwrap_or_else(|rejection| {
///         tollgate_tower::respond_to(request.method(), request.headers(), &rejection)
///     })
/// }
/// # let _ = respond::<()>;
/// ```
#[must_use]
pub fn respond_to<B: From<Vec<u8>>>(
    method: &Method,
    headers: &HeaderMap,
    rejection: &Rejection,
) -> Response<B> {
    let may_be_grpc = rejection.allows_grpc() && method == Method::POST;
    match may_be_grpc.then(|| grpc::response_type(headers)).flatten() {
        Some(content_type) => grpc::respond(content_type, rejection),
        None => respond(rejection),
    }
}

/// Adds to the response of an admitted request what `marks` ask for: `Cache-Control: private`, so that shared caches do
/// not store it (RFC 9111 §3.5, RFC 6750 §2.3), and the subprotocol of a WebSocket (RFC 6455 §4.2.2).
///
/// [`Authenticate`](crate::Authenticate) calls this. The function is public for other adapters on `http` 1.
pub fn mark_response<B>(response: &mut Response<B>, marks: &ResponseMarks) {
    let cache_control = response.headers().get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    if marks.is_private() && !forbids_shared_caching(cache_control) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    let protocol = marks.websocket_protocol(response.status().as_u16());
    if let Some(Ok(protocol)) = protocol.map(HeaderValue::from_str) {
        response.headers_mut().entry(SEC_WEBSOCKET_PROTOCOL).or_insert(protocol);
    }
}
