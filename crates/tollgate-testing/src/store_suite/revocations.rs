//! Revocations and their announcements.

use std::collections::HashSet;

use super::*;

pub(super) async fn revocation_holds_during_the_grace_period(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    under.pass_grace_period();
    under.rotate(&new, 0).await;
    assert!(under.logout(&new).await.changed);
    assert!(!under.logout(&new).await.changed, "a repetition changes nothing");
    for generation in [0, 1, 2] {
        assert_eq!(under.rotate(&new, generation).await, RotateOutcome::Revoked(RevokeReason::Logout));
    }
}

pub(super) async fn session_is_revoked_by_its_owner_only(under: StoreUnderTest) {
    let new = under.begin("alice").await;
    let by = |owner: &str| RevokeScope::Session { session: new.session, owner: Some(owner.into()) };
    assert!(!under.revoke(by("bob")).await.changed);
    assert!(is_live(&under.rotate(&new, 0).await));
    assert!(under.announced(None).await.0.is_empty());
    assert!(under.revoke(by("alice")).await.changed);
    assert!(!is_live(&under.rotate(&new, 0).await));
}

pub(super) async fn subject_revocation_covers_all_its_sessions(under: StoreUnderTest) {
    let (one, two, other) =
        (under.begin("alice").await, under.begin("alice").await, under.begin("bob").await);
    // Two revocations within a millisecond, and one after the clock has stepped back.
    for back in [Duration::ZERO, Duration::ZERO, HOUR] {
        under.clock.set(under.clock.now().saturating_sub(back));
        under.logout_everywhere("alice").await;
        let after = under.begin("alice").await;
        assert!(is_live(&under.rotate(&after, 0).await), "a later login is not revoked");
        under.logout_everywhere("alice").await;
        assert!(!is_live(&under.rotate(&after, 0).await));
    }
    assert_eq!(under.rotate(&one, 0).await, RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
    assert_eq!(under.rotate(&two, 5).await, RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
    assert!(is_live(&under.rotate(&other, 0).await));
    assert!(under.list("alice").await.is_empty());
}

pub(super) async fn subject_revocation_keeps_the_named_session(under: StoreUnderTest) {
    let (kept, other, bobs) =
        (under.begin("alice").await, under.begin("alice").await, under.begin("bob").await);
    let all_but =
        |keep: &NewSession| RevokeScope::Subject { subject: "alice".into(), keep: Some(keep.session) };
    under.revoke(all_but(&kept)).await;
    assert!(is_live(&under.rotate(&kept, 0).await));
    assert!(!is_live(&under.rotate(&other, 0).await));
    // Neither a revoked session nor one of another subject can be kept.
    under.revoke(all_but(&other)).await;
    assert!(!is_live(&under.rotate(&other, 0).await));
    assert!(!is_live(&under.rotate(&kept, 0).await));
    under.revoke(all_but(&bobs)).await;
    assert!(is_live(&under.rotate(&bobs, 0).await));
}

pub(super) async fn global_revocation_covers_all_subjects(under: StoreUnderTest) {
    let (alice, bob) = (under.begin("alice").await, under.begin("bob").await);
    under.logout_everywhere("alice").await;
    let again = under.begin("alice").await;
    under.revoke(RevokeScope::Everything).await;
    for session in [&alice, &bob, &again] {
        assert_eq!(under.rotate(session, 0).await, RotateOutcome::Revoked(RevokeReason::SubjectRevoked));
    }
    let after = under.begin("alice").await;
    assert!(is_live(&under.rotate(&after, 0).await));
    under.logout_everywhere("alice").await;
    assert!(!is_live(&under.rotate(&after, 0).await));
}

pub(super) async fn revocations_are_announced(under: StoreUnderTest) {
    let (one, two) = (under.begin("alice").await, under.begin("alice").await);
    let (before, cursor) = under.announced(None).await;
    assert!(before.is_empty());
    under.logout(&one).await;
    under.rotate(&two, 3).await;
    under.pass_grace_period();
    under.rotate(&two, 0).await;
    let (mut found, cursor) = under.announced(Some(cursor)).await;
    // A page may repeat announcements.
    found.dedup();
    assert_eq!(found, [Revocation::Session(one.session), Revocation::Session(two.session)]);
    let three = under.begin("alice").await;
    under.logout_everywhere("alice").await;
    under.revoke(RevokeScope::Everything).await;
    let (later, _) = under.announced(Some(cursor)).await;
    let of_alice = later.iter().find_map(|entry| match entry {
        Revocation::Subject { subject, min_epoch } if &**subject == "alice" => Some(*min_epoch),
        _ => None,
    });
    let of_all = later.iter().find_map(|entry| match entry {
        Revocation::Everything { min_epoch } => Some(*min_epoch),
        _ => None,
    });
    let info = under.store.create(&three).await.unwrap();
    assert!(info.epoch < of_alice.unwrap() && of_alice.unwrap() < of_all.unwrap());
    let (all, _) = under.announced(None).await;
    assert!(all.len() >= 4, "a new reader gets all announcements: {all:?}");
    under.clock.advance(HOUR * 2);
    under.store.purge(100).await.unwrap();
    assert!(under.announced(None).await.0.is_empty());
}

/// A reader that reads page by page misses no announcement, although more are added meanwhile.
pub(super) async fn announcements_are_read_page_by_page(under: StoreUnderTest) {
    let mut revoked = HashSet::new();
    for _ in 0..12 {
        let revoke = |_| {
            let under = under.clone();
            tokio::spawn(async move { begin_and_revoke(&under).await })
        };
        let revoking: Vec<_> = (0..100).map(revoke).collect();
        for session in revoking {
            revoked.insert(session.await.unwrap());
        }
    }
    let (mut announced, mut cursor, mut pages) = (HashSet::new(), None, 0_usize);
    loop {
        let page = under.store.revocations(cursor.as_ref()).await.unwrap();
        pages += 1;
        assert!(pages <= revoked.len(), "the feed has no last page");
        announced.extend(page.entries.into_iter().map(|entry| entry.revocation));
        cursor = Some(page.cursor);
        if pages < 3 {
            revoked.insert(begin_and_revoke(&under).await);
        } else if !page.more {
            break;
        }
    }
    let revoked: HashSet<_> = revoked.into_iter().map(Revocation::Session).collect();
    assert!(announced == revoked, "{} of {} in {pages} pages", announced.len(), revoked.len());
    let last = begin_and_revoke(&under).await;
    let (later, _) = under.announced(cursor).await;
    assert!(later.contains(&Revocation::Session(last)));
}

async fn begin_and_revoke(under: &StoreUnderTest) -> SessionId {
    let new = under.begin("alice").await;
    assert!(under.logout(&new).await.changed);
    new.session
}
