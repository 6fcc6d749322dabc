//! The responses of the routes.

use serde_json::{Map, Value, json};
use tollgate::Verified;

use crate::answer::Answer;

/// Responds to `GET /public`.
#[must_use]
pub fn public() -> Answer {
    Answer::text("ok\n")
}

/// Responds to `GET /me` with the token's claims. A claim that is absent in the token is absent in the response.
#[must_use]
pub fn me(token: &Verified) -> Answer {
    let claims: Map<String, Value> = serde_json::from_str(token.payload()).unwrap_or_default();
    let mut me = Map::new();
    for name in ["iss", "sub", "exp", "iat", "nbf", "jti"] {
        if let Some(value) = claims.get(name) {
            me.insert(name.to_owned(), value.clone());
        }
    }
    me.insert("aud".to_owned(), token.audience().collect());
    if let Ok(scopes) = token.scopes() {
        me.insert("scopes".to_owned(), scopes.iter().collect());
    }
    if let Ok(roles) = token.roles() {
        me.insert("roles".to_owned(), roles.collect());
    }
    me.insert("claims".to_owned(), Value::Object(claims));
    Answer::json(200, &Value::Object(me))
}

/// Responds to `GET /whoami` with the subject, or with `"anonymous": true` for a request without a token.
#[must_use]
pub fn who_am_i(token: Option<&Verified>) -> Answer {
    let who = match token {
        Some(token) => json!({"anonymous": false, "sub": token.subject()}),
        None => json!({"anonymous": true}),
    };
    Answer::json(200, &who)
}

/// Responds to `GET /admin` with the subject.
#[must_use]
pub fn admin(token: &Verified) -> Answer {
    Answer::json(200, &json!({"welcome": token.subject()}))
}

/// The size limit of request bodies, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Responds with 413 to a body that cannot be read, or is larger than [`MAX_BODY_BYTES`].
#[must_use]
pub fn body_too_large() -> Answer {
    Answer::problem(413, "Content Too Large", "the body cannot be read, or is larger than 64 KiB")
}

/// Responds with 404 to a path without a route.
#[must_use]
pub fn not_found() -> Answer {
    Answer::problem(404, "Not Found", "no route has this path")
}

/// Responds with 405 to a method that the path does not support.
#[must_use]
pub fn method_not_allowed() -> Answer {
    Answer::problem(405, "Method Not Allowed", "this path does not support this method")
}
