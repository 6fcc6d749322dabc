//! Sequential calls.

use tollgate_sessions::session::{Fingerprint, MAX_ABSOLUTE_LIFETIME};
use tollgate_sessions::store::StoreErrorKind;

use super::*;

pub(super) async fn session_rotates_and_is_revoked_at_reuse(under: StoreUnderTest) {
    let new = under.new_session("alice");
    let info = under.store.create(&new).await.unwrap();
    assert_eq!((info.session, &*info.subject, info.generation), (new.session, "alice", 0));
    assert_eq!(info.meta, new.meta);
    assert_eq!(info.created_at, under.clock.now());
    let request = rotate(&new, 0).with_fingerprint(Some(Fingerprint::from_bytes([7; 8])));
    under.pass_grace_period();
    let RotateOutcome::Live(refreshed) = under.store.rotate(&request).await.unwrap() else {
        panic!("not live")
    };
    assert_eq!((refreshed.kind, refreshed.session.generation), (RefreshKind::Rotated, 1));
    assert_eq!(refreshed.session.meta, new.meta);
    assert_eq!(
        (refreshed.session.created_at, refreshed.session.last_used_at),
        (info.created_at, under.clock.now())
    );
    // The previous and the new token get the same answer, with the fingerprint of the rotation.
    for generation in [0, 1] {
        let RotateOutcome::Live(again) = under.store.rotate(&rotate(&new, generation)).await.unwrap() else {
            panic!("not live")
        };
        assert_eq!((again.kind, again.session.generation), (RefreshKind::Replayed, 1));
        assert_eq!(again.session.fingerprint, request.fingerprint);
    }
    under.pass_grace_period();
    assert_eq!(live(&under.rotate(&new, 1).await), (RefreshKind::Rotated, 2));
    let RotateOutcome::Reuse(info) = under.rotate(&new, 0).await else { panic!("an old token is theft") };
    assert_eq!((&*info.subject, info.session), ("alice", new.session));
    for generation in [0, 1, 2, 3] {
        assert_eq!(under.rotate(&new, generation).await, RotateOutcome::Revoked(RevokeReason::Reuse));
    }
}

pub(super) async fn create_repeated_changes_nothing(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    under.pass_grace_period();
    under.rotate(&new, 0).await;
    under.store.create(&new).await.unwrap();
    assert_eq!(live(&under.rotate(&new, 0).await), (RefreshKind::Replayed, 1));
    let other = with_secret(&new, [1; 32]);
    assert_eq!(under.store.create(&other).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert!(is_live(&under.rotate(&new, 0).await));
    // Nor does it restore a revoked session.
    under.logout(&new).await;
    under.store.create(&new).await.unwrap();
    assert_eq!(under.rotate(&new, 0).await, RotateOutcome::Revoked(RevokeReason::Logout));
}

pub(super) async fn wrong_secret_looks_like_an_unknown_session(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let wrong = with_secret(&new, [1; 32]);
    under.pass_grace_period();
    for generation in [0, 1, 9] {
        assert_eq!(under.rotate(&wrong, generation).await, RotateOutcome::Unknown);
        assert_eq!(under.rotate(&under.new_session("alice"), generation).await, RotateOutcome::Unknown);
    }
    assert_eq!(live(&under.rotate(&new, 0).await), (RefreshKind::Rotated, 1));
    under.logout(&new).await;
    assert_eq!(under.rotate(&wrong, 0).await, RotateOutcome::Unknown);
}

pub(super) async fn no_call_but_create_adds_a_session(under: StoreUnderTest) {
    let new = under.new_session("alice");
    assert_eq!(under.rotate(&new, 0).await, RotateOutcome::Unknown);
    assert!(!under.logout(&new).await.changed);
    under.revoke(RevokeScope::Subject { subject: "alice".into(), keep: Some(new.session) }).await;
    assert_eq!(under.rotate(&new, 0).await, RotateOutcome::Unknown);
    assert!(under.list("alice").await.is_empty());
}

pub(super) async fn lifetimes_hold_to_the_millisecond(under: StoreUnderTest) {
    let millisecond = Duration::from_millis(1);
    let expired =
        |outcome: &RotateOutcome| matches!(outcome, RotateOutcome::Expired(_) | RotateOutcome::Unknown);
    let short = |idle, absolute| under.new_session_with("alice", idle, absolute);
    let (idle, absolute) = (short(HOUR, HOUR * 3), short(HOUR, HOUR + millisecond * 5));
    under.store.create(&idle).await.unwrap();
    let info = under.store.create(&absolute).await.unwrap();
    under.clock.advance(HOUR - millisecond);
    assert!(is_live(&under.rotate(&idle, 0).await));
    let RotateOutcome::Live(refreshed) = under.rotate(&absolute, 0).await else { panic!("not live") };
    assert_eq!(refreshed.session.absolute_expiry, info.absolute_expiry);
    assert_eq!(refreshed.session.idle_expiry, info.absolute_expiry, "idle expiry is never later");
    under.clock.advance(millisecond * 6);
    assert!(expired(&under.rotate(&absolute, 1).await), "a refresh does not extend the absolute lifetime");
    assert!(is_live(&under.rotate(&idle, 1).await));
    under.clock.advance(HOUR);
    assert!(expired(&under.rotate(&idle, 1).await));
    assert!(under.list("alice").await.is_empty());
}

pub(super) async fn clock_that_steps_back_expires_no_session(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let before = under.clock.now();
    under.pass_grace_period();
    under.rotate(&new, 0).await;
    under.clock.set(before.saturating_sub(HOUR));
    for generation in [0, 1] {
        assert_eq!(live(&under.rotate(&new, generation).await), (RefreshKind::Replayed, 1));
    }
}

pub(super) async fn newer_token_rotates_unless_refused_by_policy(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    assert_eq!(live(&under.rotate(&new, 4).await), (RefreshKind::StoreBehind, 5));
    assert_eq!(live(&under.rotate(&new, 4).await), (RefreshKind::Replayed, 5));
    let strict = RefreshPolicy::default().without_accepting_newer();
    let request = rotate(&new, 9).with_policy(strict);
    assert!(matches!(under.store.rotate(&request).await.unwrap(), RotateOutcome::Reuse(_)));
}

pub(super) async fn previous_token_recovers_within_the_recovery_period(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    under.pass_grace_period();
    under.rotate(&new, 0).await;
    under.pass_grace_period();
    let policy = RefreshPolicy::default().with_recovery_period(HOUR * 24).unwrap();
    let present = |generation| rotate(&new, generation).with_policy(policy);
    assert_eq!(live(&under.store.rotate(&present(0)).await.unwrap()), (RefreshKind::Recovered, 2));
    // The token that was replaced is now a sign of theft.
    assert!(matches!(under.store.rotate(&present(1)).await.unwrap(), RotateOutcome::Reuse(_)));
}

pub(super) async fn list_has_live_sessions_last_refreshed_first(under: StoreUnderTest) {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(under.begin("alice").await);
        under.pass_grace_period();
    }
    under.begin("bob").await;
    let [first, second, third, fourth] = all.as_slice() else { panic!("four") };
    under.rotate(first, 0).await;
    under.logout(third).await;
    let ids = |list: Vec<SessionInfo>| list.iter().map(|info| info.session).collect::<Vec<_>>();
    assert_eq!(ids(under.list("alice").await), [first.session, fourth.session, second.session]);
    assert_eq!(ids(under.store.list("alice", 2).await.unwrap()), [first.session, fourth.session]);
    assert!(under.list("dave").await.is_empty());
}

