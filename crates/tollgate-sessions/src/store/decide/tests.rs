//! Every row of the table, and the invariants under any sequence of operations.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::session::{Lifetimes, NewSession, SecretHash, SessionId};
use crate::store::{RefreshPolicy, RotateLifetimes};

const START: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const EPOCH: i64 = 7;

fn record() -> SessionRecord {
    let lifetimes = Lifetimes::new(DAY * 14, DAY * 30).unwrap();
    let new = NewSession::new(session(), "alice", SecretHash::from_bytes([2; 32]), lifetimes);

    // At generation 5, reached from 4 a moment after the login.
    SessionRecord { generation: 5, previous_generation: Some(4), ..SessionRecord::begin(&new, EPOCH, START) }
}

fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

fn after(millis: i64) -> UnixMillis {
    UnixMillis::from_millis(START.as_millis() + millis)
}

fn policy() -> RefreshPolicy {
    RefreshPolicy::default()
}

fn commit(generation: u32, policy: RefreshPolicy) -> RotateRequest {
    let lifetimes = RotateLifetimes { idle: DAY, announce_for: Duration::ZERO };
    RotateRequest::new(session(), generation, SecretHash::from_bytes([2; 32]), lifetimes).with_policy(policy)
}

fn preview(generation: u32, policy: RefreshPolicy) -> RotateRequest {
    commit(generation, policy).with_mode(RotateMode::Preview)
}

fn rotated(generation: u32, previous: u32, kind: RefreshKind) -> RefreshDecision {
    RefreshDecision::Rotate { expect: 5, generation, previous, kind }
}

const REPLAY: RefreshDecision = RefreshDecision::Replay { generation: 5 };
const REUSE: RefreshDecision = RefreshDecision::Reuse { expect: 5 };

#[test]
fn decide_follows_the_table() {
    let recovering = policy().with_recovery_period(DAY).unwrap();
    let strict = policy().with_grace_period(Duration::ZERO).unwrap();
    let behind = policy().without_accepting_newer();
    // The policy, the generation presented, milliseconds since the last rotation, and the decision.
    let table = [
        // During the grace period, the current token and the one before it are answered alike.
        (policy(), 5, 0, REPLAY),
        (policy(), 5, 29_999, REPLAY),
        (policy(), 4, 29_999, REPLAY),
        // A clock that stepped back is still within it.
        (policy(), 5, -60_000, REPLAY),
        (policy(), 4, -60_000, REPLAY),
        // After it, the current token rotates and the one before it is a sign of theft.
        (policy(), 5, 30_000, rotated(6, 5, RefreshKind::Rotated)),
        (policy(), 4, 30_000, REUSE),
        // An older token is a sign of theft at any time.
        (policy(), 3, 0, REUSE),
        (policy(), 0, 0, REUSE),
        (policy(), 3, 1_000_000, REUSE),
        // A newer token means that the store has lost writes.
        (policy(), 6, 0, rotated(7, 6, RefreshKind::StoreBehind)),
        (policy(), 9, 1_000_000, rotated(10, 9, RefreshKind::StoreBehind)),
        (behind, 6, 0, REUSE),
        // The previous token recovers the session within the recovery period, and no later.
        (recovering, 4, 29_999, REPLAY),
        (recovering, 4, 30_000, rotated(6, 4, RefreshKind::Recovered)),
        (recovering, 4, 86_399_999, rotated(6, 4, RefreshKind::Recovered)),
        (recovering, 4, 86_400_000, REUSE),
        (recovering, 3, 30_000, REUSE),
        (recovering, 5, 30_000, rotated(6, 5, RefreshKind::Rotated)),
        // Without a grace period every token can be used once.
        (strict, 5, 0, rotated(6, 5, RefreshKind::Rotated)),
        (strict, 4, 0, REUSE),
    ];

    for (policy, presented, millis, expected) in table {
        let decision = decide(&record(), EPOCH, &commit(presented, policy), after(millis));
        assert_eq!(decision, expected, "{presented} after {millis} ms by {policy:?}");
    }
}

