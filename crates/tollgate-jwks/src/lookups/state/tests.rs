use tollgate::Issuer;

use super::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(since_start: u64) -> Moment {
    Moment::after_start(secs(since_start))
}

fn issuer(name: &str) -> Issuer {
    Issuer::new(name).unwrap()
}

fn limits() -> Limits {
    Limits {
        max_values: 1024,
        lifetime: secs(300),
        max_age: secs(3600),
        retry: secs(5),
        max_absent: 4096,
        absent_for: secs(60),
        max_in_flight: 2,
        interval: secs(1),
        burst: 4,
        timeout: Duration::from_secs(5),
        max_waiting: 1024,
    }
}

/// A lifetime of 300 s, a maximum age of 3600 s, a retry after 5 s, and 2 lookups in flight.
fn state() -> State<Issuer, u32> {
    State::new(limits())
}

fn begin(state: &mut State<Issuer, u32>, name: &str, now: Moment) -> Flight<Issuer> {
    match state.ask(&issuer(name), now) {
        Demand::Begin(flight) => flight,
        other => panic!("{other:?}"),
    }
}

/// Returns a state with the verifier 1 of the issuer `a`, looked up at the start.
fn with_a() -> State<Issuer, u32> {
    let mut state = state();
    let flight = begin(&mut state, "a", at(0));
    state.finish(flight, Outcome::Found(1), at(0));
    state
}

/// Returns the verifier of `name` that a request would use.
fn used(state: &State<Issuer, u32>, name: &str, now: Moment) -> Option<u32> {
    let slot = state.slots().get(name).filter(|slot| slot.is_usable(now))?;
    slot.touch(now);
    Some(slot.value)
}

#[test]
fn requests_share_one_lookup_per_issuer() {
    let mut state = state();
    let flight = begin(&mut state, "a", at(0));
    assert_eq!(flight.age, None);
    assert_eq!(state.ask(&issuer("a"), at(0)), Demand::Join);
    let other = begin(&mut state, "b", at(0));
    state.finish(flight, Outcome::Found(1), at(1));
    assert_eq!(state.ask(&issuer("a"), at(1)), Demand::Known, "a late request decides again");
    assert_eq!((used(&state, "a", at(1)), used(&state, "b", at(1))), (Some(1), None));
    state.finish(other, Outcome::Unknown, at(1));
    assert_eq!(state.ask(&issuer("b"), at(60)), Demand::Refused, "the negative cache");
    assert_eq!(state.why_unavailable(&issuer("b"), at(60)), None);
    begin(&mut state, "b", at(61));
}

#[test]
fn verifier_is_looked_up_again_in_the_background() {
    let mut state = with_a();
    let slot = |state: &State<Issuer, u32>| Arc::clone(&state.slots()["a"]);
    assert!(!slot(&state).touch(at(239)));
    assert_eq!(state.refresh(&issuer("a"), at(239)), None);
    assert!(slot(&state).touch(at(240)), "80 % of the lifetime");
    assert!(!slot(&state).touch(at(240)), "one request demands it");
    let flight = state.refresh(&issuer("a"), at(240)).unwrap();
    assert_eq!(flight.age, Some(secs(240)));
    assert_eq!(state.refresh(&issuer("a"), at(241)), None, "one at a time");
    assert_eq!(used(&state, "a", at(241)), Some(1), "meanwhile");
    state.finish(flight, Outcome::Unchanged, at(242));
    assert_eq!(used(&state, "a", at(539)), Some(1), "a lifetime from the start of the lookup");
    assert_eq!(used(&state, "a", at(540)), None);
    let flight = begin(&mut state, "a", at(540));
    assert_eq!(flight.age, Some(secs(540)), "since the lookup that returned it");
    state.finish(flight, Outcome::Found(2), at(541));
    assert_eq!(used(&state, "a", at(541)), Some(2));
}

#[test]
fn removed_issuer_is_rejected_within_the_lifetime() {
    let mut state = with_a();
    assert_eq!(used(&state, "a", at(299)), Some(1));
    assert_eq!(used(&state, "a", at(300)), None, "a request waits for the lookup");
    let flight = begin(&mut state, "a", at(300));
    state.finish(flight, Outcome::Unknown, at(301));
    assert_eq!(used(&state, "a", at(301)), None);
    assert_eq!(state.ask(&issuer("a"), at(302)), Demand::Refused);
    assert_eq!(state.why_unavailable(&issuer("a"), at(302)), None);
}

