//! [`Decoded`]: an axum extractor on `jsonwebtoken`, as applications write it themselves.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use jsonwebtoken::{DecodingKey, Validation};

use crate::fixtures::User;

/// The decoded claims, as an extractor for handlers.
pub struct Decoded(pub User);

/// The key and the checks to decode with. The router has them as its state.
pub type Keys = Arc<(DecodingKey, Validation)>;

impl FromRequestParts<Keys> for Decoded {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, keys: &Keys) -> Result<Self, StatusCode> {
        let field = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = field.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        let decoded = jsonwebtoken::decode::<User>(token, &keys.0, &keys.1);
        decoded.map(|data| Self(data.claims)).map_err(|_| StatusCode::UNAUTHORIZED)
    }
}