#[test]
fn preview_replays_whatever_may_rotate_and_decides_the_rest_as_a_commit() {
    let strict = policy().with_grace_period(Duration::ZERO).unwrap();
    for policy in [policy(), strict, policy().without_accepting_newer()] {
        for millis in [0, 29_999, 30_000, 86_400_000] {
            for current_or_previous in [4, 5] {
                let request = preview(current_or_previous, policy);
                assert_eq!(decide(&record(), EPOCH, &request, after(millis)), REPLAY);
            }
            for other in [0, 3, 6, 9, u32::MAX] {
                let [preview, commit] = [preview(other, policy), commit(other, policy)]
                    .map(|request| decide(&record(), EPOCH, &request, after(millis)));
                assert_eq!(preview, commit, "{other} after {millis} ms by {policy:?}");
            }
        }
    }
}

/// Whatever is presented, and when: revocation comes first, then the epoch, the absolute lifetime, the idle lifetime.
#[test]
fn decide_looks_for_revocation_before_expiry_and_expiry_before_generations() {
    let revoked = SessionRecord { state: SessionState::Revoked(RevokeReason::Logout), ..record() };
    let far = after(i64::MAX / 2);
    let idle = record().idle_expiry;
    for presented in [0, 3, 4, 5, 6, u32::MAX] {
        for request in [commit(presented, policy()), preview(presented, policy())] {
            let at = |record: &SessionRecord, epoch, now| decide(record, epoch, &request, now);
            let subject_revoked = RefreshDecision::Revoked(RevokeReason::SubjectRevoked);

            assert_eq!(at(&revoked, EPOCH, START), RefreshDecision::Revoked(RevokeReason::Logout));
            assert_eq!(at(&revoked, EPOCH + 1, far), RefreshDecision::Revoked(RevokeReason::Logout));
            assert_eq!(at(&record(), EPOCH + 1, START), subject_revoked);
            assert_eq!(at(&record(), EPOCH + 1, far), subject_revoked);
            assert_eq!(at(&record(), EPOCH, far), RefreshDecision::Expired(ExpiryKind::Absolute));
            let absolute = record().absolute_expiry;
            assert_eq!(at(&record(), EPOCH, absolute), RefreshDecision::Expired(ExpiryKind::Absolute));
            assert_eq!(at(&record(), EPOCH, idle), RefreshDecision::Expired(ExpiryKind::Idle));

            // Revoked at the very moment at which it rotated: the grace period does not bring it back.
            let fresh = SessionRecord { rotated_at: START, ..revoked.clone() };
            assert_eq!(at(&fresh, EPOCH, START), RefreshDecision::Revoked(RevokeReason::Logout));
        }
    }

    let last = UnixMillis::from_millis(idle.as_millis() - 1);
    let request = commit(5, policy());
    assert_eq!(decide(&record(), EPOCH, &request, last), rotated(6, 5, RefreshKind::Rotated));
    assert_eq!(decide(&record(), EPOCH - 1, &request, last), rotated(6, 5, RefreshKind::Rotated));
}

#[test]
fn session_without_a_next_generation_has_expired() {
    let last = SessionRecord { generation: u32::MAX, previous_generation: None, ..record() };
    let request = commit(u32::MAX, policy());
    let expired = RefreshDecision::Expired(ExpiryKind::Absolute);
    assert_eq!(decide(&last, EPOCH, &request, after(60_000)), expired);
    assert_eq!(decide(&record(), EPOCH, &request, START), expired);
}

#[test]
fn refresh_policy_rejects_periods_out_of_bounds() {
    let longer = |duration: Duration| duration + Duration::from_millis(1);
    assert!(policy().with_grace_period(RefreshPolicy::MAX_GRACE_PERIOD).is_ok());
    assert!(policy().with_grace_period(longer(RefreshPolicy::MAX_GRACE_PERIOD)).is_err());
    assert!(policy().with_recovery_period(RefreshPolicy::MAX_RECOVERY_PERIOD).is_ok());
    assert!(policy().with_recovery_period(longer(RefreshPolicy::MAX_RECOVERY_PERIOD)).is_err());
}

/// Which token of the session is presented.
#[derive(Clone, Copy, Debug)]
enum Presented {
    Current,
    Previous,
    Older(u32),
    Newer(u32),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Present(Presented, RotateMode),
    Tick(i64),
    Revoke,
    RaiseEpoch,
}

