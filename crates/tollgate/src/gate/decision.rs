//! [`Decision`]: the decision of a gate on a request.

use crate::admission::Admission;
use crate::key::KeyRefresh;
use crate::rejection::Rejection;

/// The decision of a gate on a request, which [`Gate::admit`](super::Gate::admit) returns.
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "an adapter has to handle every outcome; a new one must not compile away"
)]
pub enum Decision {
    /// The request is admitted.
    Admitted(Admission),
    /// The request is rejected.
    Rejected(Rejection),
    /// The gate does not have the key that the token names, or has no usable keys. Await the refresh, then call
    /// [`Gate::admit_after_refresh`](super::Gate::admit_after_refresh).
    AwaitKeys(KeyRefresh),
}
