//! The demo page: plain HTML, CSS and JavaScript under a strict content security policy.

use crate::answer::Answer;

/// The page loads nothing from other origins, has no inline scripts or styles, and never parses text as markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The files of the page: path, content type, content.
const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/demo.css", "text/css; charset=utf-8", include_str!("demo.css")),
    ("/demo.js", "text/javascript; charset=utf-8", include_str!("demo.js")),
    ("/session.js", "text/javascript; charset=utf-8", include_str!("session.js")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// Returns the paths of the demo page with their responses.
pub fn page() -> impl Iterator<Item = (&'static str, Answer)> {
    FILES.into_iter().map(|(path, content_type, body)| (path, file(content_type, body)))
}

fn file(content_type: &'static str, body: &str) -> Answer {
    Answer::of(200, content_type, body.to_owned())
        .with_header("cache-control", "no-cache")
        .with_header("content-security-policy", POLICY)
        .with_header("cross-origin-opener-policy", "same-origin")
        .with_header("cross-origin-resource-policy", "same-origin")
        .with_header("x-content-type-options", "nosniff")
        .with_header("referrer-policy", "no-referrer")
}
