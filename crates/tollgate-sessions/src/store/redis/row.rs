//! Reading the hash of a session.

use super::{StoreError, StoreErrorKind};
use crate::session::{
    Fingerprint, RevokeReason, SecretHash, SessionId, SessionRecord, SessionState, UnixMillis,
};

/// The fields of a session, in the order of `FIELDS` in `prelude.lua`.
pub(super) const FIELDS: [&str; 14] =
    ["h", "sub", "g", "gg", "rt", "ep", "ax", "ix", "st", "ea", "at", "fp", "m", "ev"];

/// The values of [`FIELDS`].
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// A session in the store.
pub(super) struct Found {
    pub(super) record: SessionRecord,
    /// Whether its revocation is known to have been announced.
    pub(super) announced: bool,
}

/// Returns `None` when there is no such session.
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
        revoked,
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
        revoked_at: optional(revoked, instant)?,
        auth_time: instant(auth)?,
        fingerprint: optional(print, |bytes| Some(Fingerprint::from_bytes(bytes?.try_into().ok()?)))?,
        meta: optional(meta, text)?,
    };
    Some(Found { record, announced: announced.is_some() })
}

/// Reads a field that may be absent. A field that cannot be read is an error.
#[expect(clippy::option_option, reason = "the outer `None` is a field that cannot be read")]
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

/// The state of a session that was revoked for reuse after its subject was revoked. The earlier revocation counts.
const SUPERSEDED: u8 = 254;
