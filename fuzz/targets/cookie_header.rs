//! Fuzzes the `Cookie` header field, with a token in one cookie and in pieces.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Gate, TokenSource};
use tollgate_fuzz::{Request, gate, refuse};

static WHOLE: LazyLock<Gate> =
    LazyLock::new(|| gate(TokenSource::cookie("__Host-Http-at").expect("a name of a cookie")));
static PIECES: LazyLock<Gate> = LazyLock::new(|| {
    let source = TokenSource::cookie_in_pieces("__Host-Http-at").and_then(TokenSource::with_bearer_prefix);
    gate(source.expect("a name of a cookie"))
});

fuzz_target!(|value: &[u8]| {
    refuse(&WHOLE, &Request { name: "cookie", value });
    refuse(&PIECES, &Request { name: "cookie", value });
});
