//! Concurrent calls.

use std::collections::BTreeSet;

use super::*;

const RACERS: [usize; 4] = [2, 8, 64, 256];

/// One of the calls rotates the session, and all of them get the same successor.
pub(super) async fn racing_refreshes_rotate_once_to_one_successor(under: StoreUnderTest) {
    for racers in RACERS {
        let new = under.begin("alice").await;
        under.pass_grace_period();
        let outcomes = join(race(&under, &new, racers)).await;
        let rotated = outcomes.iter().filter(|outcome| live(outcome).0 == RefreshKind::Rotated).count();
        let successors: BTreeSet<u32> = outcomes.iter().map(|outcome| live(outcome).1).collect();
        assert_eq!((outcomes.len(), rotated), (racers, 1), "{racers} racers");
        assert_eq!(successors, BTreeSet::from([1]), "{racers} racers");
    }
}

pub(super) async fn logout_racing_refreshes_leaves_no_live_session(under: StoreUnderTest) {
    for racers in RACERS {
        let new = under.begin("alice").await;
        under.pass_grace_period();
        let before = race(&under, &new, racers / 2);
        let revoking = under.clone();
        let session = new.clone();
        let logout = tokio::spawn(async move { revoking.logout(&session).await });
        let during = race(&under, &new, racers / 2);
        assert!(logout.await.unwrap().changed);
        let after = join(race(&under, &new, racers)).await;
        assert!(
            after.iter().all(|outcome| *outcome == RotateOutcome::Revoked(RevokeReason::Logout)),
            "{after:?}"
        );
        join(before).await;
        join(during).await;
        assert!(under.list("alice").await.is_empty(), "no refresh brings a session back");
    }
}

pub(super) async fn subject_revocation_racing_refreshes_leaves_no_live_session(under: StoreUnderTest) {
    for racers in RACERS {
        let (one, two) = (under.begin("alice").await, under.begin("alice").await);
        under.pass_grace_period();
        let before = [race(&under, &one, racers / 2), race(&under, &two, racers / 2)];
        let revoking = under.clone();
        let logout = tokio::spawn(async move { revoking.logout_everywhere("alice").await });
        let during = [race(&under, &one, racers / 2), race(&under, &two, racers / 2)];
        logout.await.unwrap();
        for session in [&one, &two] {
            let after = join(race(&under, session, racers)).await;
            assert!(
                after.iter().all(|outcome| *outcome == RotateOutcome::Revoked(RevokeReason::SubjectRevoked))
            );
        }
        for tasks in before.into_iter().chain(during) {
            join(tasks).await;
        }
        assert!(under.list("alice").await.is_empty());
        let after = under.begin("alice").await;
        assert!(is_live(&under.rotate(&after, 0).await));
        under.logout(&after).await;
    }
}

/// In any order, the session that one revocation keeps is revoked by the other.
pub(super) async fn racing_subject_revocations_keep_only_sessions_that_both_keep(under: StoreUnderTest) {
    for round in 0..40 {
        let kept = under.begin("alice").await;
        let keep = RevokeScope::Subject { subject: "alice".into(), keep: Some(kept.session) };
        let other = if round % 2 == 0 {
            RevokeScope::Everything
        } else {
            RevokeScope::Subject { subject: "alice".into(), keep: None }
        };
        let both = [keep, other].map(|scope| {
            let under = under.clone();
            tokio::spawn(async move { under.revoke(scope).await })
        });
        for revoking in both {
            revoking.await.unwrap();
        }
        assert_eq!(
            under.rotate(&kept, 0).await,
            RotateOutcome::Revoked(RevokeReason::SubjectRevoked),
            "round {round}"
        );
    }
}

pub(super) async fn racing_refreshes_of_different_sessions_do_not_mix(under: StoreUnderTest) {
    let mut sessions = Vec::new();
    for number in 0..32 {
        sessions.push(under.begin(&format!("subject-{number}")).await);
    }
    under.pass_grace_period();
    let races: Vec<_> = sessions.iter().map(|session| (session, race(&under, session, 4))).collect();
    for (session, tasks) in races {
        for outcome in join(tasks).await {
            let RotateOutcome::Live(refreshed) = outcome else { panic!("{outcome:?}") };
            assert_eq!(
                (refreshed.session.session, &refreshed.session.subject),
                (session.session, &session.subject)
            );
        }
    }
}

type Racers = Vec<tokio::task::JoinHandle<RotateOutcome>>;

fn race(under: &StoreUnderTest, session: &NewSession, racers: usize) -> Racers {
    let start = |_| {
        let (under, session) = (under.clone(), session.clone());
        tokio::spawn(async move { under.rotate(&session, 0).await })
    };
    (0..racers).map(start).collect()
}

async fn join(racers: Racers) -> Vec<RotateOutcome> {
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.unwrap());
    }
    outcomes
}
