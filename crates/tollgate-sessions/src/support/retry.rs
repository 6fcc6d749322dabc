//! [`RETRY_AFTER`]: when a client should retry after a failure of a store.

use std::time::Duration;

/// Long enough for a database to fail over, or for a full queue of passwords to drain. Short enough for a user
/// to wait.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);
