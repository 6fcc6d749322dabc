//! The demo page: plain HTML, CSS and JavaScript under a strict content security policy.

use crate::answer::Answer;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn index() -> Answer {
    asset("text/html; charset=utf-8", include_str!("index.html"))
}

/// `GET /demo.js`.
#[must_use]
pub fn script() -> Answer {
    asset("text/javascript; charset=utf-8", include_str!("demo.js"))
}

/// `GET /demo.css`.
#[must_use]
pub fn style() -> Answer {
    asset("text/css; charset=utf-8", include_str!("demo.css"))
}

fn asset(content_type: &'static str, body: &str) -> Answer {
    Answer::of(200, content_type, body.to_owned())
        .with_header("content-security-policy", POLICY)
        .with_header("x-content-type-options", "nosniff")
        .with_header("referrer-policy", "no-referrer")
}
