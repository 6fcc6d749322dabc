//! The names of keys, and how long their data are kept. The braces are hash tags of a cluster.

use std::time::Duration;

use super::call::Call;
use crate::session::{MAX_ABSOLUTE_LIFETIME, SessionId, whole_millis};

/// Returns the key of a session, a hash.
pub(super) fn session(call: &Call<'_>, session: SessionId) -> String {
    call.key(&session_of(&session.to_string()))
}

/// Returns the key of a session without the prefix of the store.
pub(super) fn session_of(session: &str) -> String {
    format!("s:{{{session}}}")
}

/// Returns the key of a subject's epoch. It is missing before the first revocation of the subject.
pub(super) fn epoch(call: &Call<'_>, subject: &str) -> String {
    call.key(&format!("u:{{{subject}}}"))
}

/// Returns the key of the index of a subject's sessions, a set sorted by their absolute expiry.
pub(super) fn subject_index(call: &Call<'_>, subject: &str) -> String {
    call.key(&format!("i:{{{subject}}}"))
}

/// Returns the key of a hash with two fields. `n` is the last epoch that was drawn; `g` is the global epoch.
pub(super) fn epochs(call: &Call<'_>) -> String {
    call.key("epochs")
}

/// Returns the key of the stream of announcements.
pub(super) fn stream(call: &Call<'_>) -> String {
    call.key("rev")
}

/// Returns a duration as an argument of a script, where numbers are exact up to 2^53.
pub(super) fn millis(duration: Duration) -> Vec<u8> {
    whole_millis(duration).min(1_000_000_000_000_000).to_string().into_bytes()
}

/// Returns how long the record of a revoked session is kept, so that its client gets the reason.
pub(super) fn tombstone() -> Vec<u8> {
    millis(Duration::from_secs(24 * 3600))
}

/// Returns how long an epoch is kept: until no older session is left, and a day longer.
pub(super) fn epoch_lifetime() -> Vec<u8> {
    millis(MAX_ABSOLUTE_LIFETIME.saturating_add(Duration::from_secs(24 * 3600)))
}

/// How long after the time in its ID a session may still be missing. It is generous, as two clocks are compared.
pub(super) const CREATION_MARGIN: Duration = Duration::from_secs(3600);
