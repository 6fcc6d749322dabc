//! The operations of the store.

use redis::{Value, pipe};
use tracing::warn;

use super::announcements::announce;
use super::call::{Call, ConnectionKind};
use super::keys::{self, millis};
use super::row::{self, FIELDS, Found, Row};
use super::scripts;
use super::{StoreError, StoreErrorKind};
use crate::session::{
    Fingerprint, NewSession, RevokeReason, SessionId, SessionInfo, SessionState, UnixMillis,
};
use crate::store::command::ExpiryKind;
use crate::store::command::{
    Durability, RefreshKind, Refreshed, Revocation, RevokeOutcome, RevokeRequest, RevokeScope, RotateMode,
    RotateOutcome, RotateRequest,
};

type Result<T> = std::result::Result<T, StoreError>;

/// Adds a session. It reads the epoch first, so that a revocation of the subject in the meantime covers the session.
pub(super) async fn create(call: Call<'_>, new: &NewSession) -> Result<SessionInfo> {
    let (epoch, _now) = epoch(&call, &new.subject).await?;
    let (idle, absolute) = (millis(new.lifetimes.idle()), millis(new.lifetimes.absolute()));
    // The index gets the session first, so that no session is missing in a list.
    let (index, id) = (keys::subject_index(&call, &new.subject), new.session.to_string());
    // Longer than the session lives, as it begins later than this entry.
    let indexed_for = millis(new.lifetimes.absolute().saturating_add(keys::CREATION_MARGIN));
    let _indexed: Value = call
        .run(ConnectionKind::Main, &scripts::INDEX_SESSION, &index, &[id.as_bytes(), &indexed_for])
        .await?;
    let epoch = epoch.to_string();
    let fingerprint = new.fingerprint;
    let mut arguments: Vec<&[u8]> = vec![
        new.secret_hash.as_bytes(),
        new.subject.as_bytes(),
        epoch.as_bytes(),
        &idle,
        &absolute,
        fingerprint.as_ref().map_or(&[], |print| print.as_bytes().as_slice()),
    ];
    arguments.extend(new.meta.as_deref().map(str::as_bytes));
    let key = keys::session(&call, new.session);
    let (outcome, row): (String, Row) =
        call.run(ConnectionKind::Main, &scripts::CREATE, &key, &arguments).await?;
    match row::read(new.session, row)? {
        Some(found) if outcome != "other" => Ok(found.record.info()),
        _ => Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same ID")),
    }
}

