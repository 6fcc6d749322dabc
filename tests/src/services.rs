//! Tests that need another program. Without it they are reported as ignored, by name, or fail if it is required.

/// Returns whether a missing program fails the tests that need it. CI sets `TOLLGATE_TEST_SERVICES=required`.
#[must_use]
pub fn required() -> bool {
    std::env::var("TOLLGATE_TEST_SERVICES").is_ok_and(|value| value == "required")
}
