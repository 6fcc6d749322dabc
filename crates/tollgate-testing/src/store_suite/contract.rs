//! Renewing, one after the other.

use tollgate_sessions::{Fingerprint, StoreErrorKind};

use super::*;

pub(super) async fn a_session_goes_on_and_ends_with_reuse(under: StoreUnderTest) {
    let new = under.unborn("alice");
    let view = under.store.create(&new).await.unwrap();
    assert_eq!((view.session, &*view.subject, view.generation), (new.session, "alice", 0));
    assert_eq!(view.meta, new.meta);
    assert_eq!(view.auth_time, under.clock.now());
    let shown = Rotate { fingerprint: Some(Fingerprint::from_bytes([7; 8])), ..rotate(&new, 0) };
    under.pass_window();
    let Rotation::Live(renewed) = under.store.rotate(&shown).await.unwrap() else { panic!("not live") };
    assert_eq!((renewed.kind, renewed.session.generation), (RenewalKind::Rotated, 1));
    assert_eq!(renewed.session.meta, new.meta);
    assert_eq!((renewed.session.auth_time, renewed.session.rotated_at), (view.auth_time, under.clock.now()));
    // The one before, and the new one, are the same answer; its fingerprint is that of the renewal.
    for generation in [0, 1] {
        let Rotation::Live(again) = under.store.rotate(&rotate(&new, generation)).await.unwrap() else {
            panic!("not live")
        };
        assert_eq!((again.kind, again.session.generation), (RenewalKind::Replayed, 1));
        assert_eq!(again.session.fingerprint, shown.fingerprint);
    }
    under.pass_window();
    assert_eq!(live(&under.rotate(&new, 1).await), (RenewalKind::Rotated, 2));
    let Rotation::Reuse(view) = under.rotate(&new, 0).await else { panic!("an old token is theft") };
    assert_eq!((&*view.subject, view.session), ("alice", new.session));
    for generation in [0, 1, 2, 3] {
        assert_eq!(under.rotate(&new, generation).await, Rotation::Ended(EndReason::Reuse));
    }
}

