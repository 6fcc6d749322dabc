//! Tests that need another program: reported as ignored, by name, where it is missing; failing where it has to be there.

/// Whether a missing program fails the tests that need it: `TOLLGATE_TEST_SERVICES=required`, which CI sets.
#[must_use]
pub fn required() -> bool {
    std::env::var("TOLLGATE_TEST_SERVICES").is_ok_and(|value| value == "required")
}
