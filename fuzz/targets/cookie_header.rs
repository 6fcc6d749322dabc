//! Fuzzes the `Cookie` header field.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Gate, TokenSource};
use tollgate_fuzz::{Request, gate, refuse};

static GATE: LazyLock<Gate> =
    LazyLock::new(|| gate(TokenSource::cookie("__Host-Http-at").expect("a name of a cookie")));

fuzz_target!(|value: &[u8]| refuse(&GATE, &Request { name: "cookie", value }));