pub(super) async fn creating_again_changes_nothing(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    under.pass_window();
    under.rotate(&new, 0).await;
    under.store.create(&new).await.unwrap();
    assert_eq!(live(&under.rotate(&new, 0).await), (RenewalKind::Replayed, 1));
    let other = NewSession { secret_hash: SecretHash::from_bytes([1; 32]), ..new.clone() };
    assert_eq!(under.store.create(&other).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert!(is_live(&under.rotate(&new, 0).await));
    // Nor does it bring back what was ended.
    under.logout(&new).await;
    under.store.create(&new).await.unwrap();
    assert_eq!(under.rotate(&new, 0).await, Rotation::Ended(EndReason::Logout));
}

pub(super) async fn unknown_and_wrong_secret_are_the_same(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let wrong = NewSession { secret_hash: SecretHash::from_bytes([1; 32]), ..new.clone() };
    under.pass_window();
    for generation in [0, 1, 9] {
        assert_eq!(under.rotate(&wrong, generation).await, Rotation::Unknown);
        assert_eq!(under.rotate(&under.unborn("alice"), generation).await, Rotation::Unknown);
    }
    assert_eq!(live(&under.rotate(&new, 0).await), (RenewalKind::Rotated, 1));
    under.logout(&new).await;
    assert_eq!(under.rotate(&wrong, 0).await, Rotation::Unknown);
}

pub(super) async fn nothing_but_create_adds_a_session(under: StoreUnderTest) {
    let unborn = under.unborn("alice");
    assert_eq!(under.rotate(&unborn, 0).await, Rotation::Unknown);
    assert!(!under.logout(&unborn).await.changed);
    under.revoke(RevokeScope::Subject { subject: "alice".into(), keep: Some(unborn.session) }).await;
    assert_eq!(under.rotate(&unborn, 0).await, Rotation::Unknown);
    assert!(under.list("alice").await.is_empty());
}

pub(super) async fn limits_hold_to_the_millisecond(under: StoreUnderTest) {
    let millisecond = Duration::from_millis(1);
    let over = |rotation: &Rotation| matches!(rotation, Rotation::Expired(_) | Rotation::Unknown);
    let short = |idle, absolute| NewSession { idle, absolute, ..under.unborn("alice") };
    let (idle, absolute) = (short(HOUR, HOUR * 3), short(HOUR, HOUR + millisecond * 5));
    under.store.create(&idle).await.unwrap();
    let view = under.store.create(&absolute).await.unwrap();
    under.clock.advance(HOUR - millisecond);
    assert!(is_live(&under.rotate(&idle, 0).await));
    let Rotation::Live(renewed) = under.rotate(&absolute, 0).await else { panic!("not live") };
    assert_eq!(renewed.session.absolute_expiry, view.absolute_expiry);
    assert_eq!(renewed.session.idle_expiry, view.absolute_expiry, "idle ends with absolute");
    under.clock.advance(millisecond * 6);
    assert!(over(&under.rotate(&absolute, 1).await), "renewal does not extend the absolute limit");
    assert!(is_live(&under.rotate(&idle, 1).await));
    under.clock.advance(HOUR);
    assert!(over(&under.rotate(&idle, 1).await));
    assert!(under.list("alice").await.is_empty());
}

pub(super) async fn a_clock_that_steps_back_logs_nobody_out(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let before = under.clock.now();
    under.pass_window();
    under.rotate(&new, 0).await;
    under.clock.set(before.saturating_sub(HOUR));
    for generation in [0, 1] {
        assert_eq!(live(&under.rotate(&new, generation).await), (RenewalKind::Replayed, 1));
    }
}

pub(super) async fn ahead_of_the_store(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    assert_eq!(live(&under.rotate(&new, 4).await), (RenewalKind::Ahead, 5));
    assert_eq!(live(&under.rotate(&new, 4).await), (RenewalKind::Replayed, 5));
    let strict = RotationPolicy::default().without_accepting_ahead();
    let command = Rotate { policy: strict, ..rotate(&new, 9) };
    assert!(matches!(under.store.rotate(&command).await.unwrap(), Rotation::Reuse(_)));
}

pub(super) async fn displacement_where_it_is_wanted(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    under.pass_window();
    under.rotate(&new, 0).await;
    under.pass_window();
    let policy = RotationPolicy::default().with_recovery(HOUR * 24);
    let present = |generation| Rotate { policy, ..rotate(&new, generation) };
    assert_eq!(live(&under.store.rotate(&present(0)).await.unwrap()), (RenewalKind::Displaced, 2));
    // Whoever holds the displaced one is noticed.
    assert!(matches!(under.store.rotate(&present(1)).await.unwrap(), Rotation::Reuse(_)));
}

pub(super) async fn lists_are_of_live_sessions_last_renewed_first(under: StoreUnderTest) {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(under.begin("alice").await);
        under.pass_window();
    }
    under.begin("bob").await;
    let [first, second, third, fourth] = all.as_slice() else { panic!("four") };
    under.rotate(first, 0).await;
    under.logout(third).await;
    let ids = |views: Vec<SessionView>| views.iter().map(|view| view.session).collect::<Vec<_>>();
    assert_eq!(ids(under.list("alice").await), [first.session, fourth.session, second.session]);
    assert_eq!(ids(under.store.list("alice", 2).await.unwrap()), [first.session, fourth.session]);
    assert!(under.list("nobody").await.is_empty());
}

pub(super) async fn purging_takes_no_live_session(under: StoreUnderTest) {
    let mut short = Vec::new();
    for _ in 0..30 {
        let new = NewSession { idle: HOUR, ..under.unborn("alice") };
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
        assert!(matches!(under.rotate(new, 0).await, Rotation::Unknown | Rotation::Expired(_)));
    }
    assert!(under.announced(None).await.0.is_empty(), "what no token needs is forgotten");
}
