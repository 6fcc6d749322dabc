//! The throttle, with a clock moved by hand.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::session::UnixMillis;
use crate::sessions::tokens::RefreshKey;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn throttle(settings: ThrottleSettings) -> (LoginThrottle, StoreClock) {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
    let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
    let throttle =
        LoginThrottle::new(&RefreshKeys::new(key)).with_settings(settings).with_clock(clock.clone());
    (throttle, clock)
}

fn name(text: &str) -> LoginName {
    text.parse().unwrap()
}

fn peer(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// An attempt with a wrong password.
fn fail(throttle: &LoginThrottle, who: &str, from: Option<IpAddr>) -> Result<(), Duration> {
    throttle.admit(&name(who), from).map(drop).map_err(|throttled| throttled.retry_after)
}

fn succeed(throttle: &LoginThrottle, who: &str, from: Option<IpAddr>) {
    throttle.admit(&name(who), from).unwrap().succeeded();
}

#[test]
fn delays_for_a_name_grow_to_a_bound() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
    for secs in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        assert_eq!(fail(&throttle, "alice", None), Ok(()), "{secs}");
        assert_eq!(fail(&throttle, "alice", None), Err(SECOND * secs));
        // What is refused makes nothing longer.
        clock.advance(SECOND * secs - Duration::from_millis(1));
        assert_eq!(fail(&throttle, "alice", None), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(fail(&throttle, "bob", None), Ok(()), "nobody else has to wait");
    }
}

#[test]
fn all_is_forgotten_in_time() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    // For a day, as often as it is allowed.
    let mut tried = 0;
    for _ in 0..24 * 60 * 60 {
        tried += u32::from(fail(&throttle, "alice", None).is_ok());
        clock.advance(SECOND);
    }
    assert!((1400..1500).contains(&tried), "a guess a minute: {tried}");
    // As many attempts as make the longest delay are remembered, each for five minutes.
    clock.advance(MINUTE * 5 * 13);
    assert_eq!(throttle.state().names.len(), 1);
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
}

#[test]
fn an_address_has_a_burst_and_then_its_share() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for number in 0..20 {
        assert_eq!(fail(&throttle, &format!("user-{number}"), from), Ok(()));
    }
    assert_eq!(fail(&throttle, "alice", from), Err(SECOND * 3));
    assert_eq!(fail(&throttle, "alice", peer("192.0.2.2")), Ok(()));
    for number in 0..10 {
        clock.advance(SECOND * 3);
        assert_eq!(fail(&throttle, &format!("next-{number}"), from), Ok(()));
        assert_eq!(fail(&throttle, "alice", from), Err(SECOND * 3));
    }
    clock.advance(MINUTE);
    for number in 0..20 {
        assert_eq!(fail(&throttle, &format!("later-{number}"), from), Ok(()));
    }
    assert!(fail(&throttle, "alice", from).is_err());
}

#[test]
fn what_an_address_may_not_do_is_not_held_against_the_name() {
    let (throttle, _clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for number in 0..20 {
        assert_eq!(fail(&throttle, &format!("user-{number}"), from), Ok(()));
    }
    for _ in 0..1000 {
        assert!(fail(&throttle, "alice", from).is_err());
    }
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", peer("192.0.2.2")), Ok(()));
    }
}

#[test]
fn spellings_of_an_address_are_one() {
    for (one, other, same) in [
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::ffff:0:1", "::ffff:0:2", false),
    ] {
        let key = |text: &str| network(text.parse().unwrap());
        assert_eq!(key(one) == key(other), same, "{one} and {other}");
    }
}

#[test]
fn a_login_takes_back_half_for_its_own_name_and_one_for_its_address() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for _ in 0..10 {
        let wait = fail(&throttle, "alice", None).err().unwrap_or_default();
        clock.advance(wait);
        let _ = fail(&throttle, "alice", None);
    }
    clock.advance(MINUTE);
    succeed(&throttle, "alice", from);
    // Who logs in again and again is never in the way of themselves.
    for _ in 0..1000 {
        succeed(&throttle, "alice", from);
    }
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
}

/// The attacker's own account, between guesses at another from the same address.
#[test]
fn a_login_of_ones_own_buys_no_guesses() {
    let from = peer("192.0.2.1");
    let guesses = |with_own: bool| {
        let (throttle, clock) = throttle(ThrottleSettings::default());
        let (mut at_one, mut at_many) = (0, 0);
        for second in 0..3600 {
            if with_own && let Ok(attempt) = throttle.admit(&name("mallory"), from) {
                attempt.succeeded();
            }
            at_one += u32::from(fail(&throttle, "alice", from).is_ok());
            at_many += u32::from(fail(&throttle, &format!("user-{second}"), from).is_ok());
            clock.advance(SECOND);
        }
        (at_one, at_many)
    };
    let (at_one, at_many) = guesses(false);
    assert_eq!(guesses(true), (at_one, at_many));
    assert!(at_one <= 5 + 6 + 60 && at_one + at_many <= 20 + 1200, "{at_one}, {at_many}");
}

/// Logins of the user halve what an attacker has run up, and no more.
#[test]
fn a_login_of_the_user_does_not_start_from_nothing() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    for _ in 0..40 {
        let _ = fail(&throttle, "alice", None);
        clock.advance(MINUTE);
    }
    succeed(&throttle, "alice", None);
    let mut free = 0;
    while fail(&throttle, "alice", None).is_ok() {
        free += 1;
    }
    assert!((1..=3).contains(&free), "{free}");
}

