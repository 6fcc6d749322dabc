//! Ending sessions. Each end and its announcement are one statement, and so one step.

use tokio_postgres::types::Type;

use super::Result;
use super::call::{Call, millis};
use crate::session::SessionId;
use crate::store::command::{RevokeOutcome, RevokeRequest, RevokeScope};

pub(super) async fn revoke(call: &Call<'_>, command: &RevokeRequest) -> Result<RevokeOutcome> {
    let announce_for = millis(command.announce_for);
    let changed = match &command.scope {
        RevokeScope::Session { session, owner } => {
            let (session, owner) = (session.to_string(), owner.as_deref().map(str::as_bytes));
            let state = i64::from(command.reason.code());
            let values = [
                call.now(),
                (&session, Type::TEXT),
                (&owner, Type::BYTEA),
                (&state, Type::INT8),
                (&announce_for, Type::INT8),
            ];
            !call.write("ending a session", SESSION, &values).await?.is_empty()
        }
        RevokeScope::Subject { subject, keep } => {
            let (subject, keep) = (subject.as_bytes(), keep.as_ref().map(SessionId::to_string));
            let values =
                [call.now(), (&subject, Type::BYTEA), (&announce_for, Type::INT8), (&keep, Type::TEXT)];
            // The statement that keeps one has everybody who keeps one wait for each other.
            let (sql, values) =
                if keep.is_some() { (ALL_BUT_ONE, &values[..]) } else { (SUBJECT, &values[..3]) };
            !call.write("ending the sessions of a subject", sql, values).await?.is_empty()
        }
        RevokeScope::Everything => {
            let values = [call.now(), (&announce_for, Type::INT8)];
            !call.write("ending all sessions", EVERYTHING, &values).await?.is_empty()
        }
    };
    Ok(RevokeOutcome { changed, durability: call.durability() })
}

/// Who listens is woken when the end is there to be read.
macro_rules! announce {
    ($announcement:literal) => {
        concat!(
            ", said AS (INSERT INTO tollgate.auth_revocation (kind, key, min_epoch, until) ",
            $announcement,
            " RETURNING seq) SELECT pg_notify('",
            channel!(),
            "', '') FROM said"
        )
    };
}

const SESSION: &str = concat!(
    with_now!(),
    ", ended AS (UPDATE tollgate.auth_session AS s SET state = $4, revoked_at = t.now FROM t
         WHERE s.sid = $2::uuid AND s.state = 0 AND ($3::bytea IS NULL OR s.sub = $3) RETURNING s.sid)",
    announce!("SELECT 1, uuid_send(ended.sid), 0, t.now + $5 FROM ended, t")
);

/// Above the epochs that sessions of the subject can have: its own, and that of everybody. The row of `auth_subject` is
/// read as it is, however old the statement's view of the rest.
macro_rules! raise_subject {
    () => {
        concat!(
            ", raised AS (INSERT INTO tollgate.auth_subject AS a (sub, epoch, before, kept)
                 SELECT $2, greatest(t.now, 1 + ",
            epoch_of!("$2"),
            "), 0, 0 FROM t
                 ON CONFLICT (sub) DO UPDATE SET epoch = greatest(excluded.epoch, a.epoch + 1), before = a.epoch
                 RETURNING a.epoch, a.before)"
        )
    };
}

const SUBJECT: &str = concat!(
    with_now!(),
    raise_subject!(),
    announce!("SELECT 2, $2, raised.epoch, t.now + $3 FROM raised, t")
);

/// The kept session gets the new epoch, if it was live by the epochs right before: that of the subject as it was raised,
/// and that of everybody, whose row is locked. What it gets is noted in that row, so that an end of everything that comes
/// next, and does not see this one yet, goes above it.
const ALL_BUT_ONE: &str = concat!(
    with_now!(),
    raise_subject!(),
    ", everybody AS (UPDATE tollgate.auth_subject AS a SET kept = greatest(a.kept, raised.epoch) FROM raised
         WHERE a.sub = '' RETURNING a.epoch)
     , kept AS (UPDATE tollgate.auth_session AS s SET epoch = greatest(s.epoch, raised.epoch)
         FROM t, raised, everybody
         WHERE s.sid = $4::uuid AND s.sub = $2 AND s.state = 0 AND s.abs_exp > t.now AND s.idle_exp > t.now
           AND s.epoch >= greatest(raised.before, everybody.epoch) RETURNING s.sid)",
    announce!("SELECT 2, $2, raised.epoch, t.now + $3 FROM raised, t")
);

/// Above the epochs of all subjects, and of all sessions that were kept.
const EVERYTHING: &str = concat!(
    with_now!(),
    ", raised AS (INSERT INTO tollgate.auth_subject AS a (sub, epoch, before, kept)
         SELECT '', greatest(t.now, 1 + (SELECT coalesce(max(e.epoch), 0) FROM tollgate.auth_subject e)), 0, 0 FROM t
         ON CONFLICT (sub) DO UPDATE SET epoch = greatest(excluded.epoch, a.epoch + 1, a.kept + 1), before = a.epoch
         RETURNING a.epoch)",
    announce!("SELECT 3, '', raised.epoch, t.now + $2 FROM raised, t")
);
