//! The request that goes through frameworks: its fields as a client sends them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

pub const PATH: &str = "/hello";
/// What the route answers.
pub const BODY: &str = "hello";

/// The fields of a request with this token, or without one.
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

/// The same for `http` 1.
#[must_use]
pub fn headers(token: Option<&str>) -> HeaderMap {
    let value = |text: String| HeaderValue::from_str(&text).expect("a field value");
    let fields = fields(token).into_iter();
    fields.map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

/// One more request with these fields.
#[must_use]
pub fn request<B: Default>(headers: &HeaderMap, uri: &Uri) -> Request<B> {
    let mut request = Request::new(B::default());
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    request
}
