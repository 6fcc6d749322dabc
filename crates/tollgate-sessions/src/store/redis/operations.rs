//! What the calls of a store do.

use redis::{Value, pipe};
use tracing::warn;

use super::announcements::announce;
use super::call::{Call, Over};
use super::keys::{self, millis};
use super::row::{self, FIELDS, Found, Row};
use super::scripts;
use super::{StoreError, StoreErrorKind};
use crate::session::{
    Fingerprint, NewSession, RevokeReason, SessionId, SessionInfo, SessionState, UnixMillis,
};
use crate::store::command::{
    Durability, RefreshKind, Refreshed, Revocation, RevokeOutcome, RevokeRequest, RevokeScope, RotateMode,
    RotateOutcome, RotateRequest,
};
use crate::store::decide::ExpiryKind;

type Result<T> = std::result::Result<T, StoreError>;

/// The epoch is read first: whoever ends all sessions of the subject meanwhile ends this one too.
pub(super) async fn create(call: Call<'_>, new: &NewSession) -> Result<SessionInfo> {
    let (epoch, _now) = epoch(&call, &new.subject).await?;
    let (idle, absolute) = (millis(new.lifetimes.idle()), millis(new.lifetimes.absolute()));
    // Noted before it is made, so that no session is missing in the list.
    let (list, id) = (keys::list(&call, &new.subject), new.session.to_string());
    // For longer than it lives, as that begins later.
    let listed = millis(new.lifetimes.absolute().saturating_add(keys::MAKING));
    let _noted: Value = call.run(Over::Main, &scripts::ENLIST, &list, &[id.as_bytes(), &listed]).await?;
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
    let (outcome, row): (String, Row) = call.run(Over::Main, &scripts::CREATE, &key, &arguments).await?;
    match row::read(new.session, row)? {
        Some(found) if outcome != "other" => Ok(found.record.info()),
        _ => Err(StoreError::new(StoreErrorKind::Corrupt, "another session has the same id")),
    }
}