fn step() -> impl Strategy<Value = Step> {
    let mode = || prop_oneof![3 => Just(RotateMode::Commit), 1 => Just(RotateMode::Preview)];
    prop_oneof![
        4 => mode().prop_map(|mode| Step::Present(Presented::Current, mode)),
        3 => mode().prop_map(|mode| Step::Present(Presented::Previous, mode)),
        1 => (2_u32..9, mode()).prop_map(|(by, mode)| Step::Present(Presented::Older(by), mode)),
        1 => (1_u32..4, mode()).prop_map(|(by, mode)| Step::Present(Presented::Newer(by), mode)),
        6 => (-5_000_i64..60_000).prop_map(Step::Tick),
        1 => (0_i64..40).prop_map(|hours| Step::Tick(hours * 3_600_000)),
        1 => Just(Step::Revoke),
        1 => Just(Step::RaiseEpoch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn decide_keeps_its_invariants(steps in proptest::collection::vec(step(), 1..60), recovery in any::<bool>()) {
        let policy = if recovery { policy().with_recovery_period(DAY).unwrap() } else { policy() };
        let mut record = SessionRecord { generation: 0, previous_generation: None, ..record() };
        let (mut now, mut epoch, mut revoked) = (START, EPOCH, false);
        let absolute = record.absolute_expiry;
        let mut rotated_from = Vec::new();

        for step in steps {
            let (presented, mode) = match step {
                Step::Tick(millis) => {
                    now = UnixMillis::from_millis(now.as_millis() + millis);
                    continue;
                }
                Step::Revoke => {
                    record.revoke(RevokeReason::Logout, now);
                    revoked = true;
                    continue;
                }
                Step::RaiseEpoch => {
                    epoch += 1;
                    revoked = true;
                    continue;
                }
                Step::Present(Presented::Current, mode) => (record.generation, mode),
                Step::Present(Presented::Previous, mode) => (record.previous_generation.unwrap_or(0), mode),
                Step::Present(Presented::Older(by), mode) => (record.generation.saturating_sub(by), mode),
                Step::Present(Presented::Newer(by), mode) => (record.generation + by, mode),
            };
            let request = commit(presented, policy).with_mode(mode);
            let before = record.clone();
            let decision = decide(&record, epoch, &request, now);
            let outcome = decision.apply(&mut record, &request, now);

            // A revoked session stays revoked (I4, I5).
            let live = matches!(outcome, RotateOutcome::Live(_));
            prop_assert!(!(revoked && live), "{decision:?} after a revocation");
            revoked |= matches!(outcome, RotateOutcome::Reuse(_));

            // Each generation rotates once (I1); generations never go back (I3).
            if let RefreshDecision::Rotate { kind: RefreshKind::Rotated, expect, .. } = decision {
                prop_assert!(!rotated_from.contains(&expect), "{expect} rotated twice");
                rotated_from.push(expect);
            }
            prop_assert!(record.generation >= before.generation);

            // No call moves the absolute expiry, and no session outlives it (I6).
            prop_assert_eq!(record.absolute_expiry, absolute);
            prop_assert!(record.idle_expiry <= absolute);

            // A token that is presented again during the grace period has the same successor (I2).
            if let RotateOutcome::Live(refreshed) = &outcome {
                prop_assert_eq!(refreshed.session.generation, record.generation);
                let again = decide(&record, epoch, &request, now);
                prop_assert_eq!(again, RefreshDecision::Replay { generation: record.generation });
            }

            // Two generations behind is theft at any age, if the session is live at all (I7).
            let stale = presented < before.generation && Some(presented) != before.previous_generation;
            if stale && !matches!(decision, RefreshDecision::Revoked(_) | RefreshDecision::Expired(_)) {
                prop_assert_eq!(decision, RefreshDecision::Reuse { expect: before.generation });
            }

            // Only a rotation and a reuse change the record. A preview of the current token changes nothing.
            if !matches!(decision, RefreshDecision::Rotate { .. } | RefreshDecision::Reuse { .. }) {
                prop_assert_eq!(&record, &before);
            }
            let known = presented == before.generation || Some(presented) == before.previous_generation;
            if mode == RotateMode::Preview && known {
                prop_assert_eq!(&record, &before);
            }
        }
    }
}