#[test]
fn old_verifier_bridges_failed_lookups_until_the_maximum_age() {
    let mut state = with_a();
    let mut now = at(300);
    let flight = begin(&mut state, "a", now);
    state.finish(flight, Outcome::Failed, now);
    let mut lookups = 1;
    while used(&state, "a", now).is_some() {
        now = now.plus(secs(1));
        if let Some(flight) = state.refresh(&issuer("a"), now) {
            lookups += 1;
            state.finish(flight, Outcome::Failed, now);
        }
    }
    assert_eq!((now, lookups), (at(3600), 1 + (3600 - 300) / 5));
    assert_eq!(state.ask(&issuer("a"), at(3601)), Demand::Refused, "the pause");
    assert_eq!(state.why_unavailable(&issuer("a"), at(3601)), Some(secs(4)));
    let flight = begin(&mut state, "a", at(3605));
    state.finish(flight, Outcome::Unchanged, at(3606));
    assert_eq!((used(&state, "a", at(3606)), state.failures()), (Some(1), 0));
}

#[test]
fn made_up_issuers_cause_a_bounded_number_of_lookups() {
    let mut state = with_a();
    let (mut lookups, mut pending) = (0, std::collections::VecDeque::new());
    for n in 0..10_000_u64 {
        let now = Moment::after_start(Duration::from_millis(5000 + n));
        match state.ask(&issuer(&format!("made-up-{n}")), now) {
            Demand::Begin(flight) => {
                lookups += 1;
                pending.push_back((now.plus(Duration::from_millis(100)), flight));
            }
            Demand::Refused => {
                let why = state.why_unavailable(&issuer(&format!("made-up-{n}")), now);
                assert_eq!(why, Some(secs(1)), "it was never looked up");
            }
            other => panic!("{other:?}"),
        }
        assert!(pending.len() <= 2);
        while pending.front().is_some_and(|(ends, _)| *ends <= now) {
            state.finish(pending.pop_front().unwrap().1, Outcome::Unknown, now);
        }
    }
    assert!((13..=14).contains(&lookups), "a burst of 4, and 1 a second for 10 s: {lookups}");
    // Known issuers do not depend on the limits.
    let mut state = with_a();
    let _pending = [begin(&mut state, "x", at(299)), begin(&mut state, "y", at(299))];
    assert_eq!(state.ask(&issuer("z"), at(299)), Demand::Refused);
    begin(&mut state, "a", at(300));
}

#[test]
fn issuer_that_no_lookup_denied_is_503() {
    let mut state = state();
    let flight = begin(&mut state, "a", at(0));
    assert_eq!(state.why_unavailable(&issuer("a"), at(0)), Some(secs(1)), "pending");
    state.finish(flight, Outcome::Failed, at(1));
    assert_eq!(state.ask(&issuer("a"), at(2)), Demand::Refused);
    assert_eq!(state.why_unavailable(&issuer("a"), at(2)), Some(secs(4)));
    assert_eq!(state.why_unavailable(&issuer("never-asked"), at(2)), Some(secs(1)));
    let flight = begin(&mut state, "b", at(3));
    state.finish(flight, Outcome::Unknown, at(3));
    assert_eq!(state.why_unavailable(&issuer("never-asked"), at(3)), Some(secs(1)));
    assert_eq!(state.why_unavailable(&issuer("b"), at(3)), None);
    assert_eq!(state.why_unavailable(&issuer("a"), at(3)), Some(secs(3)), "its own lookup failed");
    let flight = begin(&mut state, "a", at(6));
    state.finish(flight, Outcome::Unchanged, at(6));
    assert_eq!(state.failures(), 1, "there is nothing that could be unchanged");
}

#[test]
fn least_recently_used_verifier_is_evicted() {
    let mut state = State::new(Limits { max_values: 3, ..limits() });
    for (n, name) in [(0, "a"), (1, "b"), (2, "c")] {
        let now = at(n);
        let flight = begin(&mut state, name, now);
        state.finish(flight, Outcome::Found(1), now);
    }
    assert_eq!(used(&state, "a", at(10)), Some(1));
    let flight = begin(&mut state, "d", at(11));
    state.finish(flight, Outcome::Found(2), at(11));
    let mut names: Vec<&str> = state.slots().keys().map(Issuer::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "c", "d"]);
    begin(&mut state, "b", at(12));
}

#[test]
fn invalidated_issuer_ignores_a_pending_lookup() {
    let mut state = with_a();
    state.invalidate(&issuer("a"));
    assert_eq!(used(&state, "a", at(1)), None);
    let old = begin(&mut state, "a", at(1));
    state.invalidate(&issuer("a"));
    let new = begin(&mut state, "a", at(2));
    state.finish(old, Outcome::Found(3), at(3));
    assert_eq!(used(&state, "a", at(3)), None, "it began before");
    state.finish(new, Outcome::Unknown, at(4));
    state.invalidate(&issuer("a"));
    begin(&mut state, "a", at(5));
    begin(&mut state, "b", at(5));
    assert_eq!(state.ask(&issuer("c"), at(5)), Demand::Refused, "ended lookups count no more");
}