/// The epoch is read last: what had been ended when this began is found to be.
pub(super) async fn rotate(call: Call<'_>, command: &RotateRequest) -> Result<RotateOutcome> {
    let (outcome, row) = present(&call, command).await?;
    let Some(Found { mut record, announced }) = row::read(command.session, row)? else {
        return match outcome.as_str() {
            "unknown" => Ok(RotateOutcome::Unknown),
            _ => Err(unreadable(command.session)),
        };
    };
    if outcome == "revoked" {
        let SessionState::Revoked(reason) = record.state else { return Err(unreadable(command.session)) };
        if reason == RevokeReason::Reuse && !announced {
            // Whoever ended it was cut off before the announcement.
            announce_reuse(&call, command).await?;
        }
        return Ok(RotateOutcome::Revoked(reason));
    }
    let (epoch, _now) = epoch(&call, &record.subject).await?;
    if record.epoch < epoch {
        if outcome == "reuse" {
            let key = keys::session(&call, command.session);
            let _done: Value = call.run(Over::Main, &scripts::SUPERSEDE, &key, &[]).await?;
        }
        return Ok(RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
    }
    let kind = match outcome.as_str() {
        "absolute" => return Ok(RotateOutcome::Expired(ExpiryKind::Absolute)),
        "idle" => return Ok(RotateOutcome::Expired(ExpiryKind::Idle)),
        "reuse" => {
            announce_reuse(&call, command).await?;
            record.state = SessionState::Revoked(RevokeReason::Reuse);
            return Ok(RotateOutcome::Reuse(record.info()));
        }
        "rotated" => RefreshKind::Rotated,
        "replayed" => RefreshKind::Replayed,
        "store_behind" => RefreshKind::StoreBehind,
        "recovered" => RefreshKind::Recovered,
        _ => return Err(unreadable(command.session)),
    };
    Ok(RotateOutcome::Live(Refreshed::new(kind, record.info())))
}

async fn present(call: &Call<'_>, command: &RotateRequest) -> Result<(String, Row)> {
    let generation = command.generation.to_string();
    let mode = match command.mode {
        RotateMode::Preview => "preview",
        RotateMode::Commit => "commit",
    };
    let (grace, recovery) = (millis(command.policy.grace_period()), millis(command.policy.recovery_period()));
    let (idle, kept) = (millis(command.idle), keys::tombstone());
    let arguments: [&[u8]; 9] = [
        generation.as_bytes(),
        command.secret_hash.as_bytes(),
        mode.as_bytes(),
        &grace,
        &recovery,
        if command.policy.accepts_newer() { b"1" } else { b"0" },
        &idle,
        &kept,
        command.fingerprint.as_ref().map_or(&[], |print| Fingerprint::as_bytes(print).as_slice()),
    ];
    call.run(Over::Main, &scripts::ROTATE, &keys::session(call, command.session), &arguments).await
}

/// The session has ended; now others hear of it.
async fn announce_reuse(call: &Call<'_>, command: &RotateRequest) -> Result<()> {
    announce(call, &Revocation::Session(command.session), command.announce_for).await?;
    let key = keys::session(call, command.session);
    let _confirmed: Value = call.run(Over::Ends, &scripts::CONFIRM, &key, &[]).await?;
    if call.settle().await == Durability::BestEffort {
        warn!(session = %command.session, "the end of a session could be lost by a failover at this moment");
    }
    Ok(())
}

pub(super) async fn revoke(call: Call<'_>, command: &RevokeRequest) -> Result<RevokeOutcome> {
    let changed = match &command.scope {
        RevokeScope::Session { session, owner } => {
            revoke_session(&call, command, *session, owner.as_deref()).await?
        }
        RevokeScope::Subject { subject, keep } => {
            revoke_subject(&call, command, subject, *keep).await?;
            true
        }
        RevokeScope::Everything => {
            revoke_everything(&call, command).await?;
            true
        }
    };
    Ok(RevokeOutcome::new(changed, call.settle().await))
}

/// Announced first: who is cut off in between has announced too much, and not too little.
async fn revoke_session(
    call: &Call<'_>,
    command: &RevokeRequest,
    session: SessionId,
    owner: Option<&str>,
) -> Result<bool> {
    let key = keys::session(call, session);
    let (reason, kept) = (command.reason.code().to_string(), keys::tombstone());
    for step in [b"look".as_slice(), b"end"] {
        let mut arguments: Vec<&[u8]> = vec![reason.as_bytes(), &kept, step];
        arguments.extend(owner.map(str::as_bytes));
        let (outcome, row): (String, Row) = call.run(Over::Ends, &scripts::END, &key, &arguments).await?;
        match outcome.as_str() {
            "live" => announce(call, &Revocation::Session(session), command.announce_for).await?,
            "ended-now" => return Ok(true),
            "ended" => {
                let announced = row::read(session, row)?.is_some_and(|found| found.announced);
                if !announced {
                    announce(call, &Revocation::Session(session), command.announce_for).await?;
                }
                // Written again, so that there is something to wait for.
                let _confirmed: Value = call.run(Over::Ends, &scripts::CONFIRM, &key, &[]).await?;
                return Ok(false);
            }
            _ => return Ok(false),
        }
    }
    Err(unreadable(session))
}

/// A number is drawn, announced, and becomes the epoch; unless somebody else was faster with a higher one, whose kept
/// session would otherwise survive this.
async fn revoke_subject(
    call: &Call<'_>,
    command: &RevokeRequest,
    subject: &str,
    keep: Option<SessionId>,
) -> Result<()> {
    for _ in 0..DRAWS {
        let (number, of_all): (i64, i64) =
            call.run(Over::Ends, &scripts::DRAW, &keys::numbers(call), &[]).await?;
        let revocation = Revocation::Subject { subject: subject.into(), min_epoch: number };
        announce(call, &revocation, command.announce_for).await?;
        let (text, kept) = (number.to_string(), keys::epoch_lifetime());
        let key = keys::epoch(call, subject);
        let (raised, before): (u8, i64) =
            call.run(Over::Ends, &scripts::RAISE, &key, &[text.as_bytes(), &kept]).await?;
        if raised == 0 {
            continue;
        }
        if let Some(session) = keep {
            let before = before.max(of_all).to_string();
            let arguments: [&[u8]; 3] = [subject.as_bytes(), before.as_bytes(), text.as_bytes()];
            let key = keys::session(call, session);
            let _kept: Value = call.run(Over::Ends, &scripts::RESTAMP, &key, &arguments).await?;
        }
        return Ok(());
    }
    Err(StoreError::new(StoreErrorKind::Contention, "many end the sessions of one subject"))
}

async fn revoke_everything(call: &Call<'_>, command: &RevokeRequest) -> Result<()> {
    let key = keys::numbers(call);
    let (number, _of_all): (i64, i64) = call.run(Over::Ends, &scripts::DRAW, &key, &[]).await?;
    announce(call, &Revocation::Everything { min_epoch: number }, command.announce_for).await?;
    let text = number.to_string();
    let min_epoch: i64 = call.run(Over::Ends, &scripts::RAISE_ALL, &key, &[text.as_bytes()]).await?;
    if min_epoch != number {
        // Somebody has drawn a number in between, which is also to be below.
        announce(call, &Revocation::Everything { min_epoch }, command.announce_for).await?;
    }
    Ok(())
}

pub(super) async fn list(call: Call<'_>, subject: &str, limit: usize) -> Result<Vec<SessionInfo>> {
    let (epoch, now) = epoch(&call, subject).await?;
    let key = keys::list(&call, subject);
    let mut ids = pipe();
    // Changes nothing, and is refused by a server that has become a replica.
    ids.cmd("HDEL").arg(keys::numbers(&call)).arg("").ignore();
    ids.cmd("ZRANGE").arg(&key).arg(0).arg(-1);
    let (ids,): (Vec<String>,) = call.look(ids).await?;
    let mut live = Vec::new();
    let mut gone = Vec::new();
    for some in ids.chunks(ROWS_AT_ONCE) {
        let mut rows = pipe();
        for id in some {
            rows.cmd("HMGET").arg(call.key(&keys::session_named(id))).arg(&FIELDS);
        }
        let rows: Vec<Row> = call.look(rows).await?;
        for (id, row) in some.iter().zip(rows) {
            let Ok(session) = id.parse::<SessionId>() else { continue };
            match row::read(session, row)? {
                Some(found) if found.record.is_live(epoch, now) && *found.record.subject == *subject => {
                    live.push(found.record.info());
                }
                Some(_) => {}
                // One that is about to be made is not there either.
                None if now.since(session.created_at()) > keys::MAKING => gone.push(id),
                None => {}
            }
        }
    }
    if !gone.is_empty() {
        let mut forget = pipe();
        forget.cmd("ZREM").arg(&key).arg(&gone);
        // The next list does it again.
        drop(call.look::<(u64,)>(forget).await);
    }
    live.sort_by_key(|view| std::cmp::Reverse((view.last_used_at, view.session)));
    live.truncate(limit);
    Ok(live)
}

/// That of the subject, or of everybody when that is higher; and the time.
async fn epoch(call: &Call<'_>, subject: &str) -> Result<(i64, UnixMillis)> {
    let mut questions = pipe();
    questions.cmd("GET").arg(keys::epoch(call, subject));
    questions.cmd("HGET").arg(keys::numbers(call)).arg("g");
    questions.cmd("TIME");
    let (of_subject, of_all, (seconds, micros)): (Option<i64>, Option<i64>, (i64, i64)) =
        call.look(questions).await?;
    let time = seconds.saturating_mul(1000).saturating_add(micros.div_euclid(1000));
    let now = call.server.clock.manual_time().unwrap_or_else(|| UnixMillis::from_millis(time));
    Ok((of_subject.unwrap_or(0).max(of_all.unwrap_or(0)), now))
}

fn unreadable(session: SessionId) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("session {session} cannot be read by this release"))
}

/// How often a number is drawn anew before a call gives up.
const DRAWS: usize = 8;
/// How many sessions are read at once.
const ROWS_AT_ONCE: usize = 256;
