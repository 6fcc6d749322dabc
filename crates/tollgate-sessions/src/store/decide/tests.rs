//! Every row of the table, and the invariants under any sequence of operations.

use proptest::prelude::*;

use super::*;
use crate::session::{NewSession, SecretHash, SessionId};

const START: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const EPOCH: i64 = 7;

fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

fn record() -> SessionRecord {
    let new = NewSession {
        session: session(),
        subject: "alice".into(),
        secret_hash: SecretHash::from_bytes([2; 32]),
        idle: DAY * 14,
        absolute: DAY * 30,
        fingerprint: None,
        meta: None,
    };
    // At generation 5, reached from 4 a moment after the login.
    SessionRecord { generation: 5, grace: Some(4), ..SessionRecord::begin(&new, EPOCH, START) }
}

fn after(millis: i64) -> UnixMillis {
    UnixMillis::from_millis(START.as_millis() + millis)
}

fn policy() -> RotationPolicy {
    RotationPolicy::default()
}

fn advance(generation: u32, grace: u32, kind: RenewalKind) -> Decision {
    Decision::Advance { expect: 5, generation, grace, kind }
}

const REPLAY: Decision = Decision::Replay { generation: 5 };
const REUSE: Decision = Decision::Reuse { expect: 5 };

#[test]
fn the_table() {
    let recovering = policy().with_recovery(DAY);
    let strict = policy().with_window(Duration::ZERO);
    let behind = policy().without_accepting_ahead();
    // The policy, the generation presented, milliseconds since the last renewal, and what it does.
    let table = [
        // Within the window, the current token and the one before it are answered alike.
        (policy(), 5, 0, REPLAY),
        (policy(), 5, 29_999, REPLAY),
        (policy(), 4, 29_999, REPLAY),
        // A clock that stepped back is within it.
        (policy(), 5, -60_000, REPLAY),
        (policy(), 4, -60_000, REPLAY),
        // After it, the current token rotates and the one before it is a sign of theft.
        (policy(), 5, 30_000, advance(6, 5, RenewalKind::Rotated)),
        (policy(), 4, 30_000, REUSE),
        // Anything older is so at any time.
        (policy(), 3, 0, REUSE),
        (policy(), 0, 0, REUSE),
        (policy(), 3, 1_000_000, REUSE),
        // Ahead of the store: the store has lost writes.
        (policy(), 6, 0, advance(7, 6, RenewalKind::Ahead)),
        (policy(), 9, 1_000_000, advance(10, 9, RenewalKind::Ahead)),
        (behind, 6, 0, REUSE),
        // Displacement, where it is wanted, and no longer than that.
        (recovering, 4, 29_999, REPLAY),
        (recovering, 4, 30_000, advance(6, 4, RenewalKind::Displaced)),
        (recovering, 4, 86_399_999, advance(6, 4, RenewalKind::Displaced)),
        (recovering, 4, 86_400_000, REUSE),
        (recovering, 3, 30_000, REUSE),
        (recovering, 5, 30_000, advance(6, 5, RenewalKind::Rotated)),
        // Without a window every token is good once.
        (strict, 5, 0, advance(6, 5, RenewalKind::Rotated)),
        (strict, 4, 0, REUSE),
    ];
    for (policy, presented, millis, expected) in table {
        let decision = decide(&record(), EPOCH, presented, after(millis), &policy);
        assert_eq!(decision, expected, "{presented} after {millis} ms by {policy:?}");
    }
}

/// Whatever is presented and when: an end comes first, then the epoch, then the absolute limit, then the idle one.
#[test]
fn the_order_of_ends() {
    let ended = SessionRecord { state: SessionState::Ended(EndReason::Logout), ..record() };
    let over = after(i64::MAX / 2);
    let idle = record().idle_expiry;
    for presented in [0, 3, 4, 5, 6, u32::MAX] {
        let at = |record: &SessionRecord, epoch, now| decide(record, epoch, presented, now, &policy());
        assert_eq!(at(&ended, EPOCH, START), Decision::Ended(EndReason::Logout));
        assert_eq!(at(&ended, EPOCH + 1, over), Decision::Ended(EndReason::Logout));
        assert_eq!(at(&record(), EPOCH + 1, START), Decision::Ended(EndReason::SubjectRevoked));
        assert_eq!(at(&record(), EPOCH + 1, over), Decision::Ended(EndReason::SubjectRevoked));
        assert_eq!(at(&record(), EPOCH, over), Decision::Expired(Expiry::Absolute));
        assert_eq!(at(&record(), EPOCH, record().absolute_expiry), Decision::Expired(Expiry::Absolute));
        assert_eq!(at(&record(), EPOCH, idle), Decision::Expired(Expiry::Idle));
        // Ended at the very moment at which it was rotated: the window does not bring it back.
        let fresh = SessionRecord { rotated_at: START, ..ended.clone() };
        assert_eq!(at(&fresh, EPOCH, START), Decision::Ended(EndReason::Logout));
    }
    let last = UnixMillis::from_millis(idle.as_millis() - 1);
    assert_eq!(decide(&record(), EPOCH, 5, last, &policy()), advance(6, 5, RenewalKind::Rotated));
    assert_eq!(decide(&record(), EPOCH - 1, 5, last, &policy()), advance(6, 5, RenewalKind::Rotated));
}

