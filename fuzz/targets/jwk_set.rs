//! Fuzzes the parser of key sets that an issuer publishes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::KeySet;

fuzz_target!(|document: &[u8]| {
    if let Ok(keys) = KeySet::from_jwk_set(document) {
        assert!(keys.iter().count() > 0, "a set without keys is an error");
        assert!(keys.iter().count() + keys.skipped().len() <= KeySet::MAX_KEYS);
    }
});