#[test]
fn whoever_takes_every_turn_locks_nobody_out_where_they_have_been() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let (home, attacker) = (peer("192.0.2.1"), peer("198.51.100.1"));
    succeed(&throttle, "alice", home);
    for _ in 0..600 {
        // Refused attempts cost nothing, so that each turn is the attacker's.
        let _ = fail(&throttle, "alice", attacker);
        clock.advance(SECOND);
    }
    assert!(fail(&throttle, "alice", attacker).is_err());
    assert!(fail(&throttle, "alice", peer("192.0.2.2")).is_err(), "wherever nobody has logged in");
    assert!(fail(&throttle, "bob", home).is_ok());
    succeed(&throttle, "alice", home);
    // There, too, guessing is slow.
    let guesses = (0..100).filter(|_| fail(&throttle, "alice", home).is_ok()).count();
    assert_eq!(guesses, 6);
    clock.advance(FAMILIAR_FOR);
    let _ = fail(&throttle, "alice", attacker);
    let guesses = (0..100).filter(|_| fail(&throttle, "alice", home).is_ok()).count();
    assert_eq!(guesses, 5, "after that long it is any address");
}

#[test]
fn what_came_to_nothing_is_given_back() {
    let (throttle, _clock) = throttle(ThrottleSettings::default());
    let from = peer("2001:db8::1");
    for _ in 0..1000 {
        throttle.admit(&name("alice"), from).unwrap().refund();
    }
    let state = throttle.state();
    assert_eq!((state.names.len(), state.peers.len()), (0, 0), "as if nothing had been");
}

#[test]
fn made_up_names_and_addresses_take_bounded_memory() {
    let settings = ThrottleSettings::default().with_entries(1000);
    let (throttle, clock) = throttle(settings);
    let victim = "alice";
    for _ in 0..12 {
        while let Err(wait) = fail(&throttle, victim, None) {
            clock.advance(wait);
        }
    }
    for number in 0..100_000_u32 {
        let from = if number % 2 == 0 {
            IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | number))
        } else {
            IpAddr::from(Ipv6Addr::from_bits(u128::from(number) << 64 | 0x2001 << 112))
        };
        assert_eq!(fail(&throttle, &format!("user-{number}"), Some(from)), Ok(()));
        let state = throttle.state();
        assert!(state.names.len() <= 1000 && state.peers.len() <= 1000);
    }
    let state = throttle.state();
    assert_eq!((state.names.len(), state.peers.len()), (1000, 1000));
    drop(state);
    assert!(fail(&throttle, victim, None).is_err(), "what is held against a name cannot be washed out");
    // What is forgotten goes by itself.
    clock.advance(MINUTE * 600);
    for number in 0..600 {
        assert_eq!(fail(&throttle, &format!("later-{number}"), None), Ok(()));
    }
    assert_eq!(throttle.state().names.len(), 600);
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for number in 0..20 {
        let _ = fail(&throttle, "alice", from);
        let _ = fail(&throttle, &format!("user-{number}"), from);
    }
    clock.set(UnixMillis::from_millis(1_000_000_000_000));
    let wait = fail(&throttle, "alice", from).unwrap_err();
    assert!(wait <= MINUTE, "{wait:?}");
    clock.advance(MINUTE);
    assert_eq!(fail(&throttle, "alice", from), Ok(()));
}

#[test]
fn odd_settings_do_what_they_say() {
    let settings = ThrottleSettings::default()
        .with_peers(0, Duration::ZERO)
        .with_names(0, Duration::ZERO, Duration::ZERO)
        .with_forget_after(Duration::ZERO)
        .with_entries(0);
    let (lenient, _clock) = throttle(settings);
    for _ in 0..100 {
        assert_eq!(fail(&lenient, "alice", peer("192.0.2.1")), Ok(()));
    }
    let settings = ThrottleSettings::default()
        .with_names(u32::MAX, Duration::MAX, Duration::MAX)
        .with_forget_after(Duration::MAX)
        .with_peers(u32::MAX, Duration::MAX);
    let (endless, _clock) = throttle(settings);
    let _ = fail(&endless, "alice", peer("192.0.2.1"));
    let (strict, _clock) = throttle(ThrottleSettings::default().with_names(0, MINUTE, MINUTE));
    assert_eq!(fail(&strict, "alice", None), Ok(()));
    assert_eq!(fail(&strict, "alice", None), Err(MINUTE));
}

#[test]
fn names_are_kept_as_keyed_hashes_only() {
    let (throttle, _clock) = throttle(ThrottleSettings::default());
    let _ = fail(&throttle, "alice@example.com", None);
    let attempt = throttle.admit(&name("alice@example.com"), None).unwrap();
    let shown = format!("{throttle:?} {attempt:?} {:?}", throttle.state().names);
    assert!(!shown.contains("alice"), "{shown}");
    let other = RefreshKey::new(1, b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw").unwrap();
    let other = LoginThrottle::new(&RefreshKeys::new(other));
    assert_ne!(other.hashed(&name("alice"), None), throttle.hashed(&name("alice"), None));
}

#[test]
fn forgeries_are_counted_apart() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for _ in 0..20 {
        assert_eq!(throttle.admit_forged_token(from), Ok(()));
    }
    for _ in 0..2 {
        assert_eq!(throttle.admit_forged_token(from), Err(Throttled { retry_after: SECOND * 3 }));
    }
    assert_eq!(throttle.admit_forged_token(peer("192.0.2.2")), Ok(()));
    assert_eq!(fail(&throttle, "alice", from), Ok(()), "nobody who logs in has to wait for it");
    clock.advance(SECOND * 3);
    assert_eq!(throttle.admit_forged_token(from), Ok(()));
    for _ in 0..100 {
        assert_eq!(throttle.admit_forged_token(None), Ok(()), "not everybody at once");
    }
}