/// Rotates a session. It reads the epoch last, so that it finds every revocation from before the call.
pub(super) async fn rotate(call: Call<'_>, request: &RotateRequest) -> Result<RotateOutcome> {
    let (outcome, row) = present(&call, request).await?;
    let Some(Found { mut record, announced }) = row::read(request.session, row)? else {
        return match outcome.as_str() {
            "unknown" => Ok(RotateOutcome::Unknown),
            _ => Err(unreadable(request.session)),
        };
    };
    if outcome == "revoked" {
        let SessionState::Revoked(reason) = record.state else { return Err(unreadable(request.session)) };
        if reason == RevokeReason::Reuse && !announced {
            // The call that revoked the session was interrupted before its announcement.
            announce_reuse(&call, request).await?;
        }
        return Ok(RotateOutcome::Revoked(reason));
    }
    let (epoch, _now) = epoch(&call, &record.subject).await?;
    if record.epoch < epoch {
        if outcome == "reuse" {
            let key = keys::session(&call, request.session);
            let _superseded: Value =
                call.run(ConnectionKind::Main, &scripts::SUPERSEDE_REUSE, &key, &[]).await?;
        }
        return Ok(RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
    }
    let kind = match outcome.as_str() {
        "absolute" => return Ok(RotateOutcome::Expired(ExpiryKind::Absolute)),
        "idle" => return Ok(RotateOutcome::Expired(ExpiryKind::Idle)),
        "reuse" => {
            announce_reuse(&call, request).await?;
            record.state = SessionState::Revoked(RevokeReason::Reuse);
            return Ok(RotateOutcome::Reuse(record.info()));
        }
        "rotated" => RefreshKind::Rotated,
        "replayed" => RefreshKind::Replayed,
        "store_behind" => RefreshKind::StoreBehind,
        "recovered" => RefreshKind::Recovered,
        _ => return Err(unreadable(request.session)),
    };
    Ok(RotateOutcome::Live(Refreshed::new(kind, record.info())))
}

async fn present(call: &Call<'_>, request: &RotateRequest) -> Result<(String, Row)> {
    let generation = request.generation.to_string();
    let mode = match request.mode {
        RotateMode::Preview => "preview",
        RotateMode::Commit => "commit",
    };
    let (grace, recovery) = (millis(request.policy.grace_period()), millis(request.policy.recovery_period()));
    let (idle, kept) = (millis(request.idle), keys::tombstone());
    let arguments: [&[u8]; 9] = [
        generation.as_bytes(),
        request.secret_hash.as_bytes(),
        mode.as_bytes(),
        &grace,
        &recovery,
        if request.policy.accepts_newer() { b"1" } else { b"0" },
        &idle,
        &kept,
        request.fingerprint.as_ref().map_or(&[], |print| Fingerprint::as_bytes(print).as_slice()),
    ];
    call.run(ConnectionKind::Main, &scripts::ROTATE, &keys::session(call, request.session), &arguments).await
}

/// Announces that the session was revoked for reuse.
async fn announce_reuse(call: &Call<'_>, request: &RotateRequest) -> Result<()> {
    announce(call, &Revocation::Session(request.session), request.announce_for).await?;
    let key = keys::session(call, request.session);
    let _marked: Value = call.run(ConnectionKind::Revocations, &scripts::MARK_ANNOUNCED, &key, &[]).await?;
    if call.wait_until_durable().await == Durability::BestEffort {
        warn!(session = %request.session, "a failover at this moment could lose the revocation of a session");
    }
    Ok(())
}

pub(super) async fn revoke(call: Call<'_>, request: &RevokeRequest) -> Result<RevokeOutcome> {
    let changed = match &request.scope {
        RevokeScope::Session { session, owner } => {
            revoke_session(&call, request, *session, owner.as_deref()).await?
        }
        RevokeScope::Subject { subject, keep } => {
            revoke_subject(&call, request, subject, *keep).await?;
            true
        }
        RevokeScope::Everything => {
            revoke_everything(&call, request).await?;
            true
        }
    };
    Ok(RevokeOutcome::new(changed, call.wait_until_durable().await))
}

/// Revokes a session. It announces the revocation first: if it is interrupted, it has announced too much, never too
/// little.
async fn revoke_session(
    call: &Call<'_>,
    request: &RevokeRequest,
    session: SessionId,
    owner: Option<&str>,
) -> Result<bool> {
    let key = keys::session(call, session);
    let (reason, kept) = (request.reason.code().to_string(), keys::tombstone());
    for mode in [b"check".as_slice(), b"revoke"] {
        let mut arguments: Vec<&[u8]> = vec![reason.as_bytes(), &kept, mode];
        arguments.extend(owner.map(str::as_bytes));
        let (outcome, row): (String, Row) =
            call.run(ConnectionKind::Revocations, &scripts::REVOKE, &key, &arguments).await?;
        match outcome.as_str() {
            "live" => announce(call, &Revocation::Session(session), request.announce_for).await?,
            "revoked-now" => return Ok(true),
            "revoked" => {
                let announced = row::read(session, row)?.is_some_and(|found| found.announced);
                if !announced {
                    announce(call, &Revocation::Session(session), request.announce_for).await?;
                }
                // Writes again, so that there is a write to wait for.
                let _marked: Value =
                    call.run(ConnectionKind::Revocations, &scripts::MARK_ANNOUNCED, &key, &[]).await?;
                return Ok(false);
            }
            _ => return Ok(false),
        }
    }
    Err(unreadable(session))
}

/// Draws a new epoch, announces it, and sets it. If a concurrent call has set a higher epoch, this starts again:
/// the session that the other call keeps would otherwise survive this revocation.
async fn revoke_subject(
    call: &Call<'_>,
    request: &RevokeRequest,
    subject: &str,
    keep: Option<SessionId>,
) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let (drawn, global): (i64, i64) =
            call.run(ConnectionKind::Revocations, &scripts::DRAW_EPOCH, &keys::epochs(call), &[]).await?;
        let revocation = Revocation::Subject { subject: subject.into(), min_epoch: drawn };
        announce(call, &revocation, request.announce_for).await?;
        let (epoch, kept) = (drawn.to_string(), keys::epoch_lifetime());
        let key = keys::epoch(call, subject);
        let (raised, before): (u8, i64) = call
            .run(ConnectionKind::Revocations, &scripts::RAISE_EPOCH, &key, &[epoch.as_bytes(), &kept])
            .await?;
        if raised == 0 {
            continue;
        }
        if let Some(session) = keep {
            let before = before.max(global).to_string();
            let arguments: [&[u8]; 3] = [subject.as_bytes(), before.as_bytes(), epoch.as_bytes()];
            let key = keys::session(call, session);
            let _kept: Value =
                call.run(ConnectionKind::Revocations, &scripts::KEEP_SESSION, &key, &arguments).await?;
        }
        return Ok(());
    }
    Err(StoreError::new(StoreErrorKind::Contention, "too many calls revoke the sessions of one subject"))
}

