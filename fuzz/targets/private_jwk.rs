//! Fuzzes the parser of private keys, which an operator may configure as a JWK.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::Algorithm;
use tollgate_sessions::SigningKey;

fuzz_target!(|jwk: &[u8]| {
    for algorithm in Algorithm::ALL {
        if let Ok(key) = SigningKey::from_jwk(algorithm, jwk) {
            key.sign(b"message").expect("a parsed key signs");
            key.verifying_key().expect("a parsed key has a verifying key");
        }
    }
});
