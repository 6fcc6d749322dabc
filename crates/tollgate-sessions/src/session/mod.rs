//! What a session is: its id, its record, its clock.

mod id;
mod record;
mod revoke_reason;
mod time;

pub use id::{ParseSessionIdError, SessionId};
pub use record::{Fingerprint, NewSession, SecretHash, SessionRecord, SessionState, SessionView};
pub use revoke_reason::EndReason;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use time::whole_millis;
pub use time::{StoreClock, UnixMillis};
