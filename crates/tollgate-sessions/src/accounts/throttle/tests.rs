//! Tests of the throttle, with a manual clock.

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

/// Makes an attempt with a wrong password.
fn fail(throttle: &LoginThrottle, login: &str, from: Option<IpAddr>) -> Result<(), Duration> {
    throttle.admit(&name(login), from).map(drop).map_err(|throttled| throttled.retry_after)
}

/// Makes an attempt with the right password.
fn succeed(throttle: &LoginThrottle, login: &str, from: Option<IpAddr>) {
    throttle.admit(&name(login), from).unwrap().succeeded();
}

#[test]
fn delays_for_a_name_double_up_to_the_longest() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
    for secs in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        assert_eq!(fail(&throttle, "alice", None), Ok(()), "{secs}");
        assert_eq!(fail(&throttle, "alice", None), Err(SECOND * secs));
        // Refused attempts do not extend the delay.
        clock.advance(SECOND * secs - Duration::from_millis(1));
        assert_eq!(fail(&throttle, "alice", None), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(fail(&throttle, "bob", None), Ok(()), "other names do not wait");
    }
}

#[test]
fn attempts_for_a_name_expire() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    // An attacker tries one name for a day, as often as the throttle allows.
    let mut tried = 0;
    for _ in 0..24 * 60 * 60 {
        tried += u32::from(fail(&throttle, "alice", None).is_ok());
        clock.advance(SECOND);
    }
    assert!((1400..1500).contains(&tried), "one guess a minute: {tried}");
    // The throttle counts as many attempts as make the longest delay. One expires every five minutes.
    clock.advance(MINUTE * 5 * 13);
    assert_eq!(throttle.state().names.len(), 1);
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
}