pub(super) async fn purge_removes_no_live_session(under: StoreUnderTest) {
    let mut short = Vec::new();
    for _ in 0..30 {
        let new = under.new_session_with("alice", HOUR, HOUR * 24 * 30);
        under.store.create(&new).await.unwrap();
        short.push(new);
        under.begin("bob").await;
    }
    under.logout_everywhere("carol").await;
    under.clock.advance(HOUR * 2);
    for _ in 0..40 {
        under.store.purge(7).await.unwrap();
    }
    assert_eq!(under.list("bob").await.len(), 30);
    for new in &short {
        assert!(matches!(under.rotate(new, 0).await, RotateOutcome::Unknown | RotateOutcome::Expired(_)));
    }
    assert!(under.announced(None).await.0.is_empty(), "expired announcements are purged");
}

pub(super) async fn preview_of_a_good_token_writes_nothing(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let preview = |generation| rotate(&new, generation).with_mode(RotateMode::Preview);

    under.pass_grace_period();
    for _ in 0..2 {
        let outcome = under.store.rotate(&preview(0)).await.unwrap();
        assert_eq!(live(&outcome), (RefreshKind::Replayed, 0));
    }
    assert_eq!(live(&under.rotate(&new, 0).await), (RefreshKind::Rotated, 1));

    under.pass_grace_period();
    for generation in [0, 1] {
        let outcome = under.store.rotate(&preview(generation)).await.unwrap();
        assert_eq!(live(&outcome), (RefreshKind::Replayed, 1));
    }
    assert_eq!(live(&under.rotate(&new, 1).await), (RefreshKind::Rotated, 2));
}

pub(super) async fn preview_rejects_what_a_commit_rejects(under: StoreUnderTest) {
    let (used, revoked) = (under.begin("alice").await, under.begin("bob").await);
    under.rotate(&used, 5).await;
    let preview = |new, generation| rotate(new, generation).with_mode(RotateMode::Preview);

    let outcome = under.store.rotate(&preview(&used, 0)).await.unwrap();
    assert!(matches!(outcome, RotateOutcome::Reuse(_)), "{outcome:?}");
    assert_eq!(under.rotate(&used, 6).await, RotateOutcome::Revoked(RevokeReason::Reuse));

    under.logout(&revoked).await;
    let outcome = under.store.rotate(&preview(&revoked, 0)).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Revoked(RevokeReason::Logout));
    let outcome = under.store.rotate(&preview(&under.new_session("carol"), 0)).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Unknown);
}

/// The epoch that revoked the longest possible session is not purged while the session could be live.
pub(super) async fn purge_brings_no_revoked_session_back(under: StoreUnderTest) {
    let new = under.new_session_with("alice", MAX_ABSOLUTE_LIFETIME, MAX_ABSOLUTE_LIFETIME);
    under.store.create(&new).await.unwrap();
    under.logout_everywhere("alice").await;

    for days in [1, 398, 2, 400] {
        under.clock.advance(HOUR * 24 * days);
        for _ in 0..3 {
            under.store.purge(100).await.unwrap();
        }
        let outcome = under.rotate(&new, 0).await;
        assert!(!is_live(&outcome), "{outcome:?}");
    }
    assert!(under.list("alice").await.is_empty());
}

fn with_secret(new: &NewSession, secret: [u8; 32]) -> NewSession {
    let mut other = new.clone();
    other.secret_hash = SecretHash::from_bytes(secret);
    other
}
