//! A key set, as an issuer may publish it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::KeySet;

fuzz_target!(|document: &[u8]| {
    if let Ok(keys) = KeySet::from_jwk_set(document) {
        assert!(keys.iter().count() > 0, "a set without keys is refused");
        assert!(keys.iter().count() + keys.skipped().len() <= KeySet::MAX_KEYS);
    }
});