async fn revoke_everything(call: &Call<'_>, request: &RevokeRequest) -> Result<()> {
    let key = keys::epochs(call);
    let (drawn, _global): (i64, i64) =
        call.run(ConnectionKind::Revocations, &scripts::DRAW_EPOCH, &key, &[]).await?;
    announce(call, &Revocation::Everything { min_epoch: drawn }, request.announce_for).await?;
    let epoch = drawn.to_string();
    let min_epoch: i64 = call
        .run(ConnectionKind::Revocations, &scripts::RAISE_GLOBAL_EPOCH, &key, &[epoch.as_bytes()])
        .await?;
    if min_epoch != drawn {
        // A concurrent call has drawn an epoch, and the global epoch must be above it.
        announce(call, &Revocation::Everything { min_epoch }, request.announce_for).await?;
    }
    Ok(())
}

pub(super) async fn list(call: Call<'_>, subject: &str, limit: usize) -> Result<Vec<SessionInfo>> {
    let (epoch, now) = epoch(&call, subject).await?;
    let key = keys::subject_index(&call, subject);
    let mut ids = pipe();
    // A write that changes nothing. A server that has become a replica rejects it.
    ids.cmd("HDEL").arg(keys::epochs(&call)).arg("").ignore();
    ids.cmd("ZRANGE").arg(&key).arg(0).arg(-1);
    let (ids,): (Vec<String>,) = call.read(ids).await?;
    let mut live = Vec::new();
    let mut gone = Vec::new();
    for chunk in ids.chunks(ROWS_AT_ONCE) {
        let mut rows = pipe();
        for id in chunk {
            rows.cmd("HMGET").arg(call.key(&keys::session_of(id))).arg(&FIELDS);
        }
        let rows: Vec<Row> = call.read(rows).await?;
        for (id, row) in chunk.iter().zip(rows) {
            let Ok(session) = id.parse::<SessionId>() else { continue };
            match row::read(session, row)? {
                Some(found) if found.record.is_live(epoch, now) && *found.record.subject == *subject => {
                    live.push(found.record.info());
                }
                Some(_) => {}
                // A session that is being created has no record yet.
                None if now.since(session.created_at()) > keys::CREATION_MARGIN => gone.push(id),
                None => {}
            }
        }
    }
    if !gone.is_empty() {
        let mut remove = pipe();
        remove.cmd("ZREM").arg(&key).arg(&gone);
        // If this fails, the next list does it.
        drop(call.read::<(u64,)>(remove).await);
    }
    live.sort_by_key(|info| std::cmp::Reverse((info.last_used_at, info.session)));
    live.truncate(limit);
    Ok(live)
}

/// Returns the epoch of the subject, or the global epoch when that is higher, and the time.
async fn epoch(call: &Call<'_>, subject: &str) -> Result<(i64, UnixMillis)> {
    let mut commands = pipe();
    commands.cmd("GET").arg(keys::epoch(call, subject));
    commands.cmd("HGET").arg(keys::epochs(call)).arg("g");
    commands.cmd("TIME");
    let (own, global, (seconds, micros)): (Option<i64>, Option<i64>, (i64, i64)) =
        call.read(commands).await?;
    let time = seconds.saturating_mul(1000).saturating_add(micros.div_euclid(1000));
    let now = call.server.clock.manual_time().unwrap_or_else(|| UnixMillis::from_millis(time));
    Ok((own.unwrap_or(0).max(global.unwrap_or(0)), now))
}

fn unreadable(session: SessionId) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("session {session} cannot be read by this release"))
}

/// How often a call draws an epoch before it fails.
const ATTEMPTS: usize = 8;
/// How many sessions one pipeline reads.
const ROWS_AT_ONCE: usize = 256;
