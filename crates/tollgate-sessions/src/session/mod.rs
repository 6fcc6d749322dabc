//! What a session is: its id, its record, its clock.

mod id;
mod record;
mod time;

pub use id::{ParseSessionIdError, SessionId};
pub use record::{Fingerprint, NewSession, SecretHash, SessionRecord, SessionState, SessionView};
pub use time::{StoreClock, UnixMillis};
