//! The names of keys, and how long things are kept. The braces keep what belongs together in one slot of a cluster.

use std::time::Duration;

use super::call::Call;
use crate::session::MAX_ABSOLUTE_LIFETIME;
use crate::session::{SessionId, whole_millis};

/// A hash for each session.
pub(super) fn session(call: &Call<'_>, session: SessionId) -> String {
    call.key(&session_named(&session.to_string()))
}

pub(super) fn session_named(session: &str) -> String {
    format!("s:{{{session}}}")
}

/// The epoch of a subject, if it has one.
pub(super) fn epoch(call: &Call<'_>, subject: &str) -> String {
    call.key(&format!("u:{{{subject}}}"))
}

/// The sessions of a subject, by the time at which they end at the latest.
pub(super) fn list(call: &Call<'_>, subject: &str) -> String {
    call.key(&format!("i:{{{subject}}}"))
}

/// `n`: the last number that became an epoch; `g`: the epoch of everybody.
pub(super) fn numbers(call: &Call<'_>) -> String {
    call.key("epochs")
}

/// The stream of announcements.
pub(super) fn stream(call: &Call<'_>) -> String {
    call.key("rev")
}

/// As an argument of a script, whose numbers are exact up to 2^53.
pub(super) fn millis(duration: Duration) -> Vec<u8> {
    whole_millis(duration).min(1_000_000_000_000_000).to_string().into_bytes()
}

/// How long it is remembered why a session ended.
pub(super) fn tombstone() -> Vec<u8> {
    millis(Duration::from_secs(24 * 3600))
}

/// An epoch is kept until no session from before is left, and a day longer.
pub(super) fn epoch_lifetime() -> Vec<u8> {
    millis(MAX_ABSOLUTE_LIFETIME.saturating_add(Duration::from_secs(24 * 3600)))
}

/// How long after its id was made a session may still not be there; generous, as two clocks are compared.
pub(super) const MAKING: Duration = Duration::from_secs(3600);
