//! Rejections of gRPC requests: HTTP status 200, and the gRPC status in the header.

use std::time::Duration;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tollgate::Rejection;

/// Returns a rejection as the metadata that ends a gRPC call, for services whose handlers return a status.
///
/// The fields are `grpc-status`, `grpc-message` and, as in a response over HTTP, `www-authenticate`, `retry-after`
/// and `cache-control`. A status 14 also has `grpc-retry-pushback-ms`, which gRPC clients with a retry policy obey.
/// A handler of tonic makes its status from the metadata:
///
/// ```
/// use tollgate_tower::{Admission, RegisteredClaims, Rejection, grpc_metadata};
/// use tonic::{Code, Request, Response, Status};
///
/// async fn greet(request: Request<()>) -> Result<Response<String>, Status> {
///     let admission = request.extensions().get::<Admission>();
///     let admission = admission.ok_or_else(|| status(&Rejection::missing_gate()))?;
///     let claims = admission.claims::<RegisteredClaims>().map_err(|rejection| status(&rejection))?;
///     Ok(Response::new(format!("hello {:?}", claims.sub)))
/// }
///
/// fn status(rejection: &Rejection) -> Status {
///     let status = Status::from_header_map(&grpc_metadata(rejection));
///     status.unwrap_or_else(|| Status::internal("no status"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let status = greet(Request::new(())).await.unwrap_err();
/// assert_eq!((status.code(), status.message()), (Code::Internal, "the server is not set up correctly"));
/// # }
/// ```
#[must_use]
pub fn grpc_metadata(rejection: &Rejection) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    for (name, value) in rejection.headers() {
        insert(&mut metadata, HeaderName::from_static(name), &value);
    }
    metadata.insert(STATUS, HeaderValue::from(status(rejection.status())));
    insert(&mut metadata, MESSAGE, &percent_encode(rejection.detail()));
    if let Some(after) = rejection.retry_after() {
        insert(&mut metadata, PUSHBACK, &milliseconds(after));
    }
    metadata
}

/// Returns a response without body and trailers, as gRPC calls it "Trailers-Only".
pub(crate) fn respond<B: From<Vec<u8>>>(content_type: HeaderValue, rejection: &Rejection) -> Response<B> {
    let mut response = Response::new(Vec::new().into());
    *response.headers_mut() = grpc_metadata(rejection);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.extensions_mut().insert(rejection.clone());
    response
}

/// Returns the content type of the response if the request is one of gRPC or gRPC-Web, and otherwise `None`.
///
/// It is that of the request without parameters, as some clients accept no other message format than their own.
pub(crate) fn response_type(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(CONTENT_TYPE)?;
    let essence = value.as_bytes().split(|byte| *byte == b';').next()?.trim_ascii_end();
    // A content type ignores case (RFC 9110 §8.3.1).
    let protocol = essence.split(|byte| *byte == b'+').next()?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(byte);
    let is_grpc = PROTOCOLS.into_iter().any(|known| protocol.eq_ignore_ascii_case(known.as_bytes()))
        // The rest goes back to the client, so it must be a media type and nothing else (RFC 6838 §4.2).
        && essence.iter().all(is_token);
    if is_grpc { HeaderValue::from_bytes(essence).ok() } else { None }
}

/// The media types of gRPC and gRPC-Web. A message format may follow, such as `+proto`.
const PROTOCOLS: [&str; 3] = ["application/grpc", "application/grpc-web", "application/grpc-web-text"];

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// Maps the status of a rejection to one of gRPC.
const fn status(http: u16) -> u16 {
    const INVALID_ARGUMENT: u16 = 3;
    const PERMISSION_DENIED: u16 = 7;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;

    match http {
        400 => INVALID_ARGUMENT,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        503 => UNAVAILABLE,
        _ => INTERNAL,
    }
}

/// Encodes `text` for `grpc-message`: everything but visible ASCII, spaces, and the percent sign itself.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | ..b' ' | 0x7f.. => encoded += &format!("%{byte:02X}"),
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

fn insert(metadata: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        metadata.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response_to(content_type: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::try_from(content_type).unwrap());
        response_type(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn grpc_requests_are_recognized_by_their_content_type() {
        for (request, response) in [
            ("application/grpc", "application/grpc"),
            ("application/grpc+proto", "application/grpc+proto"),
            ("application/grpc+json; charset=utf-8", "application/grpc+json"),
            ("application/grpc ;x=y", "application/grpc"),
            ("APPLICATION/gRPC", "APPLICATION/gRPC"),
            ("application/grpc-web", "application/grpc-web"),
            ("application/grpc-web+proto", "application/grpc-web+proto"),
            ("application/grpc-web-text", "application/grpc-web-text"),
            ("application/grpc-web-text+proto", "application/grpc-web-text+proto"),
        ] {
            assert_eq!(response_to(request).as_deref(), Some(response), "{request}");
        }
        for other in ["", "application/json", "application/grpcx", "application/grpc-websocket", "text/grpc"]
        {
            assert_eq!(response_to(other), None, "{other}");
        }
        assert_eq!(response_type(&HeaderMap::new()), None);
    }

    #[test]
    fn every_status_of_a_rejection_has_a_status_of_grpc() {
        let pairs = [(400, 3), (401, 16), (403, 7), (500, 13), (503, 14)];
        assert_eq!(pairs.map(|(http, _)| status(http)), pairs.map(|(_, grpc)| grpc));
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encode("100 % of ~ it"), "100 %25 of ~ it");
        assert_eq!(percent_encode("b\u{f6}se\r\n\u{7f}"), "b%C3%B6se%0D%0A%7F");
    }
}
