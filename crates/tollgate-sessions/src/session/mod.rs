//! What a session is: its ID, its record in a store, its lifetimes, and the clock that judges it.

mod claims;
mod id;
mod lifetimes;
mod record;
mod revoke_reason;
mod time;

pub(crate) use claims::SessionClaims;
pub use id::{ParseSessionIdError, SessionId};
pub use lifetimes::{Lifetimes, MAX_ABSOLUTE_LIFETIME};
pub use record::{Fingerprint, NewSession, SecretHash, SessionInfo, SessionRecord, SessionState};
pub use revoke_reason::RevokeReason;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use time::whole_millis;
pub use time::{StoreClock, UnixMillis};

pub use crate::support::{EntropyError, SettingError};
