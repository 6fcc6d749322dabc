//! A session as it lies in Redis.

use super::{StoreError, StoreErrorKind};
use crate::session::RevokeReason;
use crate::session::{Fingerprint, SecretHash, SessionId, SessionRecord, SessionState, UnixMillis};

/// The fields of a session, in the order of the scripts' prelude.
pub(super) const FIELDS: [&str; 14] =
    ["h", "sub", "g", "gg", "rt", "ep", "ax", "ix", "st", "ea", "at", "fp", "m", "ev"];

/// Their values.
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// A session that was found.
pub(super) struct Found {
    pub(super) record: SessionRecord,
    /// Whether its end is known to have been announced.
    pub(super) announced: bool,
}

/// `None` for a session that is not there.
pub(super) fn read(session: SessionId, row: Row) -> Result<Option<Found>, StoreError> {
    if row.first().is_none_or(Option::is_none) {
        return Ok(None);
    }
    read_fields(session, row).map(Some).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Corrupt, format!("session {session} cannot be read by this release"))
    })
}

fn read_fields(session: SessionId, row: Row) -> Option<Found> {
    let row: [Option<Vec<u8>>; 14] = row.try_into().ok()?;
    let [
        hash,
        subject,
        generation,
        previous,
        rotated,
        epoch,
        absolute,
        idle,
        state,
        ended,
        auth,
        print,
        meta,
        announced,
    ] = row;
    let record = SessionRecord {
        session,
        subject: text(subject)?,
        secret_hash: SecretHash::from_bytes(hash?.try_into().ok()?),
        generation: number(generation)?,
        previous_generation: optional(previous, number)?,
        rotated_at: instant(rotated)?,
        epoch: number(epoch)?,
        absolute_expiry: instant(absolute)?,
        idle_expiry: instant(idle)?,
        state: match number(state)? {
            SUPERSEDED => SessionState::Revoked(RevokeReason::SubjectRevoked),
            code => SessionState::from_code(code),
        },
        revoked_at: optional(ended, instant)?,
        auth_time: instant(auth)?,
        fingerprint: optional(print, |bytes| Some(Fingerprint::from_bytes(bytes?.try_into().ok()?)))?,
        meta: optional(meta, text)?,
    };
    Some(Found { record, announced: announced.is_some() })
}

/// Absent is no mistake; what cannot be read is one.
#[expect(clippy::option_option, reason = "the outer one is for what cannot be read")]
fn optional<T>(value: Option<Vec<u8>>, read: impl FnOnce(Option<Vec<u8>>) -> Option<T>) -> Option<Option<T>> {
    if value.is_none() { Some(None) } else { read(value).map(Some) }
}

fn number<T: std::str::FromStr>(value: Option<Vec<u8>>) -> Option<T> {
    std::str::from_utf8(&value?).ok()?.parse().ok()
}

fn instant(value: Option<Vec<u8>>) -> Option<UnixMillis> {
    number(value).map(UnixMillis::from_millis)
}

fn text(value: Option<Vec<u8>>) -> Option<Box<str>> {
    String::from_utf8(value?).ok().map(Into::into)
}

/// The state of a session whose end for reuse came after that of its subject, and does not count.
const SUPERSEDED: u8 = 254;