#[test]
fn address_has_a_burst_and_then_one_attempt_per_interval() {
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
fn refused_attempts_of_an_address_do_not_count_for_the_name() {
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
fn throttle_counts_by_ipv4_address_and_ipv6_network() {
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
fn successful_login_refunds_its_address_and_halves_the_attempts_for_its_name() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for _ in 0..10 {
        let wait = fail(&throttle, "alice", None).err().unwrap_or_default();
        clock.advance(wait);
        let _ = fail(&throttle, "alice", None);
    }
    clock.advance(MINUTE);
    succeed(&throttle, "alice", from);
    // Repeated successful logins do not throttle themselves.
    for _ in 0..1000 {
        succeed(&throttle, "alice", from);
    }
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", None), Ok(()));
    }
}

/// An attacker logs in to an own account between guesses for other names from the same address.
#[test]
fn login_of_the_attacker_allows_no_more_guesses() {
    let from = peer("192.0.2.1");
    let guesses = |with_own: bool| {
        let (throttle, clock) = throttle(ThrottleSettings::default());
        let (mut at_one, mut at_many) = (0, 0);
        for second in 0..3600 {
            if with_own && let Ok(permit) = throttle.admit(&name("mallory"), from) {
                permit.succeeded();
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

#[test]
fn login_of_the_user_halves_the_attempts_of_an_attacker_and_does_not_reset_them() {
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
fn throttle_counts_known_networks_separately() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let (home, attacker) = (peer("192.0.2.1"), peer("198.51.100.1"));
    succeed(&throttle, "alice", home);
    for _ in 0..600 {
        // Refused attempts cost nothing, so the attacker uses every attempt that the name has.
        let _ = fail(&throttle, "alice", attacker);
        clock.advance(SECOND);
    }
    assert!(fail(&throttle, "alice", attacker).is_err());
    assert!(fail(&throttle, "alice", peer("192.0.2.2")).is_err(), "from a network without a login");
    assert!(fail(&throttle, "bob", home).is_ok());
    succeed(&throttle, "alice", home);
    // The limit applies from a known network too.
    let guesses = (0..100).filter(|_| fail(&throttle, "alice", home).is_ok()).count();
    assert_eq!(guesses, 6);
    clock.advance(FAMILIAR_FOR);
    let _ = fail(&throttle, "alice", attacker);
    let guesses = (0..100).filter(|_| fail(&throttle, "alice", home).is_ok()).count();
    assert_eq!(guesses, 5, "the network is no longer known");
}

#[test]
fn refund_leaves_no_trace() {
    let (throttle, _clock) = throttle(ThrottleSettings::default());
    let from = peer("2001:db8::1");
    for _ in 0..1000 {
        throttle.admit(&name("alice"), from).unwrap().refund();
    }
    let state = throttle.state();
    assert_eq!((state.names.len(), state.peers.len()), (0, 0));
}

#[test]
fn invented_names_and_addresses_use_bounded_memory() {
    let settings = ThrottleSettings::default().with_max_entries(1000).unwrap();
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
    assert!(fail(&throttle, victim, None).is_err(), "a flood does not evict a name with many attempts");
    // Expired entries are purged.
    clock.advance(MINUTE * 600);
    for number in 0..600 {
        assert_eq!(fail(&throttle, &format!("later-{number}"), None), Ok(()));
    }
    assert_eq!(throttle.state().names.len(), 600);
}

#[test]
fn clock_set_back_does_not_extend_the_wait() {
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
fn settings_work_at_their_bounds() {
    let (shortest, longest) = (ThrottleSettings::MIN_INTERVAL, ThrottleSettings::MAX_INTERVAL);
    let settings = |burst, interval| {
        let settings = ThrottleSettings::default()
            .with_name_limit(burst, NameDelays { first: interval, longest: interval })?;
        settings.with_name_expiry(interval)?.with_address_limit(burst.max(1), interval)
    };
    let (lenient, _clock) = throttle(settings(ThrottleSettings::MAX_BURST, shortest).unwrap());
    for _ in 0..100 {
        assert_eq!(fail(&lenient, "alice", peer("192.0.2.1")), Ok(()));
    }
    let (unlimited, _clock) = throttle(settings(ThrottleSettings::MAX_BURST, longest).unwrap());
    assert_eq!(fail(&unlimited, "alice", peer("192.0.2.1")), Ok(()));
    let (strict, _clock) = throttle(settings(0, longest).unwrap().with_max_entries(1).unwrap());
    assert_eq!(fail(&strict, "alice", None), Ok(()));
    assert_eq!(fail(&strict, "alice", None), Err(longest));
}

#[test]
fn throttle_stores_names_as_keyed_hashes_only() {
    let (throttle, _clock) = throttle(ThrottleSettings::default());
    let _ = fail(&throttle, "alice@example.com", None);
    let permit = throttle.admit(&name("alice@example.com"), None).unwrap();
    let shown = format!("{throttle:?} {permit:?} {:?}", throttle.state().names);
    assert!(!shown.contains("alice"), "{shown}");
    let other = RefreshKey::new(1, b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw").unwrap();
    let other = LoginThrottle::new(&RefreshKeys::new(other));
    assert_ne!(other.hashed(&name("alice"), None), throttle.hashed(&name("alice"), None));
}

#[test]
fn forged_tokens_are_counted_apart_from_logins() {
    let (throttle, clock) = throttle(ThrottleSettings::default());
    let from = peer("192.0.2.1");
    for _ in 0..20 {
        assert_eq!(throttle.admit_forged_token(from), Ok(()));
    }
    for _ in 0..2 {
        assert_eq!(throttle.admit_forged_token(from), Err(Throttled { retry_after: SECOND * 3 }));
    }
    assert_eq!(throttle.admit_forged_token(peer("192.0.2.2")), Ok(()));
    assert_eq!(fail(&throttle, "alice", from), Ok(()), "forged tokens do not delay a login");
    clock.advance(SECOND * 3);
    assert_eq!(throttle.admit_forged_token(from), Ok(()));
    for _ in 0..100 {
        assert_eq!(throttle.admit_forged_token(None), Ok(()), "clients without an address share no limit");
    }
}
