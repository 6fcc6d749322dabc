//! The request that all frameworks get, with the header fields of a typical client.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

pub const PATH: &str = "/hello";
/// The body of the route's response.
pub const BODY: &str = "hello";

/// Returns the header fields of a request, with or without a token.
#[must_use]
pub fn fields(token: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("host", "api.example".to_owned()),
        ("user-agent", "benchmark/1.0".to_owned()),
        ("accept", "*/*".to_owned()),
    ];
    fields.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
    fields
}

/// Returns the same fields as a `HeaderMap` of `http` 1.
#[must_use]
pub fn headers(token: Option<&str>) -> HeaderMap {
    let value = |text: String| HeaderValue::from_str(&text).expect("a field value");
    let fields = fields(token).into_iter();
    fields.map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

/// Creates a request with these header fields.
#[must_use]
pub fn request<B: Default>(headers: &HeaderMap, uri: &Uri) -> Request<B> {
    let mut request = Request::new(B::default());
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    request
}
