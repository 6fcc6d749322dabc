//! Fuzzes the parser of refresh tokens, and their verification.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate_sessions::{RefreshKey, RefreshKeys};
use tollgate_sessions::sessions::tokens::RefreshToken;

static KEYS: LazyLock<RefreshKeys> = LazyLock::new(|| {
    let secret = "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
    RefreshKeys::new(RefreshKey::new(1, secret).expect("a strong secret"))
});

fuzz_target!(|text: &str| {
    if let Ok(token) = text.parse::<RefreshToken>() {
        assert_eq!(token.expose(), text, "a token has exactly one text form");
        assert!(!KEYS.verify(&token), "forged without the key");
        assert!(KEYS.verify(&KEYS.successor(&token, token.generation())));
    }
});
