//! Fuzzes the parser of compact tokens, which runs before any verification.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::DEFAULT_MAX_TOKEN_BYTES;
use tollgate::adapter::CompactToken;

fuzz_target!(|token: &str| {
    if CompactToken::parse(token, DEFAULT_MAX_TOKEN_BYTES).is_ok() {
        assert_eq!(token.matches('.').count(), 2);
        assert!(token.len() <= DEFAULT_MAX_TOKEN_BYTES);
    }
});
