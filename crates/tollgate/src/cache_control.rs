//! `Cache-Control` of responses (RFC 9111 §5.2.2).

/// Returns whether these values of `Cache-Control` forbid shared caches to store the response, by `private` or
/// `no-store`. Adapters use this for responses to admissions that are private
/// ([`Admission::is_private`](crate::Admission::is_private)).
///
/// `private="field"` does not count, because it lets caches store the rest of the response (RFC 9111 §5.2.2.7).
#[must_use]
pub fn forbids_shared_caching<'a>(cache_control: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let directives = cache_control.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
    directives
        .map(<[u8]>::trim_ascii)
        .any(|name| name.eq_ignore_ascii_case(b"private") || name.eq_ignore_ascii_case(b"no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_directives_count() {
        for kept in ["private", "No-Store", "max-age=60, private", "public,no-store"] {
            assert!(forbids_shared_caching([kept.as_bytes()]), "{kept}");
        }
        for shared in ["", "public", "private=\"set-cookie\"", "x=private", "max-age=60"] {
            assert!(!forbids_shared_caching([shared.as_bytes()]), "{shared}");
        }
        assert!(forbids_shared_caching([&b"public"[..], b"private"]));
        assert!(!forbids_shared_caching([]));
    }
}
