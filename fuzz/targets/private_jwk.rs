//! A private key as somebody's configuration has it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::Algorithm;
use tollgate_sessions::SigningKey;

fuzz_target!(|jwk: &[u8]| {
    for algorithm in Algorithm::ALL {
        if let Ok(key) = SigningKey::from_jwk(algorithm, jwk) {
            key.sign(b"message").expect("a key that was read signs");
            key.verifying_key().expect("and verifies");
        }
    }
});
