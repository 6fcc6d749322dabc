//! A refresh token that was presented.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate_sessions::{RefreshKey, RefreshKeys, RefreshToken};

static KEYS: LazyLock<RefreshKeys> = LazyLock::new(|| {
    let secret = "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
    RefreshKeys::new(RefreshKey::new(1, secret).expect("a strong secret"))
});

fuzz_target!(|text: &str| {
    if let Ok(token) = text.parse::<RefreshToken>() {
        assert_eq!(token.expose(), text, "a token has one spelling");
        assert!(!KEYS.verify(&token), "who has not the key makes none");
        assert!(KEYS.verify(&KEYS.successor(&token, token.generation())));
    }
});
