//! [`Decision`]: what a gate says of a request.

use crate::admission::Admission;
use crate::key::KeyRefresh;
use crate::rejection::Rejection;

/// What a gate says of a request.
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "an adapter has to handle every outcome; a new one must not compile away"
)]
pub enum Decision {
    /// It may go on.
    Admitted(Admission),
    /// It may not.
    Refused(Rejection),
    /// The key that its token names is not known yet. Await the refresh, then call [`Gate::admit_after_refresh`](super::Gate::admit_after_refresh).
    AwaitKeys(KeyRefresh),
}