#[test]
fn a_session_without_generations_left_is_over() {
    let last = SessionRecord { generation: u32::MAX, grace: None, ..record() };
    assert_eq!(decide(&last, EPOCH, u32::MAX, after(60_000), &policy()), Decision::Expired(Expiry::Absolute));
    assert_eq!(decide(&record(), EPOCH, u32::MAX, START, &policy()), Decision::Expired(Expiry::Absolute));
}

#[test]
fn policies_stay_within_their_bounds() {
    let widest = policy().with_window(Duration::MAX).with_recovery(Duration::MAX);
    assert_eq!(
        (widest.window, widest.recover_lost_for),
        (RotationPolicy::MAX_WINDOW, RotationPolicy::MAX_RECOVERY)
    );
}

fn command(generation: u32, policy: RotationPolicy) -> Rotate {
    Rotate {
        session: session(),
        generation,
        secret_hash: SecretHash::from_bytes([2; 32]),
        fingerprint: None,
        policy,
        idle: DAY,
        announce_for: Duration::ZERO,
    }
}

/// Which token of the session is presented.
#[derive(Clone, Copy, Debug)]
enum Presented {
    Current,
    Previous,
    Older(u32),
    Ahead(u32),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Present(Presented),
    Tick(i64),
    End,
    RaiseEpoch,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Present(Presented::Current)),
        3 => Just(Step::Present(Presented::Previous)),
        1 => (2_u32..9).prop_map(|by| Step::Present(Presented::Older(by))),
        1 => (1_u32..4).prop_map(|by| Step::Present(Presented::Ahead(by))),
        6 => (-5_000_i64..60_000).prop_map(Step::Tick),
        1 => (0_i64..40).prop_map(|hours| Step::Tick(hours * 3_600_000)),
        1 => Just(Step::End),
        1 => Just(Step::RaiseEpoch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn invariants(steps in proptest::collection::vec(step(), 1..60), recovery in any::<bool>()) {
        let policy = if recovery { policy().with_recovery(DAY) } else { policy() };
        let mut record = SessionRecord { generation: 0, grace: None, ..record() };
        let (mut now, mut epoch, mut over) = (START, EPOCH, false);
        let absolute = record.absolute_expiry;
        let mut rotated_from = Vec::new();
        for step in steps {
            let presented = match step {
                Step::Tick(millis) => {
                    now = UnixMillis::from_millis(now.as_millis() + millis);
                    continue;
                }
                Step::End => {
                    record.end(EndReason::Logout, now);
                    over = true;
                    continue;
                }
                Step::RaiseEpoch => {
                    epoch += 1;
                    over = true;
                    continue;
                }
                Step::Present(Presented::Current) => record.generation,
                Step::Present(Presented::Previous) => record.grace.unwrap_or(0),
                Step::Present(Presented::Older(by)) => record.generation.saturating_sub(by),
                Step::Present(Presented::Ahead(by)) => record.generation + by,
            };
            let before = record.clone();
            let decision = decide(&record, epoch, presented, now, &policy);
            let rotation = record.settle(&decision, &command(presented, policy), now);
            // What is over stays so (I4, I5).
            let live = matches!(rotation, Rotation::Live(_));
            prop_assert!(!(over && live), "{decision:?} after an end");
            over |= matches!(rotation, Rotation::Reuse(_));
            // Each generation rotates once (I1); generations never go back (I3).
            if let Decision::Advance { kind: RenewalKind::Rotated, expect, .. } = decision {
                prop_assert!(!rotated_from.contains(&expect), "{expect} rotated twice");
                rotated_from.push(expect);
            }
            prop_assert!(record.generation >= before.generation);
            // Nothing moves the absolute limit, and nothing outlives it (I6).
            prop_assert_eq!(record.absolute_expiry, absolute);
            prop_assert!(record.idle_expiry <= absolute);
            // What was presented again within the window has the same successor (I2).
            if let Rotation::Live(renewed) = &rotation {
                prop_assert_eq!(renewed.session.generation, record.generation);
                let again = decide(&record, epoch, presented, now, &policy);
                prop_assert_eq!(again, Decision::Replay { generation: record.generation });
            }
            // Two generations behind is theft at any age, if the session is live at all (I7).
            let stale = presented < before.generation && Some(presented) != before.grace;
            if stale && !matches!(decision, Decision::Ended(_) | Decision::Expired(_)) {
                prop_assert_eq!(decision, Decision::Reuse { expect: before.generation });
            }
            // Answers that are no change change nothing.
            if !matches!(decision, Decision::Advance { .. } | Decision::Reuse { .. }) {
                prop_assert_eq!(&record, &before);
            }
        }
    }
}
