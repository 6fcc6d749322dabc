//! Fuzzes the check of an anti-CSRF token and the session that a client presents it for.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tollgate::CsrfVerifier as _;
use tollgate_sessions::{CookieSettings, RefreshKey, RefreshKeys, Sessions};
use tollgate_sessions::sessions::tokens::SessionCsrfVerifier;
use tollgate_sessions::store::MemoryStore;

static TOKENS: LazyLock<SessionCsrfVerifier> = LazyLock::new(|| {
    let secret = "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
    let keys = RefreshKeys::new(RefreshKey::new(1, secret).expect("a strong secret"));
    CookieSettings::default().csrf_verifier(&Sessions::new(MemoryStore::new(), keys, Duration::from_secs(600)))
});

fuzz_target!(|input: (&[u8], &str)| {
    let (token, session) = input;
    assert!(!TOKENS.is_genuine(token, session), "forged without the key");
    assert!(!TOKENS.is_genuine(token, "0190163d-8694-739b-aea5-966c26f8ad91"));
});
