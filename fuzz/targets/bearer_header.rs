//! Fuzzes the `Authorization` header field.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Gate, TokenSource};
use tollgate_fuzz::{Request, gate, refuse};

static GATE: LazyLock<Gate> = LazyLock::new(|| gate(TokenSource::bearer()));

fuzz_target!(|value: &[u8]| refuse(&GATE, &Request { name: "authorization", value }));
