//! Revoking sessions. One statement writes a revocation and its announcement, so both are one atomic step.

use tokio_postgres::types::Type;

use super::Result;
use super::call::{Call, millis};
use crate::session::SessionId;
use crate::store::command::{RevokeOutcome, RevokeRequest, RevokeScope};

pub(super) async fn revoke(call: &Call<'_>, request: &RevokeRequest) -> Result<RevokeOutcome> {
    let announce_for = millis(request.announce_for);
    let changed = match &request.scope {
        RevokeScope::Session { session, owner } => {
            let (session, owner) = (session.to_string(), owner.as_deref().map(str::as_bytes));
            let state = i64::from(request.reason.code());
            let values = [
                call.now(),
                (&session, Type::TEXT),
                (&owner, Type::BYTEA),
                (&state, Type::INT8),
                (&announce_for, Type::INT8),
            ];
            !call.write("revoking a session", SESSION, &values).await?.is_empty()
        }
        RevokeScope::Subject { subject, keep } => {
            let (subject, keep) = (subject.as_bytes(), keep.as_ref().map(SessionId::to_string));
            let values =
                [call.now(), (&subject, Type::BYTEA), (&announce_for, Type::INT8), (&keep, Type::TEXT)];
            // Calls that keep a session wait for each other, so only those run that statement.
            let (sql, values) =
                if keep.is_some() { (SUBJECT_BUT_ONE, &values[..]) } else { (SUBJECT, &values[..3]) };
            !call.write("revoking the sessions of a subject", sql, values).await?.is_empty()
        }
        RevokeScope::Everything => {
            let values = [call.now(), (&announce_for, Type::INT8)];
            !call.write("revoking all sessions", EVERYTHING, &values).await?.is_empty()
        }
    };
    Ok(RevokeOutcome { changed, durability: call.durability() })
}

/// Adds the announcement, and notifies listeners once the transaction commits.
macro_rules! announce {
    ($announcement:literal) => {
        concat!(
            ", announced AS (INSERT INTO tollgate.auth_revocation (kind, key, min_epoch, until) ",
            $announcement,
            " RETURNING seq) SELECT pg_notify('",
            channel!(),
            "', '') FROM announced"
        )
    };
}

const SESSION: &str = concat!(
    with_now!(),
    ", revoked AS (UPDATE tollgate.auth_session AS s SET state = $4, revoked_at = t.now FROM t
         WHERE s.sid = $2::uuid AND s.state = 0 AND ($3::bytea IS NULL OR s.sub = $3) RETURNING s.sid)",
    announce!("SELECT 1, uuid_send(revoked.sid), 0, t.now + $5 FROM revoked, t")
);

/// Raises the epoch of a subject above every epoch that its sessions can have: the subject's own, and the global
/// one. The conflict clause reads the latest version of the row in `auth_subject`, even if the snapshot of the
/// statement is older.
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

/// Gives the kept session the new epoch, if it was live by the two epochs right before: the subject's as it was
/// raised, and the global one, whose row is locked. That row also records the epoch of the kept session (`kept`),
/// so that the next global revocation rises above it, even if it does not see this revocation yet.
const SUBJECT_BUT_ONE: &str = concat!(
    with_now!(),
    raise_subject!(),
    ", global_epoch AS (UPDATE tollgate.auth_subject AS a SET kept = greatest(a.kept, raised.epoch) FROM raised
         WHERE a.sub = '' RETURNING a.epoch)
     , kept AS (UPDATE tollgate.auth_session AS s SET epoch = greatest(s.epoch, raised.epoch)
         FROM t, raised, global_epoch
         WHERE s.sid = $4::uuid AND s.sub = $2 AND s.state = 0 AND s.abs_exp > t.now AND s.idle_exp > t.now
           AND s.epoch >= greatest(raised.before, global_epoch.epoch) RETURNING s.sid)",
    announce!("SELECT 2, $2, raised.epoch, t.now + $3 FROM raised, t")
);

/// Raises the global epoch above the epochs of all subjects, and of all kept sessions.
const EVERYTHING: &str = concat!(
    with_now!(),
    ", raised AS (INSERT INTO tollgate.auth_subject AS a (sub, epoch, before, kept)
         SELECT '', greatest(t.now, 1 + (SELECT coalesce(max(e.epoch), 0) FROM tollgate.auth_subject e)), 0, 0 FROM t
         ON CONFLICT (sub) DO UPDATE SET epoch = greatest(excluded.epoch, a.epoch + 1, a.kept + 1), before = a.epoch
         RETURNING a.epoch)",
    announce!("SELECT 3, '', raised.epoch, t.now + $2 FROM raised, t")
);
